"""Derives the outcome of a cancelled transaction from DynamoDB's reasons, one per item: order rows, then stock rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from runtime.models.order import OrderLine, Reason, ReasonCode, StoredOrder

NONE: Final = "None"
CONDITION_FAILED: Final = "ConditionalCheckFailed"
_CONFLICT: Final = "TransactionConflict"
TRANSIENT: Final = frozenset({_CONFLICT, "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"})
"""Temporary reasons: another transaction is using the row, or DynamoDB throttled the request."""


@dataclass(frozen=True, slots=True)
class ItemReason:
    """DynamoDB's reason for one item of a cancelled transaction, and the stored item if its condition failed."""

    code: str
    item: Mapping[str, Any] | None = None


class SettlementCancelledError(Exception):
    """The transaction was cancelled and changed nothing.

    Attributes:
        orders: The reason of each order row.
        stored: The stored row of the first order, if this row's condition failed; otherwise `None`.
        stock: The reason of each stock row, in the sequence of the SKUs that `runtime.models.order.quantities` returns.
    """

    def __init__(
        self, orders: tuple[ItemReason, ...], stored: StoredOrder | None, stock: tuple[ItemReason, ...]
    ) -> None:
        self.orders = orders
        self.stored = stored
        self.stock = stock

    def only_busy(self) -> bool:
        """Return whether all reasons are temporary: conflicts with transactions, or throttling."""
        return {reason.code for reason in (*self.orders, *self.stock)} <= {NONE, *TRANSIENT}


@dataclass(frozen=True, slots=True)
class AlreadyFinal:
    """The order is already final and keeps its outcome, even if stock is short now."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """The order cannot be confirmed: a SKU is unknown or out of stock. This is not an error."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Contention:
    """The same transaction may succeed in a moment.

    `code` is a throttling reason of the order row or, if this row has no reason at all, of a stock row. Otherwise
    `code` is `TransactionConflict`.
    """

    code: str


@dataclass(frozen=True, slots=True)
class Unexpected:
    """Any other reason: for example, the `available` of a stock row is not a number."""

    explanation: str


Verdict = AlreadyFinal | Shortage | Contention | Unexpected


def judge(order: ItemReason, stock: Sequence[ItemReason], lines: Sequence[OrderLine]) -> Verdict:
    """Return the verdict on a cancelled settlement; `stock[i]` belongs to `lines[i]`.

    The order row is judged first. If its condition failed, the order is final and keeps its outcome, even if
    stock is short now. If the order row has another reason, such as a conflict or throttling, a second run may
    be settling the order, so the reasons of the stock rows are ignored. If the order row has no reason, one stock
    row whose condition failed is enough for the verdict, even if other stock rows had conflicts or throttling.
    """
    if order.code == CONDITION_FAILED:
        return AlreadyFinal()
    if order.code != NONE:
        return _undecided([order])
    short = [(line, reason) for line, reason in zip(lines, stock, strict=True) if reason.code == CONDITION_FAILED]
    if not short:
        return _undecided(stock)
    corrupt = [line.sku for line, reason in short if reason.item is not None and not _is_shortage(line, reason.item)]
    if corrupt:
        return Unexpected(
            f"The stock rows {corrupt} have no valid `available`; repair them with `python -m ops stock set`."
        )
    unknown = tuple(line.sku for line, reason in short if reason.item is None)
    if unknown:
        return Shortage(Reason(code=ReasonCode.UNKNOWN_SKU, skus=unknown))
    return Shortage(Reason(code=ReasonCode.OUT_OF_STOCK, skus=tuple(line.sku for line, _ in short)))


def _is_shortage(line: OrderLine, item: Mapping[str, Any]) -> bool:
    available = item.get("available")
    return isinstance(available, int | Decimal) and available < line.quantity


def _undecided(reasons: Sequence[ItemReason]) -> Verdict:
    codes = {reason.code for reason in reasons} - {NONE}
    strange = sorted(codes - TRANSIENT)
    if strange:
        return Unexpected(f"The settlement was cancelled for {strange}.")
    return Contention(min(codes - {_CONFLICT}, default=_CONFLICT))
