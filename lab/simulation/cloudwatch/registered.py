"""What the components really register, as the evaluator's alarms: so that what is judged is what is deployed."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, cast

import pulumi
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import run_in_stack

from components.alarms.component import Alarms, AlarmsArgs
from components.alarms.settings import AlarmSettings, AlarmSubscription
from components.component import Scope
from lab.simulation.cloudwatch.evaluator_alarm import MetricAlarm, MetricQuery, State
from lab.simulation.cloudwatch.evaluator_composite import CompositeAlarm
from lab.simulation.cloudwatch.evaluator_metrics import MetricKey
from pipeline.alarms import Limits, alarm_table
from pipeline.config.alarm_thresholds import AlarmThresholds
from pipeline.functions import FUNCTIONS, PROCESS_ORDER

PREFIX: Final = "orders-test"
SCOPE: Final = Scope(prefix=PREFIX, tags={"Owner": "tests"})
ACCOUNT: Final = "123456789012"
LIMITS: Final = Limits(
    queue_retention=4 * 86_400,
    dead_letter_retention=14 * 86_400,
    timeouts={each.name: 60 if each is PROCESS_ORDER else 10 for each in FUNCTIONS},
    worker_concurrency=10,
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
}
BUS_RULES: Final = ("billing", "mail")
"""Subscriptions of the stack with a bus."""
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


@dataclass(frozen=True)
class Registered:
    """One registered resource: its type token, logical name and resolved inputs."""

    type: str
    name: str
    inputs: Mapping[str, Any]


class _Recorder(pulumi.runtime.Mocks):
    def __init__(self) -> None:
        self.resources: list[Registered] = []
        self.loops: set[asyncio.AbstractEventLoop] = set()

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        # The mock monitor gives each of its threads a loop and never closes it.
        self.loops.add(asyncio.get_event_loop())
        self.resources.append(Registered(args.typ, args.name, args.inputs))
        kind, physical = args.typ.rsplit(":", 1)[-1], args.inputs.get("name") or args.inputs.get("alarmName")
        services = {"Topic": "sns", "MetricAlarm": "cloudwatch", "CompositeAlarm": "cloudwatch"}
        infix = "" if kind == "Topic" else "alarm:"
        arn = f"arn:aws:{services.get(kind, 'none')}:eu-central-1:{ACCOUNT}:{infix}{physical}"
        return f"{args.name}-id", {**args.inputs, "arn": arn}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        raise AssertionError(f"no provider function is expected, {args.token} was called")


def register(program: Callable[[], None]) -> tuple[Registered, ...]:
    """Run a Pulumi program under mocks and return what it registered."""
    # In a thread of its own: the SDK creates and replaces event loops, which would otherwise leak into other tests.
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(_register, program).result()


def _register(program: Callable[[], None]) -> tuple[Registered, ...]:
    recorder = _Recorder()
    # What an earlier run left behind belongs to a loop that is closed.
    SETTINGS.outputs.clear()
    # Before set_mocks: the root stack that it makes belongs to the loop of its moment.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    pulumi.runtime.set_mocks(recorder, project="orders", stack="test", preview=False)
    # That root stack stays behind, and run_in_stack wants to make its own.
    pulumi.runtime.settings.set_root_resource(cast(pulumi.Resource, None))
    try:
        loop.run_until_complete(run_in_stack(program))
    finally:
        asyncio.set_event_loop(None)
        for used in {loop, *recorder.loops}:
            used.close()
    # Registrations come on several threads; the order of parametrised tests must not depend on them.
    return tuple(sorted(recorder.resources, key=lambda resource: (resource.type, resource.name)))


def register_alarms(settings: AlarmSettings = SUBSCRIBED, *, bus: bool = False) -> tuple[Registered, ...]:
    """What the alarms component registers for a stack with the names above, with a topic or a bus under its own key."""

    def program() -> None:
        table = alarm_table(THRESHOLDS, LIMITS, BUS_RULES if bus else None, bus_dead_letters=bus)
        watched = WATCHED_WITH_BUS if bus else WATCHED
        Alarms("alarms", SCOPE, AlarmsArgs(table=table, watched=watched, settings=settings))

    return register(program)


def metric_alarms(resources: tuple[Registered, ...]) -> tuple[MetricAlarm, ...]:
    """The registered metric alarms."""
    return tuple(_metric_alarm(r.inputs) for r in resources if r.type.endswith(":MetricAlarm"))


def composite_alarms(resources: tuple[Registered, ...]) -> tuple[CompositeAlarm, ...]:
    """The registered composite alarms."""
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
    (result,), (period,) = returned, periods  # CloudWatch refuses several results, and several periods
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
