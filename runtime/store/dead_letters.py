"""Sending a message to the dead-letter queue ourselves, with the reason."""

import base64
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from runtime.logic.delivery import Delivery
from runtime.store.message_groups import in_group

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

MAX_ATTRIBUTES: Final = 10
"""More message attributes than this SQS refuses."""

_OURS: Final = frozenset({"error_type", "error", "original_message_id", "attempt"})
_KEPT_FIRST: Final = ("order_id", "schema_version", "correlation_id")
# What SQS takes in text: XML 1.0 characters.
_REFUSED_CHARACTERS: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class DeadLetters:
    """The dead-letter queue, as the worker writes it."""

    def __init__(self, client: "SQSClient", queue_url: str, *, fifo: bool = False) -> None:
        self._client = client
        self._queue_url = queue_url
        self._fifo = fifo

    def send(self, delivery: Delivery, *, error_type: str, error: str) -> None:
        """Send the message with its body and attributes, and why it is here.

        `original_message_id` of a message that was dead-lettered and redriven before stays the first one's: it is what
        tools merge copies by. Raises what boto3 raises; it may have been sent all the same.
        """
        self._client.send_message(
            QueueUrl=self._queue_url,
            MessageBody=delivery.body,
            MessageAttributes={
                **_kept(delivery),
                "error_type": _string(error_type),
                "error": _string(_REFUSED_CHARACTERS.sub("?", error) or "?"),
                "original_message_id": _string(delivery.attribute("original_message_id") or delivery.message_id),
                "attempt": {"DataType": "Number", "StringValue": str(delivery.receive_count)},
            },
            # The group it came in, so that a redrive puts it back among its caller's orders.
            **in_group(delivery.group_id, delivery.message_id, fifo=self._fifo),
        )


def _kept(delivery: Delivery) -> "dict[str, MessageAttributeValueTypeDef]":
    names = [name for name in delivery.attributes if name not in _OURS]
    names.sort(key=lambda name: (name not in _KEPT_FIRST, name))
    converted = {name: _attribute(delivery.attributes[name]) for name in names}
    kept = [(name, value) for name, value in converted.items() if value is not None]
    return dict(kept[: MAX_ATTRIBUTES - len(_OURS)])


def _attribute(attribute: Mapping[str, Any]) -> "MessageAttributeValueTypeDef | None":
    """From Lambda's spelling to SQS's; `None` for what SQS could not take back."""
    data_type, text, binary = (attribute.get(name) for name in ("dataType", "stringValue", "binaryValue"))
    if not isinstance(data_type, str):
        return None
    if isinstance(text, str) and text:
        return {"DataType": data_type, "StringValue": text}
    if isinstance(binary, str) and binary:
        return {"DataType": data_type, "BinaryValue": base64.b64decode(binary)}
    return None


def _string(text: str) -> "MessageAttributeValueTypeDef":
    return {"DataType": "String", "StringValue": text}
