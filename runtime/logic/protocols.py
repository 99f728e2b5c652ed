"""Interfaces of what the logic needs and does not do itself: `store` calls AWS for it, `handlers` brings Powertools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runtime.logic.delivery import Delivery
    from runtime.logic.event import Event
    from runtime.models.order import OrderMessage, Reason, StoredOrder


class Logger(Protocol):
    """Writes a line per call, with fields by keyword: the call's, and those that its thread has. Powertools' is one."""

    def debug(self, msg: object, **fields: Any) -> None: ...
    def info(self, msg: object, **fields: Any) -> None: ...
    def warning(self, msg: object, **fields: Any) -> None: ...
    def error(self, msg: object, **fields: Any) -> None: ...
    def thread_safe_append_keys(self, **fields: Any) -> None: ...
    def thread_safe_clear_keys(self) -> None: ...


class RemainingTime(Protocol):
    """The part of the Lambda context that is needed here."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the platform stops the invocation."""
        ...


class OrderSender(Protocol):
    """The queue that accepted orders go to."""

    def send(self, message: OrderMessage) -> None:
        """Hand the order to the worker; once is enough, twice does no harm."""


class AcceptedOrders(Protocol):
    """The table of accepted orders."""

    def upsert_accepted(self, message: OrderMessage) -> str:
        """Store the order unless it is there; return the stored `accepted_at`."""
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """The stored order after a conditional write; `by_us` is false if it was final already and nothing was written."""

    order: StoredOrder
    by_us: bool


class Settlements(Protocol):
    """Orders and stock, as the worker changes them. Each method may raise `BusyError`."""

    def confirm(self, orders: Sequence[OrderMessage], *, settled_at: str, token: str) -> None:
        """Take the stock of every line and settle the orders as `CONFIRMED`, all or nothing.

        `token` must be new for every call. Raises `SettlementCancelledError` if a row's condition failed or a row was
        busy.
        """

    def reject(self, message: OrderMessage, reason: Reason, *, settled_at: str) -> Written:
        """Settle the order as `REJECTED`; stock is not touched."""
        ...

    def mark_failed(self, order_id: str, error: Mapping[str, str | int], message: OrderMessage | None) -> None:
        """Mark an open order as `FAILED` with `error`, and store the rest of it as far as `message` says."""

    def find(self, order_id: str) -> StoredOrder | None:
        """The stored order, as of every write before this call; `None` if there is none."""
        ...


class WorkerIdempotency(Protocol):
    """The worker's records of orders that are processed or in progress."""

    def once_per_order(self, function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """`function`, run once per keyword argument `order_id`; later calls return its result with `replayed` in it.

        What it raises is raised, and the next call runs it again. The result must be a non-empty, JSON-safe dict.
        The returned function raises `InProgressError` and `RecordError` of its own.
        """
        ...

    def in_progress_until(self, order_id: str) -> int | None:
        """Return the end of the lease of the run in progress (epoch milliseconds); `None` if none is in progress."""
        ...


class Notifications(Protocol):
    """The topic or bus that events go to."""

    def publish(self, event: Event) -> None:
        """Publish at least once; it may have been published although this raises."""


class DeadLetters(Protocol):
    """The dead-letter queue, for messages that no retry can help."""

    def send(self, delivery: Delivery, *, error_type: str, error: str) -> None:
        """Send the message with the reason; it may have been sent although this raises."""


class SourceQueue(Protocol):
    """The queue that a delivery came from."""

    def hide(self, delivery: Delivery, seconds: int) -> None:
        """Let the message come back `seconds` from now; 0 is at once."""

    def delete(self, delivery: Delivery) -> None:
        """The message is done."""
