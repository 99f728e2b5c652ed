"""The API's answers to successful requests."""

from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from runtime.models.fields import Currency, Money, OrderId, Quantity, Sku, Timestamp, Total
from runtime.models.order import OptionalFields, OrderStatus, ReasonCode, StoredOrder


class CallerStatus(StrEnum):
    """Status of an order for its caller. `CONFIRMED`, `REJECTED` and `DISCARDED` are final."""

    ACCEPTED = "ACCEPTED"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    DELAYED = "DELAYED"
    DISCARDED = "DISCARDED"


# A failed order is not final, because a redrive can finish it. Callers see DELAYED, because callers who saw
# FAILED would order again.
_CALLER_STATUS: Final = {status: CallerStatus(status) for status in OrderStatus if status is not OrderStatus.FAILED} | {
    OrderStatus.FAILED: CallerStatus.DELAYED
}


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class AcceptedOrder(_Answer):
    """The order is accepted and will be processed. Every retry gets these bytes again."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    # The sequence of the fields is part of these bytes, so it must not change.
    order_id: OrderId
    status: Literal["ACCEPTED"] = Field(
        default="ACCEPTED", description="Always `ACCEPTED`; `GET` returns the current status."
    )
    total: Total
    currency: Currency
    accepted_at: Timestamp


class LineView(_Answer):
    """One line of the order."""

    sku: Sku
    quantity: Quantity
    unit_price: Money


class ReasonView(_Answer):
    """Reason why the order did not end as `CONFIRMED`."""

    code: ReasonCode
    skus: tuple[Sku, ...] = Field(default=(), description="The SKUs concerned, where there are any.")


class _ViewFields(_Answer):
    order_id: OrderId
    status: CallerStatus = Field(description="`DELAYED` needs our attention and is not final: do not order again.")
    reason: ReasonView | None = None
    total: Total | None = None
    currency: Currency | None = None
    lines: tuple[LineView, ...] = ()


class OrderView(OptionalFields, _ViewFields):
    """An order as its caller sees it."""

    accepted_at: Timestamp | None = None
    settled_at: Timestamp | None = None


def view_of(order: StoredOrder) -> OrderView:
    """Return what the caller sees of `order`: the fields of `OrderView`, which has no field for internal errors."""
    shown = order.model_dump(include=set(OrderView.model_fields))
    return OrderView.model_validate({**shown, "status": _CALLER_STATUS[order.status]})
