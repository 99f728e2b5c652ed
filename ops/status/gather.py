"""Reads the sources of `status`. A source that cannot be read is recorded; the others are still read."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from ops.cli.context import Context
from ops.gateway.alarms import alarms_of, receivers_of
from ops.gateway.queues import depth_of
from ops.gateway.subscribers import Subscriber, of_bus, of_topic, waiting
from ops.gateway.telemetry import Query, Value
from ops.gateway.worker import ENABLED, describe_pause
from ops.status.attempts import Attempts
from ops.status.budgets import WINDOW, left
from ops.status.reading import Reading
from runtime.metric import MetricName

API_COUNTS: Final = (
    MetricName.ORDER_ACCEPTED,
    MetricName.IDEMPOTENT_REPLAY,
    MetricName.IDEMPOTENCY_CONFLICT,
    MetricName.IDEMPOTENCY_MISMATCH,
    MetricName.DEPENDENCY_FAILURE,
)
WORKER_COUNTS: Final = (
    MetricName.ORDER_CONFIRMED,
    MetricName.ORDER_REJECTED,
    MetricName.ATTEMPT_FAILED,
    MetricName.ATTEMPT_DEFERRED,
    MetricName.LAST_ATTEMPT_FAILED,
    MetricName.MESSAGE_DEAD_LETTERED,
)
_AGE: Final = "ApproximateAgeOfOldestMessage"
# An idle queue stops publishing metrics. A value that is older than this does not describe the present.
_AGE_WINDOW: Final = timedelta(minutes=20)
# No order and no article has this id. A read with this key tests whether the table answers.
_NO_ID: Final = "-"
_TOPIC_METRICS: Final = {
    "events_failed": "NumberOfNotificationsFailed",
    "events_lost": "NumberOfNotificationsFailedToRedriveToDlq",
}
_RULE_METRICS: Final = {"events_failed": "FailedInvocations", "events_lost": "InvocationsFailedToBeSentToDlq"}


class Gatherer:
    """Reads a stack once."""

    def __init__(self, context: Context, seconds: int) -> None:
        self._context, self._seconds = context, seconds
        self._attempts = Attempts(context.target.label)

    def read(self) -> Reading:
        """Read everything once."""
        context, target, clients = self._context, self._context.target, self._context.clients
        orders = self._attempts.read("orders queue", lambda: depth_of(clients.sqs, target.orders_queue_url))
        dead = self._attempts.read("dead-letter queue", lambda: depth_of(clients.sqs, target.dead_letter_queue_url))
        if orders is not None and dead is not None:
            self._attempts.read("queues' redrive policy", clients.check_queues)
        self._attempts.read("orders table", lambda: context.orders.read(_NO_ID))
        self._attempts.read("table of the worker's records", lambda: context.orders.record_status(_NO_ID))
        self._attempts.read("stock table", lambda: context.stock.get(_NO_ID))
        worker = self._attempts.read("worker's mapping", context.worker.mapping)
        paused = None
        if worker is not None and worker.state.startswith("Disabl"):
            pause = self._attempts.read("record of the pause", lambda: context.worker.recorded_pause(worker))
            paused = describe_pause(worker, pause, context.clock.time())
        elif worker is not None and worker.state != ENABLED:
            paused = "a state that should end within a minute"
        subscribers = self._attempts.read("list of subscribers", self._subscribers) or []
        topics = target.alarm_topic_arns
        alarms = self._attempts.read("alarms", lambda: alarms_of(clients.cloudwatch, target.prefix, topics))
        names = [alarm.name for alarm in alarms or ()]
        return Reading(
            now=context.clock.time(),
            seconds=self._seconds,
            orders=orders,
            dead=dead,
            metrics=self._attempts.read("metrics", lambda: self._metrics(subscribers)),
            worker=None if worker is None else worker.state,
            paused=paused,
            subscribers={each.name: self._kept(each) for each in subscribers},
            silent=[each for each in subscribers if not each.confirmed],
            alarms=alarms,
            mutes=self._attempts.read("mute rules", lambda: context.mutes.of(names)) if names else [],
            receivers=self._attempts.read(
                "list of alarm receivers", lambda: receivers_of(clients.sns, topics.values())
            ),
            page_topic=topics.get("page"),
            quota=self._attempts.read("concurrency quota", context.worker.quota),
            deployed=self._attempts.read("version of a function", self._deployed),
            budgets=self._attempts.read("error budgets", self._budgets),
            alarms_evaluated=target.endpoint_url is None,
            unread=self._attempts.unread,
        )

    def _subscribers(self) -> list[Subscriber]:
        target, clients = self._context.target, self._context.clients
        if target.notifications_bus_arn:
            return of_bus(clients.events, target.notifications_bus_arn)
        return of_topic(clients.sns, target.events_arn)

    def _kept(self, subscriber: Subscriber) -> int | None:
        queue = subscriber.dead_letters
        if queue is None:
            return None
        return self._attempts.read(
            f"dead-letter queue of {subscriber.name}", lambda: waiting(self._context.clients.sqs, queue)
        )

    def _deployed(self) -> dict[str, tuple[str, float]]:
        """Return for each function the version that callers use, and when that version was created (epoch seconds)."""
        versions = {function: self._context.worker.version(function) for function in self._context.target.functions}
        return {name: (version, datetime.fromisoformat(made).timestamp()) for name, (version, made) in versions.items()}

    def _metrics(self, subscribers: Iterable[Subscriber]) -> dict[str, Value]:
        end = datetime.fromtimestamp(self._context.clock.time(), UTC)
        telemetry = self._context.telemetry
        values = telemetry.values(
            [*self._counts(), *self._deliveries(subscribers)], end - timedelta(seconds=self._seconds), end
        )
        ages = telemetry.values(self._ages(), end - _AGE_WINDOW, end)
        return _merge_deliveries({**values, **ages})

    def _budgets(self) -> dict[str, float] | None:
        target = self._context.target
        if target.objectives is None or not (target.api_id and target.api_stage):
            return None
        stage = {"ApiId": target.api_id, "Stage": target.api_stage}
        in_time = f"TC(:{target.objectives.promise_seconds * 1000})"
        queries = [
            Query("requests", "AWS/ApiGateway", "Count", stage),
            Query("5xx", "AWS/ApiGateway", "5xx", stage),
            Query("accepted", target.prefix, MetricName.ORDER_ACCEPTED, {"service": "api"}),
            Query("in_time", target.prefix, MetricName.ACCEPTED_TO_SETTLED, {"service": "worker"}, in_time),
        ]
        end = datetime.fromtimestamp(self._context.clock.time(), UTC)
        values = self._context.telemetry.values(queries, end - WINDOW, end)
        return left(target.objectives, {key: value.amount for key, value in values.items()})

    def _counts(self) -> list[Query]:
        target = self._context.target
        counts = [
            Query(metric, target.prefix, metric, {"service": service})
            for service, metrics in (("api", API_COUNTS), ("worker", WORKER_COUNTS))
            for metric in metrics
        ]
        worker = {"service": "worker"}
        latency = MetricName.ACCEPTED_TO_SETTLED
        counts.append(Query("settled_p95", target.prefix, latency, worker, "p95", "highest"))
        if target.api_id and target.api_stage:
            stage = {"ApiId": target.api_id, "Stage": target.api_stage}
            names = {"requests": "Count", "4xx": "4xx", "5xx": "5xx"}
            counts += [Query(key, "AWS/ApiGateway", name, stage) for key, name in names.items()]
            counts.append(Query("latency_p99", "AWS/ApiGateway", "Latency", stage, "p99", "highest"))
        for function in target.functions:
            of_function = {"FunctionName": function}
            counts += [
                Query(f"{name.lower()} of {function}", "AWS/Lambda", name, of_function)
                for name in ("Invocations", "Errors", "Throttles")
            ]
        return [*counts, Query("concurrency", "AWS/Lambda", "ConcurrentExecutions", {}, "Maximum", "highest")]

    def _deliveries(self, subscribers: Iterable[Subscriber]) -> list[Query]:
        arn = self._context.target.events_arn
        name = arn.rpartition(":")[2].removeprefix("event-bus/")
        if not self._context.target.notifications_bus_arn:
            return [Query(key, "AWS/SNS", metric, {"TopicName": name}) for key, metric in _TOPIC_METRICS.items()]
        return [
            Query(f"{key} of {rule}", "AWS/Events", metric, {"EventBusName": name, "RuleName": rule})
            for rule in sorted({each.rule for each in subscribers if each.rule})
            for key, metric in _RULE_METRICS.items()
        ]

    def _ages(self) -> list[Query]:
        target = self._context.target
        urls = {"orders_age": target.orders_queue_url, "dead_age": target.dead_letter_queue_url}
        return [
            Query(key, "AWS/SQS", _AGE, {"QueueName": url.rpartition("/")[2]}, "Maximum", "latest")
            for key, url in urls.items()
        ]


def _merge_deliveries(values: dict[str, Value]) -> dict[str, Value]:
    """Add up the metrics of the bus's rules. CloudWatch counts the deliveries of each rule separately."""
    merged = dict(values)
    for key in _RULE_METRICS:
        parts = [merged.pop(name) for name in values if name.startswith(f"{key} of ")]
        if parts:
            lasts = [part.last for part in parts if part.last is not None]
            merged[key] = Value(sum(part.amount for part in parts), max(lasts, default=None))
    return merged
