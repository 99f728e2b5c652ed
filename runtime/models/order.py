"""The order as a client sends it and as the orders table keeps it."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from runtime.models.fields import (
    MAX_LINES,
    OLDEST_SCHEMA_VERSION,
    SCHEMA_VERSION,
    Caller,
    CorrelationId,
    Currency,
    Money,
    OrderId,
    Quantity,
    Sku,
    Timestamp,
    Total,
    TraceParent,
    money,
    printable,
)


class OrderStatus(StrEnum):
    """Status of an order. `CONFIRMED`, `REJECTED` and `DISCARDED` are final."""

    ACCEPTED = "ACCEPTED"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    """On its last attempt, in the dead-letter queue, or redriven and not settled yet. Callers see `DELAYED`."""
    DISCARDED = "DISCARDED"
    """Ended by a named person, with a reason."""


OPEN_STATUSES: Final = (OrderStatus.ACCEPTED, OrderStatus.FAILED)
"""Statuses of orders that the worker may still settle."""

SETTLED_STATUSES: Final = (OrderStatus.CONFIRMED, OrderStatus.REJECTED)
"""The outcomes that are published."""


class ReasonCode(StrEnum):
    """Stable code of the reason why an order did not end as `CONFIRMED`."""

    OUT_OF_STOCK = "OUT_OF_STOCK"
    UNKNOWN_SKU = "UNKNOWN_SKU"
    DISCARDED = "DISCARDED"


class _Model(BaseModel):
    """Base of the models: frozen, strict (`"5"` is not `5`, `true` is not `1`), without unknown fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class OrderLine(_Model):
    """One SKU of an order."""

    sku: Sku
    quantity: Quantity
    unit_price: Money


# `strict=False` also accepts a list, because JSON has no tuples. The items stay strict. A tuple makes models hashable.
Lines = Annotated[
    tuple[OrderLine, ...], Field(min_length=1, max_length=MAX_LINES, strict=False, description="One line per SKU.")
]


class OptionalFields(BaseModel):
    """Fields that a client may leave out of an order.

    To add a field, declare it only here. It is then part of the request, the queue message, the table, the answer to
    `GET` and the event's `data`. The error for a wrong value quotes the field's description.
    """

    reference: Annotated[str, printable(64)] | None = Field(
        default=None,
        description="The client's own reference, 1-64 printable characters. It is stored and returned, without effect.",
        examples=["PO-2026-0042"],
    )


class _RequiredFields(_Model):
    currency: Currency
    lines: Lines

    @field_validator("lines")
    @classmethod
    def _one_line_per_sku(cls, lines: tuple[OrderLine, ...]) -> tuple[OrderLine, ...]:
        skus = [line.sku for line in lines]
        if len(set(skus)) != len(skus):
            # DynamoDB refuses two operations on one item in a transaction.
            raise ValueError("each SKU may appear in one line only; add up the quantities")
        return lines

    def compute_total(self) -> str:
        """Return the exact sum of `quantity * unit_price`, with as many decimals as the most precise price has."""
        # `str` writes no exponent, because no price has more than four decimals.
        return str(sum(line.quantity * money(line.unit_price) for line in self.lines))


# The JSON begins with the fields of `_RequiredFields`, because pydantic starts with the last base class.
class OrderRequest(OptionalFields, _RequiredFields):
    """The body of `POST /orders`."""


class Reason(BaseModel):
    """Reason of a `REJECTED` or `DISCARDED` order: a stable code and the SKUs concerned."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: ReasonCode
    skus: tuple[Sku, ...] = ()


class _StoredFields(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    order_id: OrderId
    status: OrderStatus
    caller: Caller | None = None
    accepted_at: Timestamp | None = None
    settled_at: Timestamp | None = None
    reason: Reason | None = None
    total: Total | None = None
    currency: Currency | None = None
    lines: tuple[OrderLine, ...] = ()
    schema_version: int | None = None
    correlation_id: CorrelationId | None = None
    traceparent: str | None = None
    error: dict[str, Any] | None = None
    """The error of a `FAILED` order: `error_type`, `error`, `attempt`. For people on call, never for callers."""


class StoredOrder(OptionalFields, _StoredFields):
    """An item of the orders table.

    For an unreadable message the worker writes a row with few fields. So all fields except `order_id` and `status` may
    be missing. Unknown attributes are ignored, because a newer version may have written them.
    """


class OrderMessage(OrderRequest):
    """The body of a message in the orders queue: the whole order, so that the worker needs nothing else."""

    schema_version: Annotated[int, Field(ge=OLDEST_SCHEMA_VERSION, le=SCHEMA_VERSION)] = SCHEMA_VERSION
    order_id: OrderId
    caller: Caller
    accepted_at: Timestamp
    correlation_id: CorrelationId
    total: Total
    traceparent: TraceParent | None = None


def quantities(orders: Iterable[OrderMessage]) -> dict[str, int]:
    """Return the total quantity of each SKU in these orders, in the sequence in which the SKUs first appear."""
    sums: Counter[str] = Counter()
    for order in orders:
        for line in order.lines:
            sums[line.sku] += line.quantity
    return sums
