"""Named faults for single calls in a history (steps.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from lab.simulation.fakes import FAULTS, Call, Fault, FaultKind, client_error
from lab.simulation.fakes.dynamodb.transactions import Transactions
from lab.simulation.fakes.faults import cancellation
from lab.simulation.fakes.wire import Perform, Response

LATE, DEADLINE, ROW_BUSY = "effect arrives late", "deadline passes", "row is busy"
BY_NAME: Final[dict[str, FaultKind]] = {
    kind.name: kind for kind in FAULTS if kind.name not in {"conflict", "conflict on 2nd", "item throttled"}
}
"""The faults that depend only on the call, not on the state of the simulated world.

Three faults that cancel a transaction are left out, because they do not evaluate the items'
conditions. ``ROW_BUSY`` replaces them. As AWS does, it evaluates the condition of every row that is
not busy.
"""
NAMES: Final = (*BY_NAME, LATE, DEADLINE, ROW_BUSY)
OUTAGES: Final = ("throttled", "server error", "unreachable")


def row_is_busy(transactions: Transactions, busy: Callable[[dict[str, Any]], bool]) -> Fault:
    """Return a fault that refuses a write to a row for which ``busy`` is true, as if another transaction used it.

    A transaction is cancelled. Its reasons are a conflict for each busy row and, for each other
    row, the result of the row's condition. A write outside a transaction fails with
    ``TransactionConflictException``.
    """

    def fault(call: Call, perform: Perform) -> Response:
        if call.operation != "TransactWriteItems":
            raise client_error(call.operation, "TransactionConflictException", "Transaction is ongoing for the item")
        items: Sequence[dict[str, Any]] = call.params["TransactItems"]
        truth = transactions.reasons(items)
        conflict = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
        raise cancellation(
            [conflict if busy(item["Update"]) else fact for item, fact in zip(items, truth, strict=True)]
        )

    return fault


def fits(name: str, call: Call) -> bool:
    """Return whether the fault can happen to a call."""
    if name == ROW_BUSY:
        return call.operation in {"TransactWriteItems", "UpdateItem", "PutItem", "DeleteItem"}
    kind = BY_NAME.get(name)
    return kind is None or kind.fits(call)
