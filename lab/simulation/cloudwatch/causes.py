"""A cause for each of the program's own metrics. It makes the real handlers emit the metric in a simulated world."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from lab.simulation.cloudwatch.evaluator_metrics import MetricKey
from lab.simulation.fakes.faults import server_error, transaction_cancelled
from lab.simulation.fakes.wire import Call, Fault, Process
from lab.simulation.observed import ObservedWorld, observed
from lab.simulation.requests import order_body
from lab.simulation.world import Deployment
from runtime.metric import MetricName

Cause = Callable[[ObservedWorld], None]
_CONFLICT: Final = transaction_cancelled(["TransactionConflict"])


def failing(operation: str, fault: Fault = server_error, times: int = 1_000_000) -> Process:
    """Return a process whose first `times` calls of `operation` (at most 10,000) fail with `fault`."""
    left = [fault] * min(times, 10_000)
    return Process(on_call=lambda call: left.pop() if left and call.operation == operation else None)


def _accepted(world: ObservedWorld) -> None:
    world.stock_up("SKU-1", 100)
    world.post("key", order_body(), caller="ann")


def _replayed(world: ObservedWorld) -> None:
    _accepted(world)
    world.post("key", order_body(), caller="ann")


def _conflicting(world: ObservedWorld) -> None:
    def retry_meanwhile(call: Call) -> None:
        if call.operation == "SendMessage":
            world.cloud.wire.before = None
            world.post("key", order_body(), caller="ann")

    world.cloud.wire.before = retry_meanwhile
    _accepted(world)


def _mismatched(world: ObservedWorld) -> None:
    _accepted(world)
    world.post("key", order_body(("SKU-1", 3)), caller="ann")


def _send_failed(world: ObservedWorld) -> None:
    world.post("key", order_body(), caller="ann", process=failing("SendMessage"))


def _confirmed(world: ObservedWorld) -> None:
    _accepted(world)
    world.cloud.clock.advance(400)
    world.drain()


def _rejected(world: ObservedWorld) -> None:
    world.stock_up("SKU-1", 0)
    world.post("key", order_body(), caller="ann")
    world.drain()


def _failed_once(world: ObservedWorld) -> None:
    _accepted(world)
    world.deliver(failing("TransactWriteItems"))
    world.drain()


def _last_attempt_failed(world: ObservedWorld) -> None:
    _accepted(world)
    for _ in range(world.deployment.max_receive_count):
        moment = world.orders_queue.next_visible_at()
        assert moment is not None
        world.cloud.clock.advance_to(moment)
        world.deliver(failing("TransactWriteItems"))


def _dead_lettered(world: ObservedWorld) -> None:
    world.cloud.sqs_client.send_message(QueueUrl=world.orders_queue.url, MessageBody="no order")
    world.drain()


def _out_of_time(world: ObservedWorld) -> None:
    _accepted(world)
    world.deliver()


def _transaction_conflict(world: ObservedWorld) -> None:
    _accepted(world)
    world.deliver(failing("TransactWriteItems", _CONFLICT, times=2))


@dataclass(frozen=True)
class CauseIn:
    """A cause and the deployment in which it happens."""

    cause: Cause
    deployment: Deployment = field(default_factory=Deployment)


BY_METRIC: Final[Mapping[MetricName, CauseIn]] = {
    MetricName.ORDER_ACCEPTED: CauseIn(_accepted),
    MetricName.IDEMPOTENT_REPLAY: CauseIn(_replayed),
    MetricName.IDEMPOTENCY_CONFLICT: CauseIn(_conflicting),
    MetricName.IDEMPOTENCY_MISMATCH: CauseIn(_mismatched),
    MetricName.DEPENDENCY_FAILURE: CauseIn(_send_failed),
    MetricName.ORDER_CONFIRMED: CauseIn(_confirmed),
    MetricName.ORDER_REJECTED: CauseIn(_rejected),
    MetricName.ATTEMPT_FAILED: CauseIn(_failed_once),
    MetricName.LAST_ATTEMPT_FAILED: CauseIn(_last_attempt_failed),
    MetricName.MESSAGE_DEAD_LETTERED: CauseIn(_dead_lettered),
    # The worker defers an attempt if less time is left than a message's budget plus the time margin. The timeout of 9 s
    # is shorter than this sum.
    MetricName.ATTEMPT_DEFERRED: CauseIn(_out_of_time, Deployment(worker_timeout_seconds=9)),
    MetricName.ACCEPTED_TO_SETTLED: CauseIn(_confirmed),
    MetricName.BATCH_ISOLATED: CauseIn(_failed_once),
    MetricName.TRANSACTION_CONFLICT: CauseIn(_transaction_conflict),
}


@dataclass(frozen=True)
class Emitted:
    """One metric of one document in embedded metric format, as CloudWatch reads it."""

    key: MetricKey
    unit: str
    values: tuple[float, ...]
    resolution: int


@cache
def emitted_by(metric: MetricName) -> tuple[Emitted, ...]:
    """Make the cause of `metric` happen, and return all metrics that the functions emit."""
    case = BY_METRIC[metric]
    with observed(deployment=case.deployment) as (world, output):
        case.cause(world)
    return tuple(each for document in output.metrics for each in read_emf(document))


def read_emf(document: Mapping[str, object]) -> Iterator[Emitted]:
    """Read a document's metrics by the specification of the embedded metric format."""
    directives = document["_aws"]
    assert isinstance(directives, Mapping)
    for directive in directives["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = {name: str(document[name]) for name in names}
            for metric in directive["Metrics"]:
                values = document[metric["Name"]]
                yield Emitted(
                    MetricKey.of(directive["Namespace"], metric["Name"], dimensions),
                    metric["Unit"],
                    tuple(values) if isinstance(values, list) else (values,),  # type: ignore[arg-type] # a number
                    metric.get("StorageResolution", 60),
                )
