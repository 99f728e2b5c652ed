"""One delivery of a message, read from Lambda's SQS event."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

from pydantic import TypeAdapter, ValidationError

from runtime.logic.failures import NewerSchemaError, PermanentError
from runtime.logic.message import ORDER_ID_MISMATCH, read_message
from runtime.models.fields import CorrelationId, OrderId
from runtime.models.order import OrderMessage

_ORDER_ID: Final[TypeAdapter[str]] = TypeAdapter(OrderId)
_CORRELATION_ID: Final[TypeAdapter[str]] = TypeAdapter(CorrelationId)

MessageAttributes = Mapping[str, Mapping[str, Any]]
"""Maps each attribute's name to its `dataType` and its `stringValue` or (base64) `binaryValue`."""


@dataclass(frozen=True)
class Delivery:
    """A received message.

    In a malformed record, the message id, the receipt handle or the body may be missing: it is an empty string here. If
    the receive count is missing, it is 1. The body is parsed once, when `content` is used for the first time.

    Attributes:
        message_id: Identifies the message in the batch response.
        receipt_handle: Identifies this delivery to SQS.
        body: The text of the message.
        attributes: Its message attributes.
        receive_count: How often it has been received, this time included.
        group_id: The message group, which is the caller; `None` if the message has none.
    """

    message_id: str
    receipt_handle: str
    body: str
    attributes: MessageAttributes
    receive_count: int
    group_id: str | None = None

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read a record of an SQS event. Never fails: a field of a wrong type counts as missing."""
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

    @cached_property
    def content(self) -> OrderMessage | PermanentError | NewerSchemaError:
        """The order in the message, or the failure if it cannot be read."""
        named, version = self.attribute("order_id"), self.attribute("schema_version")
        try:
            return read_message(self.body, order_id=named, schema_version=version)
        except (PermanentError, NewerSchemaError) as failure:
            return failure

    @property
    def order(self) -> OrderMessage | None:
        """The order in the message, if it can be read."""
        return None if isinstance(self.content, Exception) else self.content

    @property
    def order_id(self) -> str | None:
        """The order's id from a valid body, else from the attribute. `None` if neither has one, or if they differ."""
        match self.content:
            case PermanentError(error_type=error_type) if error_type == ORDER_ID_MISMATCH:
                # It is unknown which of the two ids is right. With the wrong id, an order that has
                # no problem would be marked `FAILED`.
                return None
            case PermanentError() | NewerSchemaError():
                return self.named_order_id
            case order:
                return order.order_id

    @property
    def named_order_id(self) -> str | None:
        """The order id in the message attributes; `None` if it is missing or invalid.

        Log lines have this id before the body is parsed.
        """
        return self._valid("order_id", _ORDER_ID)

    @property
    def correlation_id(self) -> str | None:
        """The correlation id in the message attributes; `None` if it is missing or invalid.

        Log lines have this id even if the body is unreadable.
        """
        return self._valid("correlation_id", _CORRELATION_ID)

    def attribute(self, name: str) -> str | None:
        """The text of a String or Number message attribute; `None` if the message has no such attribute."""
        value = self.attributes.get(name, {}).get("stringValue")
        return value if isinstance(value, str) else None

    def _valid(self, name: str, form: TypeAdapter[str]) -> str | None:
        try:
            return form.validate_python(self.attribute(name))
        except ValidationError:
            return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: object) -> int:
    text = str(value)
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 10 else 1
