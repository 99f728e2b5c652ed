"""Metric data for tests of the alarms: healthy traffic, and the cause of each alarm."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from components.alarms.model import Tier
from lab.simulation.cloudwatch.evaluator import AlarmRun
from lab.simulation.cloudwatch.evaluator_alarm import Behaviour, MetricAlarm, State
from lab.simulation.cloudwatch.evaluator_composite import CompositeAlarm
from lab.simulation.cloudwatch.evaluator_metrics import MetricKey, MetricStore
from lab.simulation.cloudwatch.metrics_data import AWS_METRICS, SERVICES, find, own_metrics
from lab.simulation.cloudwatch.registered import BUS_RULES, PREFIX, WATCHED, WATCHED_WITH_BUS
from pipeline.alarms.objectives import ACCEPTING, SETTLING, pairs
from pipeline.functions import FUNCTIONS

Value = float | Sequence[float] | None
"""The values published in one minute: one, several, or none."""
Series = Mapping[MetricKey, Value]

START: Final = 1_700_000_040  # a full minute
BEGIN, END, HORIZON = 60, 135, 240
"""The cause begins at data point BEGIN and ends before data point END (counted from 0). HORIZON is
the number of data points: by then every alarm must have recovered."""


def sqs(name: str, queue: str) -> MetricKey:
    """A metric of `queue`, `dead_letter_queue` or, with a bus, `events_dead_letter_queue`."""
    return MetricKey.of("AWS/SQS", name, {"QueueName": {**WATCHED_WITH_BUS, **WATCHED}[queue]})


def function(name: str, which: str | None) -> MetricKey:
    """A metric of the function `which`, such as `create_order`. If `which` is None: a metric of the account."""
    dimensions = {} if which is None else {"FunctionName": WATCHED[f"{which}_function"]}
    return MetricKey.of("AWS/Lambda", name, dimensions)


def api(name: str) -> MetricKey:
    """A metric of the HTTP API's stage."""
    return MetricKey.of("AWS/ApiGateway", name, {"ApiId": WATCHED["api_id"], "Stage": WATCHED["api_stage"]})


def own(name: str) -> MetricKey:
    """A metric that our functions emit."""
    return MetricKey.of(PREFIX, name, {"service": SERVICES[name]})


def topic(name: str) -> MetricKey:
    """A metric of the notifications topic."""
    return MetricKey.of("AWS/SNS", name, {"TopicName": WATCHED["notifications_topic"]})


def rule(name: str, subscription: str) -> MetricKey:
    """A metric of one rule of the bus."""
    bus, rule = WATCHED_WITH_BUS["events_bus"], WATCHED_WITH_BUS[f"events_rule_{subscription}"]
    return MetricKey.of("AWS/Events", name, {"EventBusName": bus, "RuleName": rule})


_CERTIFICATE: Final = MetricKey.of("AWS/CertificateManager", "DaysToExpiry", {"CertificateArn": WATCHED["certificate"]})
_DEAD = {
    sqs("ApproximateNumberOfMessagesVisible", "dead_letter_queue"): 0,
    sqs("ApproximateNumberOfMessagesNotVisible", "dead_letter_queue"): 0,
    sqs("ApproximateAgeOfOldestMessage", "dead_letter_queue"): 0,
}
HEALTHY: Final[Series] = {
    **{function("Invocations", each.key): 20 for each in FUNCTIONS},
    function("ConcurrentExecutions", "process_order"): 2,
    function("ConcurrentExecutions", None): 9,
    api("Count"): 40,
    api("4xx"): 2,
    api("5xx"): 0,
    api("Latency"): (30, 40, 50, 900),
    sqs("ApproximateNumberOfMessagesVisible", "queue"): 1,
    sqs("ApproximateAgeOfOldestMessage", "queue"): 1,
    **_DEAD,
    own("OrderAccepted"): 20,
    own("OrderConfirmed"): 18,
    own("OrderRejected"): 2,
    own("AcceptedToSettledLatency"): (400,) * 10 + (900,) * 9 + (1500,),
    _CERTIFICATE: 200,
}
"""One minute of healthy traffic. Metrics that are published only at a failure or a throttle are absent."""

_DEAD_VISIBLE = sqs("ApproximateNumberOfMessagesVisible", "dead_letter_queue")
_PAIRS: Final = {each: [p for tier in Tier for p in pairs(each, tier)] for each in (ACCEPTING, SETTLING)}
_UNSETTLED: Final = {own("AcceptedToSettledLatency"): None, own("OrderConfirmed"): None, own("OrderRejected"): None}


