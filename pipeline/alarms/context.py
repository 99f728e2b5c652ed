"""Inputs of the alarms: thresholds, limits of the stack, and references to the watched resources."""

from collections.abc import Mapping
from dataclasses import dataclass

from components.alarms.model import Metric, Ref
from pipeline.config.alarm_thresholds import AlarmThresholds

QUEUE = Ref("queue")
DEAD_LETTER_QUEUE = Ref("dead_letter_queue")
API_ID = Ref("api_id")
API_STAGE = Ref("api_stage")
TOPIC = Ref("notifications_topic")
BUS = Ref("events_bus")
BUS_DEAD_LETTER_QUEUE = Ref("events_dead_letter_queue")
NAMESPACE = Ref("metrics_namespace")
CERTIFICATE = Ref("certificate")
TABLES: Mapping[str, Ref] = {
    name: Ref(f"{name}_table") for name in ("orders", "stock", "api_idempotency", "worker_idempotency")
}


def bus_rule(subscription: str) -> Ref:
    """Return the reference to the rule of one subscription to the bus."""
    return Ref(f"events_rule_{subscription}")


MINUTE = 60
FIVE_MINUTES = 300


@dataclass(frozen=True)
class Objectives:
    """Promises to customers.

    Attributes:
        accepting_percent: share of requests with an answer other than 5xx.
        settling_percent: share of accepted orders that are settled within `promise_seconds`.
    """

    accepting_percent: float
    settling_percent: float
    promise_seconds: int


@dataclass(frozen=True)
class Limits:
    """Limits of the stack, from which thresholds are computed.

    Attributes:
        queue_retention: seconds until SQS deletes an order that nobody processed.
        dead_letter_retention: seconds until SQS deletes a dead letter. If SQS moved the message from a standard queue,
            this time starts at the original send. If the worker sent the message to the dead-letter queue, this time
            starts at the worker's send.
        timeouts: seconds, by function name.
        worker_concurrency: the event source mapping's maximum concurrency.
        objectives: the promises to customers.
    """

    queue_retention: int
    dead_letter_retention: int
    timeouts: Mapping[str, int]
    worker_concurrency: int
    objectives: Objectives

    def __post_init__(self) -> None:
        if self.dead_letter_retention <= self.queue_retention:
            raise ValueError(
                f"dead_letter_retention ({self.dead_letter_retention} s) must exceed queue_retention "
                f"({self.queue_retention} s), because on a standard queue both start at the original send"
            )


@dataclass(frozen=True)
class Context:
    """Thresholds and limits of one stack, with the facts about its bus and its domain.

    Attributes:
        bus_rules: Names of the subscriptions to the bus; None: the stack has a topic.
        bus_dead_letters: Whether the bus has a dead-letter queue.
        certificate: Whether the API has a custom domain, and with it a certificate.
        certificate_region: The certificate's Region, if it is not the stack's.
    """

    thresholds: AlarmThresholds
    limits: Limits
    bus_rules: tuple[str, ...] | None
    bus_dead_letters: bool
    certificate: bool
    certificate_region: str | None


def queue_metric(name: str, queue: Ref, statistic: str = "Maximum") -> Metric:
    """Return a metric of an SQS queue."""
    return Metric("AWS/SQS", name, {"QueueName": queue}, statistic)


def function_metric(name: str, function: Ref | None, statistic: str = "Sum") -> Metric:
    """Return a metric of a function, or of all functions of the account."""
    return Metric("AWS/Lambda", name, {} if function is None else {"FunctionName": function}, statistic)


def own_metric(name: str, service: str, statistic: str = "Sum") -> Metric:
    """Return a metric that our functions emit."""
    return Metric(NAMESPACE, name, {"service": service}, statistic)


def in_time_metric(promise_seconds: int) -> Metric:
    """Return the metric that counts the orders settled in time: those whose latency is at most `promise_seconds`."""
    return own_metric("AcceptedToSettledLatency", "worker", f"TC(:{promise_seconds * 1000})")


def api_metric(name: str, statistic: str = "Sum") -> Metric:
    """Return a metric of the HTTP API's stage."""
    return Metric("AWS/ApiGateway", name, {"ApiId": API_ID, "Stage": API_STAGE}, statistic)


def percent(part: str, whole: tuple[str, ...], minimum: int) -> str:
    """Return metric math: `part` as percent of the sum of `whole`; 0 if `part` is less than `minimum`.

    The minimum applies to `part`, the bad events. If it applied to all events, the alarm could
    not fire when there are few. A gap in any metric counts as 0, because the counts of successes have no
    data points when everything fails.
    """
    return f"IF({filled(part)} >= {minimum}, 100 * {filled(part)} / ({filled(*whole)}), 0)"


def filled(*identifiers: str) -> str:
    """Return metric math: the sum of counts, in which a period without data counts as 0.

    A count that is only published when something happens has gaps. In a period without data, CloudWatch evaluates older
    data points again. So old failures could raise the alarm, or keep it raised. FILL closes the gaps.
    """
    return " + ".join(f"FILL({identifier}, 0)" for identifier in identifiers)
