"""Messages that are sent back to the orders queue."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from ops.logic.dead_letter import Received
from runtime.store.message_groups import in_group

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

MAX_ATTRIBUTES: Final = 10
MAX_BATCH: Final = 10
# Below every limit that SQS has had for a whole batch; a larger message goes alone.
MAX_BATCH_BYTES: Final = 262_144
_ABOUT_THE_FAILURE: Final = frozenset({"error_type", "error", "attempt"})
_ORIGINAL: Final = "original_message_id"


def fresh_attributes(message: Received) -> dict[str, Any]:
    """The attributes of a message that starts again: as at first, without what a failure wrote on them.

    Only `original_message_id` stays or is added, so that a copy that fails again is known to be one. It is left
    out where others take all ten attributes that SQS allows.
    """
    kept = {name: dict(value) for name, value in message.attributes.items() if name not in _ABOUT_THE_FAILURE}
    original = message.text(_ORIGINAL) or message.message_id
    if _ORIGINAL in kept or len(kept) < MAX_ATTRIBUTES:
        kept[_ORIGINAL] = {"DataType": "String", "StringValue": original}
    return kept


def send_entry(message: Received, *, fifo: bool) -> "SendMessageBatchRequestEntryTypeDef":
    """The entry that sends `message` again, with its body as it is, in the group that it came in."""
    entry: SendMessageBatchRequestEntryTypeDef = {
        "Id": message.message_id,
        "MessageBody": message.body,
        "MessageAttributes": fresh_attributes(message),
    }
    return {**entry, **in_group(message.group_id, message.message_id, fifo=fifo)}


def batches(messages: Sequence[Received]) -> Iterator[list[Received]]:
    """At most ten messages together, and no more bytes than SQS takes at once."""
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
