"""One delivery of one message: its attempt, and the route of each kind of failure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from runtime.logic.backoff import Random, retry_delay
from runtime.logic.batch_metrics import BatchMetrics
from runtime.logic.delivery import Delivery
from runtime.logic.event import EVENT_TYPES, event_for
from runtime.logic.failures import (
    DeferredError,
    Described,
    InProgressError,
    NewerSchemaError,
    PermanentError,
    RecordError,
    trace_of,
)
from runtime.logic.isolation import Candidate
from runtime.logic.protocols import DeadLetters, Logger, Notifications, RemainingTime, SourceQueue, WorkerIdempotency
from runtime.logic.settle import Settler
from runtime.metric import MetricName
from runtime.models.fields import TEST_CURRENCY, from_timestamp
from runtime.models.order import OrderMessage, OrderStatus
from runtime.settings import WorkerSettings

_OUTCOME_METRICS: Final = {
    OrderStatus.CONFIRMED: MetricName.ORDER_CONFIRMED,
    OrderStatus.REJECTED: MetricName.ORDER_REJECTED,
}
LAST_ATTEMPT: Final = "LAST_ATTEMPT"
"""The error type of an order whose last attempt has begun and not reported: what a killed process leaves."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """State that the deliveries of one invocation share.

    Attributes:
        context: For the time that is left.
        timeout_seconds: How long the function may run: no lease of any run is longer.
        isolated: The batch runs one by one, and each message is deleted as it settles.
        tally: Collects the metrics.
        together: By order id: when the batch has settled it, or may have, before the deliveries were begun.
    """

    context: RemainingTime
    timeout_seconds: float
    isolated: bool = False
    tally: BatchMetrics = field(default_factory=BatchMetrics)
    together: dict[str, str] = field(default_factory=dict)

    def count_conflict(self) -> None:
        """Count a transaction that is tried again."""
        self.tally.count(MetricName.TRANSACTION_CONFLICT)

    def remaining_seconds(self) -> float:
        """Seconds until the process is stopped."""
        return self.context.get_remaining_time_in_millis() / 1000


@dataclass
class OrderProcessor:
    """Processes deliveries; one object for all threads of a process. `describe` tells of whatever was raised."""

    settings: WorkerSettings
    settler: Settler
    notifications: Notifications
    processed: WorkerIdempotency
    dead_letters: DeadLetters
    source: SourceQueue
    describe: Callable[[Exception], Described]
    random: Random
    logger: Logger

    def __post_init__(self) -> None:
        self._finish_once = self.processed.once_per_order(self._finish)

    def process(self, delivery: Delivery, invocation: Invocation) -> None:
        """Take the message to its end, or raise what failed after routing it.

        Whoever reads the queue then leaves the message there; when it comes back is decided here.
        """
        self._log_as(delivery)
        try:
            self._attempt(delivery, invocation)
        except Exception as failure:
            self._come_back_later(delivery, failure, invocation)
            raise
        if invocation.isolated:
            self._delete(delivery)

    def prepare(self, delivery: Delivery, invocation: Invocation) -> Candidate:
        """Return what is known of a delivery of an isolated batch; mark its last attempt.

        Nothing here can kill the process, so this is done for all, in parallel and before anything is started.
        """
        self._log_as(delivery)
        if not self._has_time(invocation):
            return Candidate(delivery.receive_count, None)
        self._mark_last_attempt(delivery)
        return Candidate(delivery.receive_count, self._lease_end(delivery))

    def _log_as(self, delivery: Delivery) -> None:
        """From here on this thread's lines are about this delivery. What its attributes say, its body may confirm."""
        self.logger.thread_safe_clear_keys()
        self.logger.thread_safe_append_keys(
            message_id=delivery.message_id,
            attempt=delivery.receive_count,
            order_id=delivery.named_order_id,
            correlation_id=delivery.correlation_id,
        )

    def _mark_last_attempt(self, delivery: Delivery) -> None:
        """On the last attempt say `FAILED` first: if the process is killed, the dead letter's order tells the truth."""
        if self._is_last(delivery):
            self._mark_failed(delivery, Described(LAST_ATTEMPT, "The last attempt began and did not report its end."))

    def _lease_end(self, delivery: Delivery) -> int | None:
        if delivery.order_id is None:
            return None
        try:
            return self.processed.in_progress_until(delivery.order_id)
        except Exception as failure:  # noqa: BLE001 - only the order of the batch rests on it
            error = self.describe(failure).error
            self.logger.warning("idempotency record not read", order_id=delivery.order_id, error=error)
            # Not known to be innocent: after those who are, before those who are not.
            return 0

    def _has_time(self, invocation: Invocation) -> bool:
        """Return True where there is time for one more item and for what follows the last one."""
        return invocation.remaining_seconds() >= self.settings.item_budget_seconds + self.settings.time_margin_seconds

    def _is_last(self, delivery: Delivery) -> bool:
        return delivery.receive_count >= self.settings.max_receive_count

    def _attempt(self, delivery: Delivery, invocation: Invocation) -> None:
        self.logger.debug("attempt started", isolated=invocation.isolated)
        if not self._has_time(invocation):
            raise DeferredError("Not started: too little time is left in this invocation.")
        match delivery.content:
            case PermanentError() as failure:
                self._dead_letter(delivery, failure, invocation)
            case NewerSchemaError() as failure:
                raise failure
            case message:
                self.logger.thread_safe_append_keys(order_id=message.order_id, correlation_id=message.correlation_id)
                self._settle_and_publish(message, invocation)

    def _settle_and_publish(self, message: OrderMessage, invocation: Invocation) -> None:
        result = self._finish_once(order_id=message.order_id, message=message, invocation=invocation)
        status, replayed = result["status"], "replayed" in result
        self.logger.info("order processed", status=status, replayed=replayed)
        if not replayed and status in _OUTCOME_METRICS and message.currency != TEST_CURRENCY:
            invocation.tally.count(_OUTCOME_METRICS[status])

    def _finish(self, *, order_id: str, message: OrderMessage, invocation: Invocation) -> dict[str, Any]:
        """Settle and publish; what runs once per order."""
        tally = invocation.tally
        written = self.settler.settle(message, invocation.count_conflict, invocation.together.get(order_id))
        order = written.order
        self.logger.debug("order settled", status=order.status, settled_before=not written.by_us)
        if written.by_us and order.accepted_at and order.settled_at and message.currency != TEST_CURRENCY:
            taken = from_timestamp(order.settled_at) - from_timestamp(order.accepted_at)
            tally.duration(MetricName.ACCEPTED_TO_SETTLED, max(taken.total_seconds(), 0) * 1000)
        # A discarded order was given up by a person: nobody is told that it was settled.
        if order.status in EVENT_TYPES:
            event = event_for(order, source=self.settings.event_source)
            self.notifications.publish(event)
            self.logger.debug("event published", event_id=event.event_id, event_type=event.event_type)
        return {"order_id": order_id, "status": order.status.value}

    def _dead_letter(self, delivery: Delivery, failure: PermanentError, invocation: Invocation) -> None:
        """Mark, then send. A crash between the two leaves the message in the queue and is repeated; the other order
        would leave a dead letter whose order says that it is on its way. Either failing is a retryable failure."""
        described = self.describe(failure)
        if delivery.order_id is not None:
            self.logger.thread_safe_append_keys(order_id=delivery.order_id)
            self.settler.store.mark_failed(delivery.order_id, _error(delivery, described), None)
        self.dead_letters.send(delivery, **described._asdict())
        invocation.tally.count(MetricName.MESSAGE_DEAD_LETTERED)
        self.logger.error("message dead-lettered", error_type=described.error_type, error=described.error)

    def _come_back_later(self, delivery: Delivery, failure: Exception, invocation: Invocation) -> None:
        described = self.describe(failure)
        last = self._is_last(delivery)
        deferred = isinstance(failure, DeferredError | InProgressError)
        delay = 0 if last else self._delay(delivery, failure, invocation)
        invocation.tally.count(MetricName.ATTEMPT_DEFERRED if deferred else MetricName.ATTEMPT_FAILED)
        if last:
            invocation.tally.count(MetricName.LAST_ATTEMPT_FAILED)
            self._mark_failed(delivery, described)
        try:
            self.source.hide(delivery, delay)
        except Exception as problem:  # noqa: BLE001 - without it the message comes back after the queue's own time
            self.logger.warning("visibility not changed", error=self.describe(problem).error)
        self.logger.warning(
            "attempt deferred" if deferred else "attempt failed",
            error_type=described.error_type,
            error=described.error,
            last_attempt=last,
            retry_in_seconds=delay,
            trace=None if deferred else trace_of(failure),
        )

    def _delay(self, delivery: Delivery, failure: Exception, invocation: Invocation) -> int:
        settings = self.settings
        delay = retry_delay(
            delivery.receive_count,
            base=settings.retry_base_seconds,
            cap=settings.retry_cap_seconds,
            random=self.random,
        )
        # An attempt during another's lease can only be deferred, and costs a receive. Never earlier than the backoff:
        # the retry horizon is promised for every kind of failure.
        return max(delay, _lease_seconds(failure, invocation))

    def _mark_failed(self, delivery: Delivery, described: Described) -> None:
        if delivery.order_id is None:
            return
        try:
            self.settler.store.mark_failed(delivery.order_id, _error(delivery, described), delivery.order)
        except Exception as problem:  # noqa: BLE001 - the attempt itself matters more, and may succeed
            error = self.describe(problem).error
            self.logger.warning("order not marked FAILED", order_id=delivery.order_id, error=error)

    def _delete(self, delivery: Delivery) -> None:
        try:
            self.source.delete(delivery)
        except Exception as problem:  # noqa: BLE001 - Lambda deletes it too, unless a later record kills the process
            self.logger.warning("message not deleted", error=self.describe(problem).error)


def _lease_seconds(failure: Exception, invocation: Invocation) -> int:
    """For how long a record in progress may still hold the order, rounded up."""
    if isinstance(failure, InProgressError):
        return int(invocation.timeout_seconds) + 1
    if isinstance(failure, RecordError):
        # Our own record may have stayed behind.
        return int(invocation.remaining_seconds()) + 1
    return 0


def _error(delivery: Delivery, described: Described) -> dict[str, str | int]:
    return {**described._asdict(), "attempt": delivery.receive_count}
