"""Metrics that AWS and the program publish to CloudWatch. Tests refuse an alarm on any other metric.

CloudWatch would accept the alarm even if the metric does not exist, but the alarm would never get data.

Each entry gives the exact dimension sets: CloudWatch does not aggregate across dimensions, so a metric that AWS
publishes per table *and operation* does not exist per table. `sparse` means that a metric has no data points in quiet
periods (then missing data means "all is well"). `advice` lists the meaningful statistics.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lab.simulation.cloudwatch.evaluator_metrics import MetricKey
from runtime.metric import MetricName

_LAMBDA: Final = 'AWS Lambda Developer Guide, "Types of metrics for Lambda functions"'
_LAMBDA_DIMENSIONS: Final = (
    'the same guide, "Viewing metrics for Lambda functions" (By Function Name, Across All Functions)'
)
_SQS: Final = 'Amazon SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS"'
_SNS: Final = 'Amazon SNS Developer Guide, "Monitoring Amazon SNS topics using CloudWatch"'
_EVENTS: Final = 'Amazon EventBridge User Guide, "Monitoring Amazon EventBridge" (EventBridge metrics, Dimensions)'
_DYNAMODB: Final = 'Amazon DynamoDB Developer Guide, "DynamoDB Metrics and dimensions"'
_HTTP_API: Final = 'Amazon API Gateway Developer Guide, "Monitor CloudWatch metrics for HTTP APIs in API Gateway"'
_CERTIFICATES: Final = 'AWS Certificate Manager User Guide, "Supported CloudWatch metrics"'
_EMF: Final = (
    "runtime/observability.py; Powertools adds the dimension `service` = POWERTOOLS_SERVICE_NAME to every metric"
)


@dataclass(frozen=True)
class Published:
    """Facts about one published metric.

    Attributes:
        dimension_sets: the exact sets of dimension names under which the metric exists.
        unit: CloudWatch's unit.
        resolution: seconds between data points.
        sparse: True if the publisher publishes only when there is an event.
        advice: the statistics that are meaningful.
        note: surprising facts, such as delays and events that are not counted.
        source: where this is documented.
    """

    namespace: str
    name: str
    dimension_sets: tuple[frozenset[str], ...]
    unit: str
    resolution: int
    sparse: bool
    advice: tuple[str, ...]
    note: str
    source: str


def _sets(*sets: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(names.split()) for names in sets)


def _lambda(name: str, unit: str, advice: tuple[str, ...], note: str) -> Published:
    # Lambda also publishes by version or alias (Resource), but the program's alarms are on the whole function.
    source = f"{_LAMBDA}; {_LAMBDA_DIMENSIONS}"
    return Published("AWS/Lambda", name, _sets("FunctionName", ""), unit, 60, True, advice, note, source)


def _sqs(name: str, unit: str, advice: tuple[str, ...], note: str) -> Published:
    note += " Not published after six hours without a message or request; starts again with up to 15 minutes' delay."
    return Published("AWS/SQS", name, _sets("QueueName"), unit, 60, False, advice, note, _SQS)


def _sns(name: str, note: str) -> Published:
    return Published("AWS/SNS", name, _sets("TopicName"), "Count", 60, True, ("Sum",), note, _SNS)


def _events(name: str, note: str) -> Published:
    # Without EventBusName, the dimension RuleName covers only rules of the default bus.
    return Published("AWS/Events", name, _sets("EventBusName RuleName"), "Count", 60, True, ("Sum",), note, _EVENTS)


def _table(name: str, sets: str, note: str) -> Published:
    return Published("AWS/DynamoDB", name, _sets(sets), "Count", 60, True, ("Sum",), note, _DYNAMODB)


def _http_api(name: str, unit: str, advice: tuple[str, ...], note: str) -> Published:
    return Published("AWS/ApiGateway", name, _sets("ApiId", "ApiId Stage"), unit, 60, True, advice, note, _HTTP_API)


_PERCENTILES: Final = ("Average", "Maximum", "p50", "p90", "p95", "p99")
_TRIMMED_COUNT: Final = "TC(:n)"
"""The number of samples that are at most n. Source: Amazon CloudWatch User Guide, "CloudWatch statistics
definitions"."""

