"""The orders queue and its dead-letter queue.

The tools never receive from the orders queue, because SQS would count each receive as an attempt.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ops.logic.dead_letter import Received
from ops.logic.resend import send_entry

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAX_BATCH: Final = 10
_FIFO: Final = ".fifo"


@dataclass(frozen=True, slots=True)
class Depth:
    """Approximate number of messages in a queue.

    Attributes:
        max_receives: Number of receives after which SQS moves a message to the dead-letter queue; `None`
            if there is no such queue.
    """

    visible: int
    hidden: int
    delayed: int
    retention_seconds: int
    max_receives: int | None = None

    @property
    def all(self) -> int:
        """All messages, including the hidden and the delayed ones."""
        return self.visible + self.hidden + self.delayed


class OrdersQueue:
    """Sends to the orders queue."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, messages: Sequence[Received]) -> set[str]:
        """Send up to ten messages again. Return the ids of those that SQS confirmed."""
        fifo = self._url.endswith(_FIFO)
        answer = self._client.send_message_batch(
            QueueUrl=self._url, Entries=[send_entry(message, fifo=fifo) for message in messages]
        )
        return {entry["Id"] for entry in answer.get("Successful", ())}


class DeadLetterQueue:
    """Receives from the dead-letter queue."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def receive(self, hide_seconds: int, wait_seconds: int) -> list[Received]:
        """Receive up to ten messages and hide them for `hide_seconds`. Wait up to `wait_seconds` for the first."""
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=MAX_BATCH,
            VisibilityTimeout=hide_seconds,
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["SentTimestamp", "MessageGroupId"],
            MessageAttributeNames=["All"],
        )
        return [_received(message) for message in answer.get("Messages", ())]

    def delete(self, receipts: dict[str, str]) -> set[str]:
        """Delete messages. `receipts`: receipt handle by message id. Return the ids of the deleted messages."""
        deleted: set[str] = set()
        for entries in _chunks(receipts.items()):
            answer = self._client.delete_message_batch(
                QueueUrl=self._url, Entries=[{"Id": id_, "ReceiptHandle": receipt} for id_, receipt in entries]
            )
            deleted |= {entry["Id"] for entry in answer.get("Successful", ())}
        return deleted

    def release(self, receipts: dict[str, str]) -> set[str]:
        """Make messages visible immediately. Return the ids of the messages that stay hidden because SQS failed.

        The ids of messages that no longer exist are not returned.
        """
        hidden: set[str] = set()
        for entries in _chunks(receipts.items()):
            answer = self._client.change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[{"Id": id_, "ReceiptHandle": receipt, "VisibilityTimeout": 0} for id_, receipt in entries],
            )
            hidden |= {entry["Id"] for entry in answer.get("Failed", ()) if not entry["SenderFault"]}
        return hidden


def depth_of(client: "SQSClient", url: str) -> Depth:
    """Read the approximate number of messages in a queue."""
    answer: Any = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    attributes: Mapping[str, str] = answer["Attributes"]
    prefix = "ApproximateNumberOfMessages"
    policy = json.loads(attributes.get("RedrivePolicy") or "{}")
    return Depth(
        visible=int(attributes.get(prefix, 0)),
        hidden=int(attributes.get(f"{prefix}NotVisible", 0)),
        delayed=int(attributes.get(f"{prefix}Delayed", 0)),
        retention_seconds=int(attributes.get("MessageRetentionPeriod", 0)),
        max_receives=None if "maxReceiveCount" not in policy else int(policy["maxReceiveCount"]),
    )


def _received(message: Any) -> Received:
    system = message.get("Attributes", {})
    return Received(
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        attributes=message.get("MessageAttributes", {}),
        sent_at=int(system.get("SentTimestamp", 0)) / 1000,
        group_id=system.get("MessageGroupId"),
    )


def _chunks(items: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    everything = list(items)
    return (everything[start : start + MAX_BATCH] for start in range(0, len(everything), MAX_BATCH))
