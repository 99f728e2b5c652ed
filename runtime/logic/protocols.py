"""Interfaces that the logic uses. `store` implements those to AWS; `handlers` implements those to Powertools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runtime.logic.delivery import Delivery
    from runtime.logic.event import Event
    from runtime.models.order import OrderMessage, Reason, StoredOrder


class Logger(Protocol):
    """Writes one log line per call, as Powertools' `Logger` does. The line's fields are the call's keyword arguments
    and the keys that this thread has appended."""

    def debug(self, msg: object, **fields: Any) -> None: ...
    def info(self, msg: object, **fields: Any) -> None: ...
    def warning(self, msg: object, **fields: Any) -> None: ...
    def error(self, msg: object, **fields: Any) -> None: ...
    def thread_safe_append_keys(self, **fields: Any) -> None: ...
    def thread_safe_clear_keys(self) -> None: ...


class RemainingTime(Protocol):
    """The part of the Lambda context that the logic needs."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda stops the invocation."""
        ...


class OrderSender(Protocol):
    """The queue that accepted orders go to."""

    def send(self, message: OrderMessage) -> None:
        """Send the order to the worker. A second send does no harm."""


class AcceptedOrders(Protocol):
    """The table of accepted orders."""

    def upsert_accepted(self, message: OrderMessage) -> str:
        """Store the fields of the order that are not stored yet; return the stored `accepted_at`."""
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """The stored order after a conditional write. If it was final before, nothing was written, so `by_us` is false."""

    order: StoredOrder
    by_us: bool


class Settlements(Protocol):
    """The orders and the stock that the worker reads and changes. Each write may raise `BusyError`."""

    def confirm(self, orders: Sequence[OrderMessage], *, settled_at: str, token: str) -> None:
        """Take the stock of every line and settle the orders as `CONFIRMED`, all or nothing.

        `token` must be new for every call. Raises `SettlementCancelledError` if DynamoDB cancels the transaction, for
        example because a row's condition failed or a row was busy.
        """

    def reject(self, message: OrderMessage, reason: Reason, *, settled_at: str) -> Written:
        """Settle the order as `REJECTED`; stock is not touched."""
        ...

    def mark_failed(self, order_id: str, error: Mapping[str, str | int], message: OrderMessage | None) -> None:
        """Mark the order `FAILED` with `error`, unless the order is final.

        The same write adds each field of `message` that the stored order lacks.
        """

    def find(self, order_id: str) -> StoredOrder | None:
        """Return the stored order (a consistent read); `None` if there is none."""
        ...


class WorkerIdempotency(Protocol):
    """One idempotency record for each order that the worker is processing or has processed."""

    def once_per_order(self, function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """Wrap `function` so that it runs once per value of its keyword argument `order_id`.

        Later calls return the first result plus the key `replayed`. The result must be a non-empty,
        JSON-safe dict. An error of `function` is raised, and the next call runs `function` again.
        The wrapper itself may raise `InProgressError` and `RecordError`.
        """
        ...

    def in_progress_until(self, order_id: str) -> int | None:
        """Return the end of the order's lease (epoch milliseconds); `None` if its record is not in progress."""
        ...


class Notifications(Protocol):
    """The topic or bus that events go to."""

    def publish(self, event: Event) -> None:
        """Publish at least once. After an error, the event may still have been published."""


class DeadLetters(Protocol):
    """The dead-letter queue, for messages with permanent failures."""

    def send(self, delivery: Delivery, *, error_type: str, error: str) -> None:
        """Send the message with its error. Even if this call fails, the message may have been sent."""


class SourceQueue(Protocol):
    """The queue from which a delivery was received."""

    def hide(self, delivery: Delivery, seconds: int) -> None:
        """Set the visibility timeout, so that the message can be received again after `seconds`; 0: immediately."""

    def delete(self, delivery: Delivery) -> None:
        """Delete the message."""