AWS_METRICS: Final[tuple[Published, ...]] = (
    _lambda("Invocations", "Count", ("Sum",), "Throttled requests are not counted."),
    _lambda("Errors", "Count", ("Sum",), "Stamped with the invocation's start. Partial batch failures are not errors."),
    _lambda("Throttles", "Count", ("Sum",), "Throttles count as neither invocations nor errors."),
    _lambda("Duration", "Milliseconds", _PERCENTILES, "Stamped with the invocation's start. Excludes init time."),
    _lambda("ConcurrentExecutions", "Count", ("Maximum",), "Without a dimension: the Region's total."),
    _sqs("ApproximateAgeOfOldestMessage", "Seconds", ("Maximum",),
         "Ignores messages received three times or more. A dead letter's age counts from its arrival in the "
         "dead-letter queue. But its retention, on a standard queue, counts from the original send."),
    _sqs("ApproximateNumberOfMessagesVisible", "Count", ("Maximum",), "Excludes messages that a tool has received."),
    _sqs("ApproximateNumberOfMessagesNotVisible", "Count", ("Maximum",), "In flight, or hidden by a back-off."),
    _sqs("ApproximateNumberOfMessagesDelayed", "Count", ("Maximum",), "Sent with a delay."),
    _sqs("NumberOfMessagesSent", "Count", ("Sum",), "Messages that a redrive policy moves are not counted."),
    _sqs("NumberOfMessagesReceived", "Count", ("Sum",), "Each delivery counts."),
    _sqs("NumberOfMessagesDeleted", "Count", ("Sum",), "Duplicate deletions count; moves by a redrive policy do not."),
    _sns("NumberOfMessagesPublished", "Messages from the worker and from people (`order replay-events`)."),
    _sns("NumberOfNotificationsDelivered", "Counted per subscription that accepted the message."),
    _sns("NumberOfNotificationsFailed", "Counted after the last retry; for HTTP(S), after every failed attempt."),
    _sns("NumberOfNotificationsRedrivenToDlq", "Moved to the subscription's own dead-letter queue."),
    _sns("NumberOfNotificationsFailedToRedriveToDlq", "Lost: neither delivered nor kept."),
    _events("FailedInvocations", "Failed for good: a failure is not counted if a retry succeeds."),
    _events("InvocationsSentToDlq", "Moved to the target's own dead-letter queue."),
    _events("InvocationsFailedToBeSentToDlq", "Lost: neither delivered nor kept."),
    _table("ReadThrottleEvents", "TableName", "The SDK retries most of them."),
    _table("WriteThrottleEvents", "TableName", "The SDK retries most of them."),
    _table("ThrottledRequests", "TableName Operation", "Published only per operation of a table, not per table."),
    _table("SystemErrors", "TableName Operation", "Published only per operation of a table, not per table."),
    _table("ConditionalCheckFailedRequests", "TableName", "Some are normal: a replay makes a condition fail."),
    _table("TransactionConflict", "TableName", "Each conflicting item of a transaction counts."),
    Published("AWS/CertificateManager", "DaysToExpiry", _sets("CertificateArn"), "Count", 43_200, False, ("Minimum",),
              "Published twice a day, in the certificate's Region, until the certificate expires.", _CERTIFICATES),
    _http_api("Count", "Count", ("Sum",), "HTTP APIs, unlike REST APIs, publish under ApiId."),
    _http_api("4xx", "Count", ("Sum", "Average"), "REST APIs call it 4XXError. Average is a share, 0 to 1."),
    _http_api("5xx", "Count", ("Sum", "Average"), "REST APIs call it 5XXError. Average is a share, 0 to 1."),
    _http_api("Latency", "Milliseconds", _PERCENTILES, "From the request's arrival to the response."),
    _http_api("IntegrationLatency", "Milliseconds", _PERCENTILES, "The part of Latency that the function takes."),
)  # fmt: skip

_API: Final = (
    MetricName.ORDER_ACCEPTED,
    MetricName.IDEMPOTENT_REPLAY,
    MetricName.IDEMPOTENCY_CONFLICT,
    MetricName.IDEMPOTENCY_MISMATCH,
    MetricName.DEPENDENCY_FAILURE,
)


def own_metrics(namespace: str) -> tuple[Published, ...]:
    """Return the metrics that our functions publish to `namespace`, which is `{project}-{stack}`."""
    return tuple(
        Published(
            namespace,
            metric.value,
            _sets("service"),
            "Milliseconds" if metric is MetricName.ACCEPTED_TO_SETTLED else "Count",
            60,
            True,
            (*_PERCENTILES, _TRIMMED_COUNT) if metric is MetricName.ACCEPTED_TO_SETTLED else ("Sum",),
            "Published only when the event occurs.",
            _EMF,
        )
        for metric in MetricName
    )


SERVICES: Final = {metric.value: "api" if metric in _API else "worker" for metric in MetricName}
"""The dimension `service` of each of our metrics, by metric name."""


def find(key: MetricKey, published: Iterable[Published]) -> Published | None:
    """Return the published metric that has this namespace and name, and exactly these dimension names; or None."""
    names = frozenset(name for name, _ in key.dimensions)
    for entry in published:
        if (entry.namespace, entry.name) == (key.namespace, key.name) and names in entry.dimension_sets:
            return entry
    return None
