"""Sends a message with a permanent failure to the dead-letter queue, with its error."""

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
"""The maximum number of attributes that SQS accepts in one message."""

_OURS: Final = frozenset({"error_type", "error", "original_message_id", "attempt"})
_KEPT_FIRST: Final = ("order_id", "schema_version", "correlation_id")
# SQS accepts only the characters of XML 1.0.
_REFUSED_CHARACTERS: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class DeadLetters:
    """The dead-letter queue, as the worker uses it."""

    def __init__(self, client: "SQSClient", queue_url: str, *, fifo: bool = False) -> None:
        self._client = client
        self._queue_url = queue_url
        self._fifo = fifo

    def send(self, delivery: Delivery, *, error_type: str, error: str) -> None:
        """Send the message with its body, its error, and as many of its attributes as SQS accepts.

        A message that was dead-lettered and redriven before keeps its first `original_message_id`, so that tools can
        recognise its copies. Errors of boto3 are raised unchanged; after an error the message may still have been sent.
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
            # The group stays the same, so that a redrive returns the message to its caller's sequence.
            **in_group(delivery.group_id, delivery.message_id, fifo=self._fifo),
        )


def _kept(delivery: Delivery) -> "dict[str, MessageAttributeValueTypeDef]":
    names = [name for name in delivery.attributes if name not in _OURS]
    names.sort(key=lambda name: (name not in _KEPT_FIRST, name))
    converted = {name: _attribute(delivery.attributes[name]) for name in names}
    kept = [(name, value) for name, value in converted.items() if value is not None]
    return dict(kept[: MAX_ATTRIBUTES - len(_OURS)])


def _attribute(attribute: Mapping[str, Any]) -> "MessageAttributeValueTypeDef | None":
    """Convert an attribute from Lambda's form to SQS's; return `None` if SQS would refuse it."""
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
