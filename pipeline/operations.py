"""Resources for people on call and for releases: alarms with their topics, dashboard, trace group, gradual deploy."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.alarms.component import Alarms, AlarmsArgs
from components.alarms.settings import AlarmSettings, AlarmSubscription
from components.component import Scope, Text
from components.dashboard import Dashboard, DashboardArgs
from components.edge import REGION
from components.event_bus import EventBus
from components.gradual_deploy import GradualDeploy
from components.trace_group import TraceGroup, TraceGroupArgs
from pipeline.alarms import Limits, alarm_table
from pipeline.alarms.context import BUS, BUS_DEAD_LETTER_QUEUE, CERTIFICATE, Objectives, bus_rule
from pipeline.alarms.sections import dashboard_sections
from pipeline.config import StackConfig
from pipeline.config.alarm_thresholds import changed_thresholds
from pipeline.data import Data
from pipeline.delivery import build_delivery
from pipeline.edge import Api
from pipeline.functions import FUNCTIONS, Functions, timeout_of
from pipeline.messaging import Messaging

SLOW_TRACE_SECONDS = 3


@dataclass(frozen=True)
class Operations:
    """The dashboard, the objectives and, if configured, the alarms and the gradual deployment."""

    alarms: Alarms | None
    dashboard: Dashboard
    gradual_deploy: GradualDeploy | None
    objectives: Objectives


def build_operations(
    config: StackConfig, scope: Scope, data: Data, messaging: Messaging, functions: Functions, api: Api
) -> Operations:
    """Create the dashboard and, if configured, the alarms, the trace group and the gradual deployment.

    The dashboard and the alarms use the same table of alarms.
    """
    bus = messaging.notifications if isinstance(messaging.notifications, EventBus) else None
    limits = limits_of(config)
    table = alarm_table(
        changed_thresholds(config.alarm_thresholds),
        limits,
        bus_rules_of(config),
        bus_dead_letters=bus is not None and bus.dead_letter_name is not None,
        certificate=bool(config.domain_name),
        certificate_region=REGION if config.waf else None,
    )
    watched = _watched(scope, data, messaging, functions, api)
    alarms = None
    if config.alarms:
        _warn_without_page_receivers(config)
        alarms = Alarms("alarms", scope, AlarmsArgs(table=table, watched=watched, settings=_settings(config)))
    dashboard = Dashboard(
        "dashboard",
        scope,
        DashboardArgs(
            table=table,
            sections=dashboard_sections(table, limits.objectives),
            watched=watched,
            alarm_arns=alarms.arns if alarms else {},
            log_groups={each.key: functions[each.name].log_group_name for each in FUNCTIONS},
            # The Region comes from the queue's ARN, because AWS_REGION can replace the configured Region.
            region=messaging.queue.arn.apply(lambda arn: arn.split(":")[3]),
        ),
    )
    if config.trace_group:
        TraceGroup(
            "traces", scope, TraceGroupArgs(functions=tuple(functions.values()), slow_seconds=SLOW_TRACE_SECONDS)
        )
    return Operations(alarms, dashboard, build_delivery(config, scope, functions, watched), limits.objectives)


def limits_of(config: StackConfig) -> Limits:
    """Return the configured limits from which the alarms' thresholds are computed."""
    return Limits(
        queue_retention=config.queue_retention_seconds,
        dead_letter_retention=config.dlq_retention_seconds,
        timeouts={each.name: timeout_of(each, config) for each in FUNCTIONS},
        worker_concurrency=config.worker_max_concurrency,
        objectives=Objectives(
            accepting_percent=float(config.accepting_objective_percent),
            settling_percent=float(config.settling_objective_percent),
            promise_seconds=config.settling_promise_seconds,
        ),
    )


def bus_rules_of(config: StackConfig) -> tuple[str, ...] | None:
    """Return the names of the subscriptions to the bus; None if events go to a topic.

    Each subscription has one rule.
    """
    return tuple(each.name for each in config.subscriptions) if config.events_target == "bus" else None


def _watched(scope: Scope, data: Data, messaging: Messaging, functions: Functions, api: Api) -> Mapping[str, Text]:
    return {
        "queue": messaging.queue.queue_name,
        "dead_letter_queue": messaging.queue.dead_letter_name,
        "api_id": api.http.api_id,
        "api_stage": api.http.stage_name,
        **({} if api.certificate_arn is None else {CERTIFICATE.key: api.certificate_arn}),
        **{each.output: functions[each.name].function_name for each in FUNCTIONS},
        **_notification_names(messaging),
        "metrics_namespace": scope.prefix,
        "orders_table": data.orders.table_name,
        "stock_table": data.stock.table_name,
        "api_idempotency_table": data.api_idempotency.table_name,
        "worker_idempotency_table": data.worker_idempotency.table_name,
    }


def _notification_names(messaging: Messaging) -> dict[str, Text]:
    notifications = messaging.notifications
    if not isinstance(notifications, EventBus):
        return {"notifications_topic": notifications.topic_name}
    rules = {bus_rule(subscription).key: name for subscription, name in notifications.rule_names.items()}
    queue = notifications.dead_letter_name
    dead_letters = {} if queue is None else {BUS_DEAD_LETTER_QUEUE.key: queue}
    return {BUS.key: notifications.bus_name, **rules, **dead_letters}


def _settings(config: StackConfig) -> AlarmSettings:
    return AlarmSettings(
        page=_receivers(config.alarm_page_subscriptions),
        notify=_receivers(config.alarm_notify_subscriptions),
        ticket=_receivers(config.alarm_ticket_subscriptions),
        topic_kms_key_arn=config.alarm_topic_kms_key_arn or None,
        runbook_base_url=config.runbook_base_url,
    )


def _receivers(items: tuple[str, ...]) -> tuple[AlarmSubscription, ...]:
    return tuple(AlarmSubscription.parse(item) for item in items)


def _warn_without_page_receivers(config: StackConfig) -> None:
    # On the embedded AWS nobody needs to be paged.
    if config.alarm_page_subscriptions or config.environment == "local":
        return
    pulumi.log.warn(
        "nobody is subscribed to pages, so urgent alarms would notify nobody. "
        f"Set {pulumi.get_project()}:alarm_page_subscriptions, for example to [https=https://pager.example.com/hook]."
    )
