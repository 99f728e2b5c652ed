"""Repairing a row of the orders table that is no order: what is unreadable goes, and the order stays as open as it was.

So does a record of the worker's that is unreadable: no guarantee rests on a record (docs/guarantees.md).

A worker's write fills in what is missing (`if_not_exists`), so an open order needs no more. A settled order is written
by nobody again, and its event needs what every order has; there the order's own message, if it is a dead letter, gives
back what was removed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ops.errors import RefusedError
from ops.logic.stored import COMPLETED, UNREADABLE, Item, UnreadableOrder, fingerprint
from runtime.models.order import OPEN_STATUSES, OrderMessage
from runtime.store.order_item import immutable_attributes


@dataclass(frozen=True, slots=True)
class Plan:
    """Plan of a repair.

    Attributes:
        removed: Attributes that go.
        known: By attribute, what the order's message says instead.
        pinned: A fingerprint of the row as it was shown.
    """

    row: UnreadableOrder
    removed: tuple[str, ...]
    known: Mapping[str, Any]
    pinned: str

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            **self.row.as_json(),
            "removed": [name for name in self.removed if name not in self.known],
            "replaced": sorted(self.known),
            "fingerprint": self.pinned,
        }


def needs_message(row: UnreadableOrder) -> bool:
    """Return whether the order's message is needed, because no worker writes the row again."""
    return row.status is not None and "status" not in row.problems and row.status not in OPEN_STATUSES


def plan(row: UnreadableOrder, message: OrderMessage | None, record: str | None) -> Plan:
    """Return what repairing `row` means. `record` is the status of the worker's record of the order.

    Raises:
        RefusedError: it must not be repaired this way.
    """
    if row.newer:
        raise RefusedError(f"A newer version wrote the row of {row.order_id}: deploy that version to read it.")
    if "order_id" in row.problems:
        raise RefusedError(
            f"{row.order_id!r} is no order's id, so no worker and no caller ever asks for this row. Find out who wrote "
            "it, and delete it in the table. Nothing was changed."
        )
    if "status" in row.problems and (record in {COMPLETED, UNREADABLE} or "settled_at" in row.item):
        raise RefusedError(
            f"The order {row.order_id} was settled, and its status is unreadable. Without a status it would be settled "
            f"again, and its stock taken twice. Nothing was changed. The worker's log says which status it had: "
            f"python -m ops order trace {row.order_id}. Write that status into the row by hand."
        )
    removed = tuple(name for name in row.problems if name in row.item)
    known = immutable_attributes(message) if message is not None else {}
    return Plan(row, removed, {name: known[name] for name in removed if name in known}, fingerprint(row.item))


def plan_of_record(order_id: str, record: Item) -> Plan:
    """Remove the worker's record of an order, of which it could not read the answer."""
    name = "worker's record"
    problems = {name: "it has no answer, so every attempt fails on it"}
    row = UnreadableOrder(order_id, None, problems, newer=False, item=record)
    return Plan(row, (name,), {}, fingerprint(record))
