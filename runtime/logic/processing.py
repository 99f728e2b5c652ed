"""Processes one delivery of one message, and decides for each kind of failure: retry or dead letter."""

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
"""The error type of an order whose last attempt has recorded no result: the attempt is not over, or
its process was killed."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """State that the deliveries of one invocation share.

    Attributes:
        context: The Lambda context, for the time that is left.
        timeout_seconds: How long the invocation may run. The lease of a run is never longer than this.
        isolated: Whether the messages run one at a time, each deleted as soon as it is processed.
        tally: Collects the metrics.
        together: `settled_at` by order id, for the orders of each group whose transaction succeeded
            or has an unknown result.
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
        """Seconds until Lambda stops the invocation."""
        return self.context.get_remaining_time_in_millis() / 1000


@dataclass
class OrderProcessor:
    """Processes deliveries; one object for all threads of a process. `describe` gives an exception's type and text."""

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
        """Process the message. If that fails, set the time of its next receive and raise the failure.

        The batch response then reports the message, so Lambda leaves it in the queue.
        """
        self._log_as(delivery)
        try:
            self._attempt(delivery, invocation)
        except Exception as failure:
            self._return_to_queue(delivery, failure, invocation)
            raise
        if invocation.isolated:
            self._delete(delivery)

    def prepare(self, delivery: Delivery, invocation: Invocation) -> Candidate:
        """Return the facts about a delivery of an isolated batch. Before its last attempt, mark its order `FAILED`.

        Nothing here can kill the process, so all deliveries are prepared in parallel before the first one runs.
        """
        self._log_as(delivery)
        if not self._has_time(invocation):
            return Candidate(delivery.receive_count, None)
        self._mark_last_attempt(delivery)
        return Candidate(delivery.receive_count, self._lease_end(delivery))

    def _log_as(self, delivery: Delivery) -> None:
        """Add the ids in the delivery's attributes to this thread's log lines. The body has not been read yet."""
        self.logger.thread_safe_clear_keys()
        self.logger.thread_safe_append_keys(
            message_id=delivery.message_id,
            attempt=delivery.receive_count,
            order_id=delivery.named_order_id,
            correlation_id=delivery.correlation_id,
        )

    def _mark_last_attempt(self, delivery: Delivery) -> None:
        """Mark the order `FAILED` before its last attempt, so that its status is right if the process is killed."""
        if self._is_last(delivery):
            self._mark_failed(delivery, Described(LAST_ATTEMPT, "The last attempt began and did not report its end."))

    def _lease_end(self, delivery: Delivery) -> int | None:
        if delivery.order_id is None:
            return None
        try:
            return self.processed.in_progress_until(delivery.order_id)
        except Exception as failure:  # noqa: BLE001 - without the record, only the batch's sequence may be wrong
            error = self.describe(failure).error
            self.logger.warning("idempotency record not read", order_id=delivery.order_id, error=error)
            # The message may be a suspect. So it runs after the messages that have no unfinished run, and before the
            # known suspects.
            return 0

    def _has_time(self, invocation: Invocation) -> bool:
        """Return whether there is time for one more item and for the end of the invocation."""
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
        """Settle the order and publish its event. After a success, `once_per_order` prevents another run."""
        tally = invocation.tally
        written = self.settler.settle(message, invocation.count_conflict, invocation.together.get(order_id))
        order = written.order
        self.logger.debug("order settled", status=order.status, settled_before=not written.by_us)
        if written.by_us and order.accepted_at and order.settled_at and message.currency != TEST_CURRENCY:
            taken = from_timestamp(order.settled_at) - from_timestamp(order.accepted_at)
            tally.duration(MetricName.ACCEPTED_TO_SETTLED, max(taken.total_seconds(), 0) * 1000)
        # A discarded order has no event, because a person ended it.
        if order.status in EVENT_TYPES:
            event = event_for(order, source=self.settings.event_source)
            self.notifications.publish(event)
            self.logger.debug("event published", event_id=event.event_id, event_type=event.event_type)
        return {"order_id": order_id, "status": order.status.value}

    def _dead_letter(self, delivery: Delivery, failure: PermanentError, invocation: Invocation) -> None:
        """Mark the order `FAILED` if its id is known, then send the dead letter. A failure of either step is retryable.

        After a crash between the steps, the message is still in the queue, and both steps are repeated. In the opposite
        sequence, the crash would leave a dead letter whose order is still `ACCEPTED`.
        """
        described = self.describe(failure)
        if delivery.order_id is not None:
            self.logger.thread_safe_append_keys(order_id=delivery.order_id)
            self.settler.store.mark_failed(delivery.order_id, _error(delivery, described), None)
        self.dead_letters.send(delivery, **described._asdict())
        invocation.tally.count(MetricName.MESSAGE_DEAD_LETTERED)
        self.logger.error("message dead-lettered", error_type=described.error_type, error=described.error)

    def _return_to_queue(self, delivery: Delivery, failure: Exception, invocation: Invocation) -> None:
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
        except Exception as problem:  # noqa: BLE001 - the message is then received after the queue's visibility timeout
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
        # An attempt during another run's lease would be deferred and cost a receive. The delay is never shorter than
        # the backoff, because the retry horizon is guaranteed for every kind of failure.
        return max(delay, _lease_seconds(failure, invocation))

    def _mark_failed(self, delivery: Delivery, described: Described) -> None:
        if delivery.order_id is None:
            return
        try:
            self.settler.store.mark_failed(delivery.order_id, _error(delivery, described), delivery.order)
        except Exception as problem:  # noqa: BLE001 - a missing mark must not stop the attempt or its retry
            error = self.describe(problem).error
            self.logger.warning("order not marked FAILED", order_id=delivery.order_id, error=error)

    def _delete(self, delivery: Delivery) -> None:
        try:
            self.source.delete(delivery)
        except Exception as problem:  # noqa: BLE001 - Lambda deletes it too, unless a later message kills the process
            self.logger.warning("message not deleted", error=self.describe(problem).error)


def _lease_seconds(failure: Exception, invocation: Invocation) -> int:
    """Return how many more seconds (rounded up) a record in progress may block the order."""
    if isinstance(failure, InProgressError):
        return int(invocation.timeout_seconds) + 1
    if isinstance(failure, RecordError):
        # The record of this run may still be in progress.
        return int(invocation.remaining_seconds()) + 1
    return 0


def _error(delivery: Delivery, described: Described) -> dict[str, str | int]:
    return {**described._asdict(), "attempt": delivery.receive_count}
