"""Repairs a row of the orders table that is not a valid order: unreadable attributes are removed or replaced.

In an open order they are removed, because the worker's next write fills in missing attributes (`if_not_exists`). The
worker does not write a final order again, but the order's event needs all attributes. So in a final order they are
replaced from the order's message, if a dead letter has it. Attributes without such a value are removed.

An unreadable record of the worker is deleted. That is safe: no order, effect or event depends on records (G1, G2 and G5
in docs/guarantees.md).
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
        row: The order's row or, if `of_record` is true, the worker's record of the order.
        removed: The stored attributes that are unreadable: those in `known` are replaced, the others are removed. If
            `of_record` is true: only `worker's record`, which is deleted.
        known: The new values, from the order's message, of the attributes to replace.
        pinned: Fingerprint of the row or record when it was read.
    """

    row: UnreadableOrder
    removed: tuple[str, ...]
    known: Mapping[str, Any]
    pinned: str

    @property
    def of_record(self) -> bool:
        """Return whether the plan is for the worker's record, not for the order's row."""
        return "order_id" not in self.row.item

    def as_json(self) -> dict[str, Any]:
        """Return the plan as a JSON object."""
        return {
            **self.row.as_json(),
            "removed": [name for name in self.removed if name not in self.known],
            "replaced": sorted(self.known),
            "fingerprint": self.pinned,
        }


def needs_message(row: UnreadableOrder) -> bool:
    """Return whether the repair needs the order's message.

    It does if the order is known to be final, because the worker no longer writes the row of a final
    order.
    """
    return row.status is not None and "status" not in row.problems and row.status not in OPEN_STATUSES


def plan(row: UnreadableOrder, message: OrderMessage | None, record: str | None) -> Plan:
    """Plan the repair of `row`. `record` is the state of the worker's record of the order.

    Raises:
        RefusedError: the row must not be repaired this way.
    """
    if row.newer:
        raise RefusedError(f"A newer version wrote the row of {row.order_id}: deploy that version to read it.")
    if "order_id" in row.problems:
        raise RefusedError(
            f"{row.order_id!r} is not the id of an order, so no worker and no caller ever reads this row. Find out who "
            "wrote it, and delete it in the table. Nothing was changed."
        )
    if "status" in row.problems and (record in {COMPLETED, UNREADABLE} or "settled_at" in row.item):
        raise RefusedError(
            f"The order {row.order_id} may have been settled, and its status is unreadable. If the repair removed "
            "the status, the worker would settle the order again, and could take stock twice. Nothing was changed. "
            f"The worker's log shows the status: python -m ops order trace {row.order_id}. Write that status into the "
            "row by hand."
        )
    removed = tuple(name for name in row.problems if name in row.item)
    known = immutable_attributes(message) if message is not None else {}
    return Plan(row, removed, {name: known[name] for name in removed if name in known}, fingerprint(row.item))


def plan_of_record(order_id: str, record: Item, status: str | None) -> Plan:
    """Plan to delete the worker's record of an order, because the record's status or answer cannot be read.

    `status` is the order's status; `None` if the order is not stored.
    """
    name = "worker's record"
    part = "answer" if isinstance(record.get("status", {}).get("S"), str) else "status"
    problems = {name: f"it has no readable {part}, so every attempt fails"}
    row = UnreadableOrder(order_id, status, problems, newer=False, item=record)
    return Plan(row, (name,), {}, fingerprint(record))
