"""Settles those orders of a batch that share articles: forms groups and settles each group with one transaction.

Transactions that change the same stock row run one after the other. So one transaction for ten orders saves time.
Afterwards each order is also processed alone. This settles the order if it is still open, so no guarantee depends on
the groups' transactions.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from runtime.logic.backoff import Random, conflict_pause
from runtime.logic.cancelled_transaction import CONDITION_FAILED, SettlementCancelledError
from runtime.logic.clock import Clock, timestamp
from runtime.logic.failures import BusyError, Described
from runtime.logic.protocols import Logger, Settlements
from runtime.models.order import OrderMessage, quantities

GROUP_SECONDS: Final = 5.0
"""Seconds that all groups of a batch may use in total for their tries. After that, the orders that
are still open are settled one by one."""
MOST_ITEMS: Final = 100
"""DynamoDB's limit for the items of one transaction: orders and articles together."""
SHORT_SECONDS: Final = 30.0
"""After an article's stock was short, orders of the article are not grouped for this many seconds."""


@dataclass(frozen=True, slots=True)
class Together:
    """Settles groups. One object for one process; only the main thread calls it.

    Attributes:
        store: Orders and stock.
        clock: For `settled_at`, the pauses between tries, `GROUP_SECONDS` and `SHORT_SECONDS`.
        random: For the pauses' jitter.
        describe: Describes any exception.
        logger: For each group that is settled or fails unexpectedly.
    """

    store: Settlements
    clock: Clock
    random: Random
    describe: Callable[[Exception], Described]
    logger: Logger
    _short_until: dict[str, float] = field(default_factory=dict)

    def settle(self, messages: Iterable[OrderMessage], on_conflict: Callable[[], None]) -> dict[str, str]:
        """Settle groups of orders. Return a mapping from order id to `settled_at`.

        The mapping has each order that was settled, and each order of a transaction whose result is
        unknown.

        Never raises: if a group fails, its orders are still processed one by one. `on_conflict` is called before each
        further try.
        """
        deadline = self.clock.monotonic() + GROUP_SECONDS
        settled: dict[str, str] = {}
        for group in self._groups(messages):
            if self.clock.monotonic() > deadline:
                break
            at = self._settle(group, deadline, on_conflict)
            if at is not None:
                settled |= dict.fromkeys((order.order_id for order in group), at)
        return settled

    def _groups(self, messages: Iterable[OrderMessage]) -> list[list[OrderMessage]]:
        """Return groups of orders that share an article with another order; each group fits in one transaction."""
        now = self.clock.monotonic()
        for sku in [sku for sku, until in self._short_until.items() if until <= now]:
            del self._short_until[sku]
        orders = {
            order.order_id: order for order in messages if self._short_until.keys().isdisjoint(quantities([order]))
        }
        shared = Counter(sku for order in orders.values() for sku in quantities([order]))
        groups: list[list[OrderMessage]] = [[]]
        for order in orders.values():
            if all(shared[sku] < 2 for sku in quantities([order])):
                continue
            if len(groups[-1]) + 1 + len(quantities([*groups[-1], order])) > MOST_ITEMS:
                groups.append([])
            groups[-1].append(order)
        return [group for group in groups if len(group) > 1]

    def _settle(self, group: Sequence[OrderMessage], deadline: float, on_conflict: Callable[[], None]) -> str | None:
        """Return the group's `settled_at` if its orders were settled or may have been; `None` if they were not."""
        tries = 0
        while True:
            tries += 1
            settled_at = timestamp(self.clock)
            try:
                self.store.confirm(group, settled_at=settled_at, token=str(uuid.uuid4()))
            except SettlementCancelledError as cancelled:
                if not cancelled.only_busy():
                    self._remember_short_stock(group, cancelled)
                    return None
            except BusyError:
                pass
            except Exception as failure:  # noqa: BLE001 - each order is still processed by itself
                error = self.describe(failure).error
                self.logger.warning("orders not settled together", error=error, count=len(group))
                return settled_at
            else:
                self.logger.debug("orders settled together", count=len(group))
                return settled_at
            pause = conflict_pause(tries, random=self.random)
            if self.clock.monotonic() + pause > deadline:
                return None
            on_conflict()
            self.clock.sleep(pause)

    def _remember_short_stock(self, group: Sequence[OrderMessage], cancelled: SettlementCancelledError) -> None:
        until = self.clock.monotonic() + SHORT_SECONDS
        for sku, reason in zip(quantities(group), cancelled.stock, strict=True):
            if reason.code == CONDITION_FAILED:
                self._short_until[sku] = until
