"""The shapes of SQS's answers."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from lab.simulation.queue_model import Message, Queue
from lab.simulation.queue_model.message import md5_of, md5_of_attributes
from lab.simulation.queue_model.queue import ACCOUNT


def sent(message: Message) -> dict[str, Any]:
    """The answer to a send."""
    answer: dict[str, Any] = {"MessageId": message.message_id, "MD5OfMessageBody": md5_of(message.body)}
    if message.attributes:
        answer["MD5OfMessageAttributes"] = md5_of_attributes(message.attributes)
    if message.sequence_number is not None:
        answer["SequenceNumber"] = message.sequence_number
    return answer


def received(message: Message, system: Collection[str], names: Sequence[str]) -> dict[str, Any]:
    """One received message. Attributes show only where they were asked for."""
    answer: dict[str, Any] = {
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt,
        "MD5OfBody": md5_of(message.body),
        "Body": message.body,
    }
    shown = message.standard_attributes(ACCOUNT)
    standard = {name: value for name, value in shown.items() if name in system or "All" in system}
    if standard:
        answer["Attributes"] = standard
    chosen = {name: value for name, value in message.attributes.items() if _asked_for(name, names)}
    if chosen:
        answer["MessageAttributes"] = {name: dict(value) for name, value in chosen.items()}
        answer["MD5OfMessageAttributes"] = md5_of_attributes(chosen)
    return answer


def _asked_for(name: str, names: Sequence[str]) -> bool:
    return any(
        asked in {"All", ".*", name} or (asked.endswith(".*") and name.startswith(asked[:-2])) for asked in names
    )


def attributes_of_queue(queue: Queue) -> Mapping[str, str]:
    """Every modelled attribute of a queue, as text."""
    visible, in_flight, delayed = queue.counts()
    shown = {
        "QueueArn": queue.arn,
        "ApproximateNumberOfMessages": str(visible),
        "ApproximateNumberOfMessagesNotVisible": str(in_flight),
        "ApproximateNumberOfMessagesDelayed": str(delayed),
        "VisibilityTimeout": f"{queue.visibility_seconds:g}",
        "MessageRetentionPeriod": f"{queue.retention_seconds:.0f}",
    }
    if queue.redrive is not None:
        shown["RedrivePolicy"] = json.dumps(
            {"deadLetterTargetArn": queue.redrive.target.arn, "maxReceiveCount": queue.redrive.max_receive_count}
        )
    return shown
