"""Key and body of an order. A client has to keep both to place the order only once."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Submission:
    """An order with its idempotency key. Keep both until there is an answer.

    `body` is the JSON text; every try sends the same text.
    """

    body: str
    key: str = field(default_factory=lambda: str(uuid.uuid4()))

    @classmethod
    def of(cls, order: Mapping[str, Any]) -> "Submission":
        """Create a submission with a new random key. `order` is as the API documents it.

        A price may be a `Decimal`. Raises `TypeError` for a float, which is not an exact amount.
        """
        return cls(json.dumps(_exact(order), ensure_ascii=False, allow_nan=False))

    def to_json(self) -> str:
        """Return the text to store before the first call."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Submission":
        """Load a stored submission."""
        return cls(**json.loads(text))


def _exact(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        message = f"The order has the float {value!r}. Write an amount as a Decimal, or as text such as '19.90'."
        raise TypeError(message)
    if isinstance(value, Mapping):
        return {name: _exact(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    return value