CAUSES: Final[Mapping[str, Series]] = {
    **{row: {api("5xx"): 8} for pair in _PAIRS[ACCEPTING] for row in pair},
    **{row: {own("AttemptFailed"): 20, **_UNSETTLED} for pair in _PAIRS[SETTLING] for row in pair},
    "certificate-expiry": {_CERTIFICATE: 29},
    "api-4xx-surge": {api("4xx"): 30},
    "api-latency": {api("Latency"): (2900, 4000, 9000)},
    "idempotency-conflicts": {own("IdempotencyConflict"): 60},
    "idempotency-mismatches": {own("IdempotencyMismatch"): 60},
    "rejection-rate": {own("OrderRejected"): 15, own("OrderConfirmed"): 5},
    "orders-missing": {own("OrderAccepted"): None},
    "worker-concurrency": {function("ConcurrentExecutions", "process_order"): 9},
    "account-concurrency": {function("ConcurrentExecutions", None): 950},
    "attempt-failure-rate": {own("AttemptFailed"): 20, own("OrderConfirmed"): None, own("OrderRejected"): None},
    "attempts-keep-failing": {own("AttemptFailed"): 1},
    "oldest-message-age": {sqs("ApproximateAgeOfOldestMessage", "queue"): 900},
    "worker-not-running": {function("Invocations", "process_order"): None},
    "queue-retention-half": {sqs("ApproximateAgeOfOldestMessage", "queue"): 2 * 86_400},
    "dead-letter-queue-not-empty": {_DEAD_VISIBLE: 1},
    "order-dead-lettered": {own("LastAttemptFailed"): 1},
    "dead-letters-old": {sqs("ApproximateAgeOfOldestMessage", "dead_letter_queue"): 2_000},
    "dead-letter-retention-half": {sqs("ApproximateAgeOfOldestMessage", "dead_letter_queue"): 5 * 86_400},
    "notifications-failed": {topic("NumberOfNotificationsFailed"): 1},
    "notifications-redriven": {topic("NumberOfNotificationsRedrivenToDlq"): 1},
    "notifications-lost": {topic("NumberOfNotificationsFailedToRedriveToDlq"): 1},
}
"""For each row of the alarm table, the series that are not healthy from BEGIN to END. This time is long enough for the
row's alarm to fire. If the alarm treats missing data wrongly, it flaps, or stays in ALARM after END."""


_OF_RULES: Final = {
    "notifications-failed": "FailedInvocations",
    "notifications-redriven": "InvocationsSentToDlq",
    "notifications-lost": "InvocationsFailedToBeSentToDlq",
}
_BUS_DEAD = "events_dead_letter_queue"
BUS_HEALTHY: Final[Series] = {
    sqs("ApproximateNumberOfMessagesVisible", _BUS_DEAD): 0,
    sqs("ApproximateNumberOfMessagesNotVisible", _BUS_DEAD): 0,
}
"""Further series of a healthy minute, if the stack has a bus that is encrypted with the stack's own key."""
BUS_CAUSES: Final[Mapping[str, Series]] = {
    **{
        f"{row}-{subscription}": {rule(metric, subscription): 1}
        for row, metric in _OF_RULES.items()
        for subscription in BUS_RULES
    },
    "bus-dead-letter-queue-not-empty": {sqs("ApproximateNumberOfMessagesVisible", _BUS_DEAD): 1},
}
"""Like `CAUSES`. A stack with a bus has these rows instead of the three rows of the topic."""


@dataclass(frozen=True)
class Phase:
    """Series that replace the healthy ones from data point `begin` until data point `end`."""

    begin: int
    end: int
    series: Series


def step_of(alarm: MetricAlarm) -> int:
    """Return the seconds between two data points of the alarm's scenario.

    60 if the alarm's period is less than two hours. For a longer period the points are further apart: 1,440 seconds for
    a period of a day.
    """
    return 60 * max(1, alarm.period // 3_600)


def publish(*phases: Phase, horizon: int = HORIZON, step: int = 60) -> MetricStore:
    """Publish `horizon` healthy data points, `step` seconds apart. In a phase, its series replace the healthy ones."""
    store = MetricStore()
    units = {key: _unit(key) for phase in phases for key in phase.series} | {key: _unit(key) for key in HEALTHY}
    for minute in range(horizon):
        series = dict(HEALTHY)
        for phase in phases:
            if phase.begin <= minute < phase.end:
                series |= phase.series
        for key, value in series.items():
            if value is not None:
                store.put(key, START + step * minute, value, units[key])
    return store


def _unit(key: MetricKey) -> str:
    published = find(key, (*AWS_METRICS, *own_metrics(PREFIX)))
    assert published is not None, f"no service publishes {key}"
    return published.unit


def run_alone(
    store: MetricStore, alarm: MetricAlarm, composites: Iterable[CompositeAlarm], behaviour: Behaviour
) -> AlarmRun:
    """Run the alarm without the other metric alarms. Data points are `step_of(alarm)` seconds apart.

    Each composite that names the alarm gets a rule with only this alarm, and no suppressor.
    """
    reduced = [
        CompositeAlarm(composite.name, f'ALARM("{alarm.name}")', composite.actions)
        for composite in composites
        if alarm.name in composite.alarms()
    ]
    step = step_of(alarm)
    return AlarmRun(store, [alarm], reduced, behaviour).run(START + 50 * step, START + (HORIZON - 1) * step, step)


def verdict(store: MetricStore, alarm: MetricAlarm, composites: Iterable[CompositeAlarm]) -> tuple[State, ...]:
    """Return the states that the alarm enters after the cause has begun."""
    run = run_alone(store, alarm, composites, Behaviour(5))
    begin = START + BEGIN * step_of(alarm)
    return tuple(change.state for change in run.changes if change.alarm == alarm.name and change.at >= begin)
