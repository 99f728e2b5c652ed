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
    """In the dead-letter queue, or on its last attempt. A redrive takes it to its end; callers see `DELAYED`."""
    DISCARDED = "DISCARDED"
    """Given up by a named person, with a reason."""


OPEN_STATUSES: Final = (OrderStatus.ACCEPTED, OrderStatus.FAILED)
"""The states that a worker may still settle."""

SETTLED_STATUSES: Final = (OrderStatus.CONFIRMED, OrderStatus.REJECTED)
"""The outcomes that are published."""


class ReasonCode(StrEnum):
    """Stable code of why an order did not end as `CONFIRMED`."""

    OUT_OF_STOCK = "OUT_OF_STOCK"
    UNKNOWN_SKU = "UNKNOWN_SKU"
    DISCARDED = "DISCARDED"


class _Model(BaseModel):
    """Frozen, strict (no `"5"` for `5`, no `true` for `1`), and without unknown fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class OrderLine(_Model):
    """One SKU of an order."""

    sku: Sku
    quantity: Quantity
    unit_price: Money


# JSON has lists only; a tuple keeps the frozen model hashable. Items stay strict.
Lines = Annotated[
    tuple[OrderLine, ...], Field(min_length=1, max_length=MAX_LINES, strict=False, description="One line per SKU.")
]


class OptionalFields(BaseModel):
    """Fields that a client may leave out of an order.

    A field is declared here alone. It is then in the request, the queue message, the table, the answer to `GET` and the
    event's `data`, and a client that sends a wrong value is told its description.
    """

    reference: Annotated[str, printable(64)] | None = Field(
        default=None,
        description="The client's own reference, 1-64 printable characters. It is stored and given back, never read.",
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
            # DynamoDB refuses two operations on one item in a transaction, and two lines of one SKU are one line.
            raise ValueError("each SKU may appear in one line only; add up the quantities")
        return lines

    def compute_total(self) -> str:
        """The sum of `quantity * unit_price`, exact, with as many decimals as the most precise price has."""
        # Never with an exponent: no price has more than four decimals.
        return str(sum(line.quantity * money(line.unit_price) for line in self.lines))


# The bases' fields come first, those of the last base before those of the first: JSON keeps that order.
class OrderRequest(OptionalFields, _RequiredFields):
    """The body of `POST /orders`."""


class Reason(BaseModel):
    """Reason of a `REJECTED` or `DISCARDED` order: a stable code, the SKUs concerned, and for tools who and why."""

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
    """Of a `FAILED` order: `error_type`, `error`, `attempt`. For people on call, never for callers."""


class StoredOrder(OptionalFields, _StoredFields):
    """An item of the orders table.

    Every field but `order_id` and `status` may be missing: the row that dead-lettering an unreadable message leaves
    has nothing else. Unknown attributes are kept out of the model, because a newer version may have written them.
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
    """Return what the orders take together of each SKU, in the order in which they name them."""
    sums: Counter[str] = Counter()
    for order in orders:
        for line in order.lines:
            sums[line.sku] += line.quantity
    return sums
