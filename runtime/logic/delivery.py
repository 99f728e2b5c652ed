"""One delivery of a message, as Lambda hands it over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

MessageAttributes = Mapping[str, Mapping[str, Any]]
"""By name: `dataType` with `stringValue` or, base64-encoded, `binaryValue`."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A received message. What a malformed record lacks is empty, and a receive count it lacks is 1.

    Attributes:
        message_id: Names the message in the batch response.
        receipt_handle: Names this delivery to SQS.
        body: The text of the message.
        attributes: Its message attributes.
        receive_count: How often it has been received, this time included.
        group_id: On a FIFO queue, the group within which order is kept.
    """

    message_id: str
    receipt_handle: str
    body: str
    attributes: MessageAttributes
    receive_count: int
    group_id: str | None = None

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read a record of an SQS event; never fails on what is missing or of another type."""
        return cls(
            message_id=_text(record.get("messageId")),
            receipt_handle=_text(record.get("receiptHandle")),
            body=_text(record.get("body")),
            attributes={
                name: attribute
                for name, attribute in _mapping(record.get("messageAttributes")).items()
                if isinstance(attribute, Mapping)
            },
            receive_count=_count(_mapping(record.get("attributes")).get("ApproximateReceiveCount")),
            group_id=_text(_mapping(record.get("attributes")).get("MessageGroupId")) or None,
        )

    def attribute(self, name: str) -> str | None:
        """The text of a String or Number message attribute; `None` if there is none."""
        value = self.attributes.get(name, {}).get("stringValue")
        return value if isinstance(value, str) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: object) -> int:
    text = str(value)
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 10 else 1
