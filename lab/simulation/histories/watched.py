"""Tables that check each write immediately. A check at the end would miss an outcome that changed and changed back.

The labels M1 to M3 are rules of :mod:`lab.simulation.histories.model`.
"""

from __future__ import annotations

from typing import Any

from lab.simulation.fakes.dynamodb.table import Key
from lab.simulation.fakes.dynamodb.values import Item
from runtime.models.order import OrderStatus

FINAL = frozenset({OrderStatus.CONFIRMED.value, OrderStatus.REJECTED.value, OrderStatus.DISCARDED.value})
SETTLED = frozenset({OrderStatus.CONFIRMED.value, OrderStatus.REJECTED.value})


class WatchedOrders(dict[Key, Item]):
    """The items of the orders table. ``violations`` lists writes that no correct program makes."""

    def __init__(self) -> None:
        super().__init__()
        self.violations: list[str] = []

    def __setitem__(self, key: Key, item: Item) -> None:
        before = self.get(key)
        if before is not None:
            self._judge(key[0], before, item)
        super().__setitem__(key, item)

    def pop(self, key: Key, *default: Any) -> Any:
        """Record the deletion as a violation: orders are never deleted."""
        self.violations.append(f"M1: {key[0]} was deleted")
        return super().pop(key, *default)

    def _judge(self, order_id: str, before: Item, after: Item) -> None:
        was, now = before["status"]["S"], after["status"]["S"]
        if was in SETTLED and before != after:
            self.violations.append(f"M2: {order_id} was {was}, but its row changed; its status is now {now}")
        elif was in FINAL and was != now:
            self.violations.append(f"M2: {order_id} was {was} and became {now}")
        elif now == OrderStatus.ACCEPTED and was != now:
            self.violations.append(f"M2: {order_id} was {was} and returned to {now}")


class WatchedStock(dict[Key, Item]):
    """The items of the stock table; ``least`` is each SKU's lowest stock so far."""

    def __init__(self) -> None:
        super().__init__()
        self.least: dict[str, int] = {}
        self.violations: list[str] = []

    def __setitem__(self, key: Key, item: Item) -> None:
        available = int(item["available"]["N"])
        self.least[key[0]] = min(available, self.least.get(key[0], available))
        if available < 0:
            self.violations.append(f"M3: {key[0]} fell to {available}")
        super().__setitem__(key, item)
