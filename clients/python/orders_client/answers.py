"""The API's answers. `document` is the whole body, including members that later versions add."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

FINAL = frozenset({"CONFIRMED", "REJECTED", "DISCARDED"})
"""Final statuses. Any other status, also one that a later version adds, is not final."""


@dataclass(frozen=True)
class Accepted:
    """An order that the API accepted. `replayed` is true if the API has given this answer before."""

    order_id: str
    total: Decimal
    currency: str
    accepted_at: datetime
    replayed: bool
    document: Mapping[str, Any]

    @classmethod
    def read(cls, document: Mapping[str, Any], *, replayed: bool) -> "Accepted":
        """Read the body of a 202 answer.

        Raises `KeyError`, `TypeError`, `ValueError` or `ArithmeticError` for a body of another form.
        """
        return cls(
            document["order_id"],
            Decimal(document["total"]),
            document["currency"],
            datetime.fromisoformat(document["accepted_at"]),
            replayed,
            document,
        )


@dataclass(frozen=True)
class Order:
    """The state of an order. `reason` is set if the order was rejected or discarded."""

    order_id: str
    status: str
    reason: Mapping[str, Any] | None
    document: Mapping[str, Any]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Order":
        """Read the body of a 200 answer.

        Raises `TypeError` if the body is not an object, or `KeyError` if it has no `order_id` or no `status`.
        """
        return cls(document["order_id"], document["status"], document.get("reason"), document)

    @property
    def final(self) -> bool:
        """Return whether the status is final. Until it is, do not place the order again."""
        return self.status in FINAL
