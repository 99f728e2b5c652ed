"""Builds the messages that go back to the orders queue."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from ops.logic.dead_letter import Received
from runtime.store.message_groups import in_group

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

MAX_ATTRIBUTES: Final = 10
MAX_BATCH: Final = 10
# SQS's former limit for a whole batch: 256 KiB. The present limit is 1 MiB.
MAX_BATCH_BYTES: Final = 262_144
_ABOUT_THE_FAILURE: Final = frozenset({"error_type", "error", "attempt"})
_ORIGINAL: Final = "original_message_id"


def fresh_attributes(message: Received) -> dict[str, Any]:
    """Return the attributes of a message that is sent again, without those that record its failure.

    `original_message_id` is kept or added, so that the message is recognised if it fails again. It is left out if ten
    other attributes are kept, because SQS allows only ten.
    """
    kept = {name: dict(value) for name, value in message.attributes.items() if name not in _ABOUT_THE_FAILURE}
    original = message.text(_ORIGINAL) or message.message_id
    if _ORIGINAL in kept or len(kept) < MAX_ATTRIBUTES:
        kept[_ORIGINAL] = {"DataType": "String", "StringValue": original}
    return kept


def send_entry(message: Received, *, fifo: bool) -> "SendMessageBatchRequestEntryTypeDef":
    """Return the entry that sends `message` again, with the same body and in the same group."""
    entry: SendMessageBatchRequestEntryTypeDef = {
        "Id": message.message_id,
        "MessageBody": message.body,
        "MessageAttributes": fresh_attributes(message),
    }
    return {**entry, **in_group(message.group_id, message.message_id, fifo=fifo)}


def batches(messages: Sequence[Received]) -> Iterator[list[Received]]:
    """Split messages into batches of at most ten messages and `MAX_BATCH_BYTES`. A larger message is sent alone."""
    batch: list[Received] = []
    size = 0
    for message in messages:
        weight = _weight(message)
        if batch and (len(batch) == MAX_BATCH or size + weight > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += weight
    if batch:
        yield batch


def _weight(message: Received) -> int:
    attributes = sum(
        len(name)
        + len(str(value.get("DataType")))
        + _length(value.get("StringValue") or value.get("BinaryValue") or "")
        for name, value in message.attributes.items()
    )
    return len(message.body.encode()) + attributes + len(_ORIGINAL) + 64


def _length(value: str | bytes) -> int:
    return len(value if isinstance(value, bytes) else value.encode())
