"""The event of a settled order: a pure function of the stored order, so that every publish has the same bytes."""

import json
from dataclasses import dataclass
from typing import Any, Final

from runtime.logic.failures import CorruptDataError
from runtime.models.order import OptionalFields, OrderStatus, StoredOrder

EVENT_TYPES: Final = {OrderStatus.CONFIRMED: "order.confirmed", OrderStatus.REJECTED: "order.rejected"}

_DATA: Final = {
    *("order_id", "status", "currency", "total", "lines", "reason", "accepted_at", "settled_at"),
    *OptionalFields.model_fields,
}


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is published.

    Attributes:
        event_id: Unique per order and type; subscribers deduplicate by it.
        event_type: `order.confirmed` or `order.rejected`.
        currency: The order's currency; subscriptions can filter by it.
        document: The CloudEvents 1.0 JSON document; the same text on every publish.
        group: The order's caller, or the order's id if it has no caller. A FIFO topic keeps the sequence of each
            group's events.
        source: The CloudEvent's `source`, for the rules of a bus.
        time: The CloudEvent's `time`: when the order was settled, RFC 3339.
    """

    event_id: str
    event_type: str
    currency: str
    document: str
    group: str
    source: str
    time: str

    @property
    def attributes(self) -> dict[str, str]:
        """The message attributes that a subscription's filter policy reads."""
        return {"event_type": self.event_type, "event_id": self.event_id, "currency": self.currency}


def event_for(order: StoredOrder, *, source: str) -> Event:
    """Return the event of an order that is `CONFIRMED` or `REJECTED`.

    The event depends only on the stored order and the configured `source` (a URI reference), not on a clock or a
    message. A settled order never changes, so each publish of its event has the same bytes.

    Raises:
        ValueError: the order is not settled.
        CorruptDataError: the stored order lacks a field that every settled order has.
    """
    if order.status not in EVENT_TYPES:
        raise ValueError(f"An order that is {order.status} has no event; allowed: {', '.join(EVENT_TYPES)}.")
    event_type = EVENT_TYPES[order.status]
    currency, time = _present(order, "currency"), _present(order, "settled_at")
    event_id = f"{order.order_id}:{event_type}"
    document = {
        "specversion": "1.0",
        "id": event_id,
        "type": event_type,
        "source": source,
        "subject": order.order_id,
        "time": time,
        "datacontenttype": "application/json",
        # CloudEvents extensions; their names are lower-case letters and digits.
        "correlationid": order.correlation_id,
        "traceparent": order.traceparent,
        "data": _data(order),
    }
    text = _canonical(_without_none(document))
    # An order without a caller belongs to no sequence, so its id is its group.
    return Event(event_id, event_type, currency, text, order.caller or order.order_id, source, time)


def _data(order: StoredOrder) -> dict[str, Any]:
    for name in ("total", "accepted_at"):
        _present(order, name)
    return order.model_dump(include=_DATA, exclude_none=True)


def _present(order: StoredOrder, field: str) -> str:
    value = getattr(order, field)
    if not isinstance(value, str):
        raise CorruptDataError(f"The stored order {order.order_id} is {order.status} but has no {field}.")
    return value


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _canonical(document: dict[str, Any]) -> str:
    # The document is ASCII only, so that no transport can change its bytes.
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
