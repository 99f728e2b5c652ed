"""Registers the alarms and the dashboard of a test stack.

Converts the registered alarms into alarms that the simulated CloudWatch (evaluator.py) evaluates.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from components.alarms.component import Alarms, AlarmsArgs
from components.alarms.model import Alarm, Composite
from components.alarms.settings import AlarmSettings, AlarmSubscription
from components.component import Scope
from components.dashboard import Dashboard, DashboardArgs
from lab.recording.recording import Recorded, record
from lab.simulation.cloudwatch.evaluator_alarm import MetricAlarm, MetricQuery, State
from lab.simulation.cloudwatch.evaluator_composite import CompositeAlarm
from lab.simulation.cloudwatch.evaluator_metrics import MetricKey
from pipeline.alarms import Limits, alarm_table
from pipeline.alarms.context import Objectives
from pipeline.alarms.sections import LOG_GROUPS, dashboard_sections
from pipeline.config.alarm_thresholds import AlarmThresholds
from pipeline.functions import FUNCTIONS, PROCESS_ORDER

PREFIX: Final = "orders-test"
SCOPE: Final = Scope(prefix=PREFIX, tags={"Owner": "tests"})
LIMITS: Final = Limits(
    queue_retention=4 * 86_400,
    dead_letter_retention=14 * 86_400,
    timeouts={each.name: 60 if each is PROCESS_ORDER else 10 for each in FUNCTIONS},
    worker_concurrency=10,
    objectives=Objectives(accepting_percent=99.9, settling_percent=99, promise_seconds=600),
)
WATCHED: Final[Mapping[str, str]] = {
    "queue": f"{PREFIX}-queue",
    "dead_letter_queue": f"{PREFIX}-dlq",
    "api_id": "a1b2c3d4e5",
    "api_stage": "$default",
    **{each.output: f"{PREFIX}-{each.name}" for each in FUNCTIONS},
    "notifications_topic": f"{PREFIX}-notifications",
    "metrics_namespace": PREFIX,
    "orders_table": f"{PREFIX}-orders",
    "stock_table": f"{PREFIX}-stock",
    "api_idempotency_table": f"{PREFIX}-api-idempotency",
    "worker_idempotency_table": f"{PREFIX}-worker-idempotency",
    "certificate": "arn:aws:acm:eu-central-1:123456789012:certificate/1",
}
BUS_RULES: Final = ("billing", "mail")
"""The subscriptions in a stack with a bus. Each has its own rule."""
WATCHED_WITH_BUS: Final[Mapping[str, str]] = {
    **{key: name for key, name in WATCHED.items() if key != "notifications_topic"},
    "events_bus": f"{PREFIX}-events",
    "events_dead_letter_queue": f"{PREFIX}-events-dlq",
    **{f"events_rule_{name}": f"{PREFIX}-events-{name}" for name in BUS_RULES},
}
THRESHOLDS: Final = AlarmThresholds(expected_orders_per_hour=20)
SUBSCRIBED: Final = AlarmSettings(
    page=(AlarmSubscription(protocol="https", endpoint="https://pager.example.org/hook"),),
    runbook_base_url="https://runbooks.example.org",
)


class Registered(Protocol):
    """A resource with its type token and resolved inputs."""

    @property
    def type(self) -> str: ...
    @property
    def inputs(self) -> Mapping[str, Any]: ...


def register_alarms(settings: AlarmSettings = SUBSCRIBED, *, bus: bool = False) -> tuple[Recorded, ...]:
    """Return the resources that the alarms component registers for a stack with the names above.

    With `bus`, the stack has an event bus instead of the topic. The bus is encrypted with the stack's own key.
    """

    def program() -> None:
        table = alarm_table(THRESHOLDS, LIMITS, BUS_RULES if bus else None, bus_dead_letters=bus, certificate=True)
        watched = WATCHED_WITH_BUS if bus else WATCHED
        Alarms("alarms", SCOPE, AlarmsArgs(table=table, watched=watched, settings=settings))

    return tuple(record(program).resources)


def dashboard_args(**overrides: Any) -> DashboardArgs:
    """Return the dashboard's arguments for a stack with the names above."""
    table = alarm_table(THRESHOLDS, LIMITS, certificate=True)
    rows: tuple[Alarm | Composite, ...] = (*table.alarms, *table.composites)
    values: dict[str, Any] = {
        "table": table,
        "sections": dashboard_sections(table, LIMITS.objectives),
        "watched": WATCHED,
        "alarm_arns": {row.name: f"arn:{PREFIX}-{row.name}" for row in rows},
        "log_groups": {group: f"/aws/lambda/{group}" for group in LOG_GROUPS},
        "region": "eu-central-1",
    }
    return DashboardArgs(**(values | overrides))


