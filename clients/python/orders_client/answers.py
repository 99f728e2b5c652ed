"""The API's answers. `document` has all of it, members that a later version adds included."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

FINAL = frozenset({"CONFIRMED", "REJECTED", "DISCARDED"})
"""Statuses that an order keeps. Any other one, a new one too, is not final."""


@dataclass(frozen=True)
class Accepted:
    """An order that will be processed. `replayed` says that this answer was given before."""

    order_id: str
    total: Decimal
    currency: str
    accepted_at: datetime
    replayed: bool
    document: Mapping[str, Any]

    @classmethod
    def read(cls, document: Mapping[str, Any], *, replayed: bool) -> "Accepted":
        """The answer 202. Raises `KeyError`, `TypeError` or `ArithmeticError` for anything else."""
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
    """The state of an order. `reason` is there where it was rejected or discarded."""

    order_id: str
    status: str
    reason: Mapping[str, Any] | None
    document: Mapping[str, Any]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Order":
        """The answer 200. Raises `KeyError` or `TypeError` for anything else."""
        return cls(document["order_id"], document["status"], document.get("reason"), document)

    @property
    def final(self) -> bool:
        """Return whether the status is final. Until it is, nobody should order again."""
        return self.status in FINAL
