"""Settles one order: confirms it, rejects it, or finds the outcome that it already has."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from runtime.logic.backoff import Random, conflict_pause
from runtime.logic.cancelled_transaction import (
    AlreadyFinal,
    Contention,
    SettlementCancelledError,
    Shortage,
    Unexpected,
    judge,
)
from runtime.logic.clock import Clock, timestamp
from runtime.logic.failures import BusyError, ContentionError, CorruptDataError, ThrottledError
from runtime.logic.protocols import Settlements, Written
from runtime.models.order import OPEN_STATUSES, OrderMessage, StoredOrder

CONTENTION_SECONDS: Final = 2.0
"""How long a run keeps retrying a transaction after conflicts or throttling. Conflicts are normal for
a popular SKU, so a short conflict must not use up a receive of the message."""


@dataclass(frozen=True, slots=True)
class Settler:
    """Settles orders.

    Attributes:
        store: Orders and stock.
        clock: For `settled_at` and the pauses between tries.
        random: For the jitter of the pauses.
    """

    store: Settlements
    clock: Clock
    random: Random

    def settle(self, message: OrderMessage, on_conflict: Callable[[], None], settled_at: str | None = None) -> Written:
        """Return the stored order, which is final, and whether this invocation settled it.

        `on_conflict` is called before each further try. If a transaction of several orders settled this order, or may
        have settled it, pass the transaction's time as `settled_at`. Then the stored order is read first and, if it is
        final, returned. It counts as settled by this invocation if its own `settled_at` equals the argument.

        Raises:
            ContentionError, ThrottledError: conflicts or throttling lasted longer than `CONTENTION_SECONDS`.
            CorruptDataError: a stored item is missing or has content that the program never writes, or DynamoDB's
                reasons for a cancelled transaction are not understood.
        """
        if settled_at is not None:
            stored = self.store.find(message.order_id)
            if stored is not None and stored.status not in OPEN_STATUSES:
                return Written(stored, by_us=stored.settled_at == settled_at)
        deadline = self.clock.monotonic() + CONTENTION_SECONDS
        tries = 0
        while True:
            tries += 1
            try:
                return _final(self._try(message))
            except BusyError as busy:
                pause = conflict_pause(tries, random=self.random)
                if self.clock.monotonic() + pause > deadline:
                    failure = ThrottledError if busy.throttled else ContentionError
                    raise failure(f"The order was not settled in {tries} tries: {busy}") from busy
            on_conflict()
            self.clock.sleep(pause)

    def _try(self, message: OrderMessage) -> Written:
        settled_at = timestamp(self.clock)
        try:
            self.store.confirm([message], settled_at=settled_at, token=str(uuid.uuid4()))
        except SettlementCancelledError as cancelled:
            return self._judge(message, cancelled, settled_at)
        # The order is read back, because a transaction returns nothing. Another run may have stored accepted_at
        # and the correlation id first. They never change, and the event must have the stored values.
        return Written(self._stored(message.order_id), by_us=True)

    def _judge(self, message: OrderMessage, cancelled: SettlementCancelledError, settled_at: str) -> Written:
        match judge(cancelled.orders[0], cancelled.stock, message.lines):
            case AlreadyFinal():
                return Written(cancelled.stored or self._stored(message.order_id), by_us=False)
            case Shortage(reason):
                return self.store.reject(message, reason, settled_at=settled_at)
            case Contention(code):
                raise BusyError(code) from cancelled
            case Unexpected(explanation):
                raise CorruptDataError(explanation) from cancelled

    def _stored(self, order_id: str) -> StoredOrder:
        stored = self.store.find(order_id)
        if stored is None:
            raise CorruptDataError(f"The order {order_id} was settled, but is not in the orders table.")
        return stored


def _final(written: Written) -> Written:
    # After a success, the message is deleted. If the order is not final, deleting the message would lose the order.
    if written.order.status in OPEN_STATUSES:
        raise CorruptDataError(f"The order {written.order.order_id} was settled, but is {written.order.status}.")
    return written