def register_dashboard() -> dict[str, Any]:
    """Return the body that the dashboard component registers for a stack with the names above."""
    resources = record(lambda: Dashboard("dashboard", SCOPE, dashboard_args()))
    return resources.one("aws:cloudwatch/dashboard:Dashboard", "dashboard").document("dashboardBody")


def metric_alarms(resources: Iterable[Registered]) -> tuple[MetricAlarm, ...]:
    """Return the registered metric alarms."""
    return tuple(_metric_alarm(r.inputs) for r in resources if r.type.endswith(":MetricAlarm"))


def composite_alarms(resources: Iterable[Registered]) -> tuple[CompositeAlarm, ...]:
    """Return the registered composite alarms."""
    return tuple(_composite_alarm(r.inputs) for r in resources if r.type.endswith(":CompositeAlarm"))


def _metric_alarm(inputs: Mapping[str, Any]) -> MetricAlarm:
    queries = inputs.get("metricQueries") or []
    metrics = {q["id"]: _query(q["metric"], q["metric"]["stat"]) for q in queries if "metric" in q}
    expressions = {q["id"]: q["expression"] for q in queries if "expression" in q}
    returned = [q["id"] for q in queries if q.get("returnData")]
    periods = {int(q["metric"]["period"]) for q in queries if "metric" in q}
    if not queries:
        metrics = {"m": _query(inputs, inputs.get("statistic") or inputs["extendedStatistic"])}
        returned, periods = ["m"], {int(inputs["period"])}
    (result,), (period,) = returned, periods  # CloudWatch refuses an alarm with several results or several periods
    return MetricAlarm(
        name=inputs["name"],
        metrics=metrics,
        expressions=expressions,
        returned=result,
        comparison=inputs["comparisonOperator"],
        threshold=float(inputs["threshold"]),
        period=period,
        evaluation_periods=int(inputs["evaluationPeriods"]),
        datapoints_to_alarm=int(inputs["datapointsToAlarm"]),
        treat_missing_data=inputs["treatMissingData"],
        actions=_actions(inputs),
    )


def _query(inputs: Mapping[str, Any], statistic: str) -> MetricQuery:
    key = MetricKey.of(inputs["namespace"], inputs["metricName"], inputs.get("dimensions"))
    return MetricQuery(key, statistic, inputs.get("unit"))


def _composite_alarm(inputs: Mapping[str, Any]) -> CompositeAlarm:
    suppressor = inputs.get("actionsSuppressor") or {}
    return CompositeAlarm(
        name=inputs["alarmName"],
        rule=inputs["alarmRule"],
        actions=_actions(inputs),
        suppressor=suppressor.get("alarm"),
        wait_period=int(suppressor.get("waitPeriod", 0)),
        extension_period=int(suppressor.get("extensionPeriod", 0)),
    )


def _actions(inputs: Mapping[str, Any]) -> dict[State, tuple[str, ...]]:
    return {
        State.ALARM: tuple(inputs.get("alarmActions") or ()),
        State.OK: tuple(inputs.get("okActions") or ()),
    }
