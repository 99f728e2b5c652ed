"""One delivery of one message: its attempt, and the route of each kind of failure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from runtime.logic.backoff import Random, retry_delay
from runtime.logic.delivery import Delivery
from runtime.logic.event import EVENT_TYPES, event_for
from runtime.logic.failures import DeferredError, PermanentError, error_text_of, error_type_of, trace_of
from runtime.logic.message import concerned_order, read_message
from runtime.logic.settle import Settler
from runtime.logic.tally import Tally
from runtime.models.fields import from_timestamp
from runtime.models.order import OrderMessage, OrderStatus, StoredOrder
from runtime.observability import Metric, logger
from runtime.settings import WorkerSettings
from runtime.store.dead_letters import DeadLetters
from runtime.store.notifications import Notifications
from runtime.store.processed_orders import InProgressError, ProcessedOrders, RecordError
from runtime.store.source_queue import SourceQueue

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_OUTCOME_METRICS: Final = {
    OrderStatus.CONFIRMED: Metric.ORDER_CONFIRMED,
    OrderStatus.REJECTED: Metric.ORDER_REJECTED,
}
LAST_ATTEMPT: Final = "LAST_ATTEMPT"
"""The error type of an order whose last attempt has begun and not reported: what a killed process leaves."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What the deliveries of one invocation share.

    Attributes:
        context: For the time that is left.
        timeout_seconds: How long the function may run: no lease of any run is longer.
        isolated: The batch runs one by one, and each message is deleted as it settles.
        tally: Collects the metrics.
    """

    context: "LambdaContext"
    timeout_seconds: float
    isolated: bool = False
    tally: Tally = field(default_factory=Tally)

    def remaining_seconds(self) -> float:
        """Seconds until the process is stopped."""
        return self.context.get_remaining_time_in_millis() / 1000


class OrderProcessor:
    """Processes deliveries; one object for all threads of a process."""

    def __init__(
        self,
        settings: WorkerSettings,
        settler: Settler,
        notifications: Notifications,
        processed: ProcessedOrders,
        dead_letters: DeadLetters,
        source: SourceQueue,
        random: Random,
    ) -> None:
        self._settings = settings
        self._settler = settler
        self._notifications = notifications
        self._dead_letters = dead_letters
        self._source = source
        self._random = random
        self._finish_once: Callable[..., dict[str, Any]] = processed.once_per_order(self._finish)

    def process(self, delivery: Delivery, invocation: Invocation) -> None:
        """Take the message to its end, or raise what failed after routing it.

        Whoever reads the queue then leaves the message there; when it comes back is decided here.
        """
        try:
            self._attempt(delivery, invocation)
        except Exception as failure:
            self._come_back_later(delivery, failure, invocation)
            raise
        if invocation.isolated:
            self._delete(delivery)

    def mark_last_attempt(self, delivery: Delivery) -> None:
        """On the last attempt say `FAILED` first: if the process is killed, the dead letter's order tells the truth."""
        if self._is_last(delivery):
            self._mark_failed(delivery, LAST_ATTEMPT, "The last attempt began and did not report its end.")

    def has_time(self, invocation: Invocation) -> bool:
        """Whether there is time for one more item and for what follows the last one."""
        return invocation.remaining_seconds() >= self._settings.item_budget_seconds + self._settings.time_margin_seconds

    def _is_last(self, delivery: Delivery) -> bool:
        return delivery.receive_count >= self._settings.max_receive_count

    def _attempt(self, delivery: Delivery, invocation: Invocation) -> None:
        logger.debug("attempt started", isolated=invocation.isolated)
        if not self.has_time(invocation):
            raise DeferredError("Not started: too little time is left in this invocation.")
        try:
            message = read_message(delivery)
        except PermanentError as failure:
            self._dead_letter(delivery, failure, invocation)
        else:
            logger.thread_safe_append_keys(order_id=message.order_id, correlation_id=message.correlation_id)
            self._settle_and_publish(message, invocation)

    def _settle_and_publish(self, message: OrderMessage, invocation: Invocation) -> None:
        finished: list[StoredOrder] = []
        result = self._finish_once(order_id=message.order_id, message=message, invocation=invocation, finished=finished)
        logger.info("order processed", status=result["status"], replayed=not finished)
        for order in finished:
            if order.status in _OUTCOME_METRICS:
                invocation.tally.count(_OUTCOME_METRICS[order.status])

    def _finish(
        self, *, order_id: str, message: OrderMessage, invocation: Invocation, finished: list[StoredOrder]
    ) -> dict[str, Any]:
        """Settle and publish; what runs once per order. `finished` gets the order: a replay leaves it empty."""
        tally = invocation.tally
        written = self._settler.settle(message, lambda: tally.count(Metric.TRANSACTION_CONFLICT))
        order = written.order
        logger.debug("order settled", status=order.status, settled_before=not written.by_us)
        if written.by_us and order.accepted_at and order.settled_at:
            taken = from_timestamp(order.settled_at) - from_timestamp(order.accepted_at)
            tally.duration(Metric.ACCEPTED_TO_SETTLED, max(taken.total_seconds(), 0) * 1000)
        # A discarded order was given up by a person: nobody is told that it was settled.
        if order.status in EVENT_TYPES:
            event = event_for(order, source=self._settings.event_source)
            self._notifications.publish(event)
            logger.debug("event published", event_id=event.event_id, event_type=event.event_type)
        finished.append(order)
        return {"order_id": order_id, "status": order.status.value}

    def _dead_letter(self, delivery: Delivery, failure: PermanentError, invocation: Invocation) -> None:
        """Mark, then send. A crash between the two leaves the message in the queue and is repeated; the other order
        would leave a dead letter whose order says that it is on its way. Either failing is a retryable failure."""
        error_type, error = failure.error_type, error_text_of(failure)
        if failure.trusted_order_id is not None:
            logger.thread_safe_append_keys(order_id=failure.trusted_order_id)
            self._settler.store.mark_failed(failure.trusted_order_id, _error(delivery, error_type, error), None)
        self._dead_letters.send(delivery, error_type=error_type, error=error)
        invocation.tally.count(Metric.MESSAGE_DEAD_LETTERED)
        logger.error("message dead-lettered", error_type=error_type, error=error)

    def _come_back_later(self, delivery: Delivery, failure: Exception, invocation: Invocation) -> None:
        last = self._is_last(delivery)
        deferred = isinstance(failure, DeferredError | InProgressError)
        delay = 0 if last else self._delay(delivery, failure, invocation)
        invocation.tally.count(Metric.ATTEMPT_DEFERRED if deferred else Metric.ATTEMPT_FAILED)
        if last:
            invocation.tally.count(Metric.LAST_ATTEMPT_FAILED)
            self._mark_failed(delivery, error_type_of(failure), error_text_of(failure))
        try:
            self._source.hide(delivery, delay)
        except Exception as problem:  # noqa: BLE001 - without it the message comes back after the queue's own time
            logger.warning("visibility not changed", error=error_text_of(problem))
        logger.warning(
            "attempt deferred" if deferred else "attempt failed",
            error_type=error_type_of(failure),
            error=error_text_of(failure),
            last_attempt=last,
            retry_in_seconds=delay,
            trace=None if deferred else trace_of(failure),
        )

    def _delay(self, delivery: Delivery, failure: Exception, invocation: Invocation) -> int:
        settings = self._settings
        delay = retry_delay(
            delivery.receive_count,
            base=settings.retry_base_seconds,
            cap=settings.retry_cap_seconds,
            random=self._random,
        )
        # To come back while a lease still holds would spend a receive on nothing. Never earlier than the backoff: the
        # retry horizon is promised for every kind of failure.
        return max(delay, _lease_seconds(failure, invocation))

    def _mark_failed(self, delivery: Delivery, error_type: str, error: str) -> None:
        order_id, message = concerned_order(delivery)
        if order_id is None:
            return
        try:
            self._settler.store.mark_failed(order_id, _error(delivery, error_type, error), message)
        except Exception as problem:  # noqa: BLE001 - the attempt itself matters more, and may succeed
            logger.warning("order not marked FAILED", order_id=order_id, error=error_text_of(problem))

    def _delete(self, delivery: Delivery) -> None:
        try:
            self._source.delete(delivery)
        except Exception as problem:  # noqa: BLE001 - Lambda deletes it too, unless a later record kills the process
            logger.warning("message not deleted", error=error_text_of(problem))


def _lease_seconds(failure: Exception, invocation: Invocation) -> int:
    """For how long a record in progress may still hold the order, rounded up."""
    if isinstance(failure, InProgressError):
        return int(invocation.timeout_seconds) + 1
    if isinstance(failure, RecordError):
        # Our own record may have stayed behind.
        return int(invocation.remaining_seconds()) + 1
    return 0


def _error(delivery: Delivery, error_type: str, error: str) -> dict[str, str | int]:
    return {"error_type": error_type, "error": error, "attempt": delivery.receive_count}
