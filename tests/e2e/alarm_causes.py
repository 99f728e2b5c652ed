"""Causes of alarms on the deployed stack. Their effects are read from logs, answers and queues."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from lab.simulation.cloudwatch.causes import Emitted
from lab.simulation.cloudwatch.evaluator_metrics import MetricKey
from lab.simulation.cloudwatch.scenarios import HEALTHY, Value, api, own, sqs
from local.client import LocalStack
from local.demo.account import Account, wait_for
from local.demo.http import OrdersApi, order
from local.proxy.faults import FaultKind
from ops.gateway.http import Answer
from tests.e2e.alarms import DeployedAlarms, emitted, total

_OWN: Final = frozenset(key for key in HEALTHY if dict(key.dimensions).get("service"))


@dataclass(frozen=True)
class CauseContext:
    """A stack, and the clients with which the causes of alarms are produced."""

    stack: LocalStack
    account: Account
    client: OrdersApi
    alarms: DeployedAlarms
    keys: Callable[[], str]
    _effects: dict[object, Mapping[MetricKey, Value]] = field(default_factory=dict)

    def effects_of(self, row: str) -> Mapping[MetricKey, Value]:
        """Produce the cause of the alarm `row`, and return the cause's effects.

        A cause that several alarms share is produced only once.
        """
        cause = REAL_CAUSES[row]
        if cause not in self._effects:
            self._effects[cause] = cause(self)
        return self._effects[cause]

    def post_many(self, number: int, sku: str, key: str | None = None) -> list[Answer]:
        """Post `number` orders concurrently. With `key`, all have this key and different bodies."""

        def post(index: int) -> Answer:
            return self.client.post(order((sku, index + 1)), key or self.keys())

        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(post, range(number)))

    def published(self, function: str, metric: str, least: int, since: datetime) -> Mapping[MetricKey, Value]:
        """Wait until `metric` has reached `least`, and return the function's metrics since `since`.

        The value of a metric that the function has not written is `None`: no data.
        """

        def look() -> list[Emitted] | None:
            found = emitted(self.stack, function, since)
            return found if total(found, metric) >= least else None

        series: dict[MetricKey, list[float]] = defaultdict(list)
        for each in wait_for(f"{least} of {metric}", look, 60):
            series[self.alarms.in_scenario_name(each.key)].extend(each.values)
        return {**dict.fromkeys(_OWN, None), **series}


Cause = Callable[[CauseContext], Mapping[MetricKey, Value]]


def _queue_fails(context: CauseContext) -> Mapping[MetricKey, Value]:
    since = datetime.now(UTC)
    with context.stack.fault("sqs", "SendMessage", FaultKind.ERROR):
        answers = context.post_many(6, "SKU-any")
    failed = sum(answer.status >= 500 for answer in answers)
    series = context.published("create-order", "DependencyFailure", failed, since)
    return {**series, api("5xx"): failed, api("Count"): len(answers)}


def _keys_reused(context: CauseContext) -> Mapping[MetricKey, Value]:
    key, since = context.keys(), datetime.now(UTC)
    context.client.post(order(("SKU-none", 100)), key)
    context.post_many(12, "SKU-none", key=key)
    return context.published("create-order", "IdempotencyMismatch", 12, since)


def _nothing_in_stock(context: CauseContext) -> Mapping[MetricKey, Value]:
    since = datetime.now(UTC)
    # Only 10 of the 16 rejections are awaited, because on a busy machine a worker may reach its timeout before it
    # writes its counts.
    context.post_many(16, "SKU-none")
    return context.published("process-order", "OrderRejected", 10, since)


def _table_fails(context: CauseContext) -> Mapping[MetricKey, Value]:
    since = datetime.now(UTC)
    with context.stack.fault("dynamodb", "TransactWriteItems", FaultKind.ERROR):
        context.post_many(4, "SKU-none")
        return context.published("process-order", "AttemptFailed", 3, since)


def _message_unreadable(context: CauseContext) -> Mapping[MetricKey, Value]:
    since = datetime.now(UTC)
    before = context.account.waiting("dead_letter_queue_url")
    context.account.send("no order")
    series = context.published("process-order", "MessageDeadLettered", 1, since)
    depth = context.account.waiting("dead_letter_queue_url") - before
    return {**series, sqs("ApproximateNumberOfMessagesVisible", "dead_letter_queue"): depth}


REAL_CAUSES: Final[Mapping[str, Cause]] = {
    "accepting-14x-1h": _queue_fails,
    "accepting-14x-5m": _queue_fails,
    "idempotency-mismatches": _keys_reused,
    "rejection-rate": _nothing_in_stock,
    "attempt-failure-rate": _table_fails,
    "attempts-keep-failing": _table_fails,
    "order-dead-lettered": _message_unreadable,
    "dead-letter-queue-not-empty": _message_unreadable,
}
"""The alarms whose cause can be produced on the emulator, each with its cause.

The other alarms need a metric, a fault or a service limit that the emulator lacks.
"""

# For each alarm, the metric that its cause must produce. The test checks this metric, because other
# metrics could make the alarm fire, too.
CAUSING_METRIC: Final[Mapping[str, MetricKey]] = {
    "accepting-14x-1h": api("5xx"),
    "accepting-14x-5m": api("5xx"),
    "idempotency-mismatches": own("IdempotencyMismatch"),
    "rejection-rate": own("OrderRejected"),
    "attempt-failure-rate": own("AttemptFailed"),
    "attempts-keep-failing": own("AttemptFailed"),
    "order-dead-lettered": own("MessageDeadLettered"),
    "dead-letter-queue-not-empty": sqs("ApproximateNumberOfMessagesVisible", "dead_letter_queue"),
}
