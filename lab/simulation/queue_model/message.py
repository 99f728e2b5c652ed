"""A message in the queue model, and the digests that SQS computes for it."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

Attributes = Mapping[str, Mapping[str, Any]]  # {name: {"DataType": …, "StringValue": …}}
MAX_ATTRIBUTES = 10
MAX_BYTES = 1024 * 1024


class InvalidMessageError(ValueError):
    """SQS would refuse the message. The exception's text is the error message of SQS."""


@dataclass(slots=True)
class Message:
    """One message.

    Attributes:
        message_id: The same at every receive, also after SQS has moved the message to the
            dead-letter queue. A message that is *sent* again, by hand or by a redrive task, has a
            new id.
        sent_at: Epoch seconds of the original send. A standard dead-letter queue keeps this time, so its retention
            counts from the original send.
        visible_at: Epoch seconds from which a receive may return the message.
        receive_count: Receives so far.
        receipt: The receipt handle of the most recent receive; older handles no longer work.
        source_arn: The queue from which SQS moved the message, if any.
    """

    message_id: str
    body: str
    attributes: Attributes
    sent_at: float
    visible_at: float
    receive_count: int = 0
    first_received_at: float | None = None
    receipt: str | None = None
    source_arn: str | None = None
    group_id: str | None = None
    deduplication_id: str | None = None
    sequence_number: str | None = None
    system_attributes: dict[str, str] = field(default_factory=dict)

    def in_flight(self, now: float) -> bool:
        """Return whether the message was received and its visibility timeout is still running."""
        return self.receipt is not None and self.visible_at > now

    def standard_attributes(self, account: str) -> dict[str, str]:
        """Return the system attributes, as in the Lambda event or in a receive that requests ``All``."""
        shown = {
            "ApproximateReceiveCount": str(self.receive_count),
            "SentTimestamp": str(int(self.sent_at * 1000)),
            "SenderId": account,
            "ApproximateFirstReceiveTimestamp": str(int((self.first_received_at or self.sent_at) * 1000)),
            **self.system_attributes,
        }
        optional = {
            "DeadLetterQueueSourceArn": self.source_arn,
            "MessageGroupId": self.group_id,
            "MessageDeduplicationId": self.deduplication_id,
            "SequenceNumber": self.sequence_number,
        }
        shown.update({name: value for name, value in optional.items() if value is not None})
        return shown


def check_content(body: str, attributes: Attributes) -> None:
    """Check a message's content as SQS does.

    Raises:
        InvalidMessageError: the body is empty, the message is too long, there are more than ten attributes, or an
            attribute has no value or no known type.
    """
    if not body:
        raise InvalidMessageError("The request must contain the parameter MessageBody.")
    if len(attributes) > MAX_ATTRIBUTES:
        raise InvalidMessageError(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{MAX_ATTRIBUTES}]."
        )
    length = len(body.encode())
    for name, attribute in attributes.items():
        kind = attribute.get("DataType", "")
        if kind.partition(".")[0] not in {"String", "Number", "Binary"}:
            raise InvalidMessageError(
                f"The type of message (user) attribute '{name}' is invalid. You must use only the following supported "
                "type prefixes: Binary, Number, String."
            )
        value = attribute.get("BinaryValue") if kind.startswith("Binary") else attribute.get("StringValue")
        if not value:
            raise InvalidMessageError(f"The message (user) attribute '{name}' must contain a non-empty value.")
        length += len(name.encode()) + len(kind.encode()) + len(_bytes(value))
    if length > MAX_BYTES:
        raise InvalidMessageError(
            f"One or more parameters are invalid. Message must be shorter than {MAX_BYTES} bytes."
        )


@lru_cache(maxsize=1024)
def md5_of(text: str) -> str:
    """Return the hex MD5 of a body, as in ``MD5OfBody``."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def md5_of_attributes(attributes: Attributes) -> str:
    """Return the hex MD5 of names, types and values, sorted by name, as in ``MD5OfMessageAttributes``."""
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        attribute = attributes[name]
        binary = attribute["DataType"].startswith("Binary")
        for part in (name.encode(), attribute["DataType"].encode()):
            digest.update(struct.pack("!I", len(part)) + part)
        value = _bytes(attribute["BinaryValue"] if binary else attribute["StringValue"])
        digest.update((b"\x02" if binary else b"\x01") + struct.pack("!I", len(value)) + value)
    return digest.hexdigest()


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
