"""The parts of an order that have to be kept to place it once: its key and its body."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Submission:
    """An order under its idempotency key. Keep both until there is an answer.

    `body` is the JSON text that is sent, every time the same.
    """

    body: str
    key: str = field(default_factory=lambda: str(uuid.uuid4()))

    @classmethod
    def of(cls, order: Mapping[str, Any]) -> "Submission":
        """`order` as the API documents it, under a new random key.

        A price may be a `Decimal`. Raises `TypeError` for a float, which is no exact amount.
        """
        return cls(json.dumps(_exact(order), ensure_ascii=False, allow_nan=False))

    def to_json(self) -> str:
        """Text to store before the first call."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Submission":
        """A submission that was stored, to go on with."""
        return cls(**json.loads(text))


def _exact(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        message = f"Given the float {value!r}; allowed for an amount: a Decimal, or text such as '19.90'."
        raise TypeError(message)
    if isinstance(value, Mapping):
        return {name: _exact(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    return value
