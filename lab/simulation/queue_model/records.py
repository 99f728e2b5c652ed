"""The event that Lambda builds from received messages."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from lab.simulation.queue_model.message import Message, md5_of, md5_of_attributes
from lab.simulation.queue_model.queue import ACCOUNT, REGION


def sqs_event(queue_arn: str, messages: Iterable[Message]) -> dict[str, Any]:
    """The event for one batch: ``{"Records": [...]}``."""
    return {"Records": [sqs_record(queue_arn, message) for message in messages]}


def sqs_record(queue_arn: str, message: Message) -> dict[str, Any]:
    """One record, with the names in the spelling that Lambda uses (lower camel case, unlike SQS's own)."""
    record: dict[str, Any] = {
        "messageId": message.message_id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": message.standard_attributes(ACCOUNT),
        "messageAttributes": {name: _attribute(value) for name, value in message.attributes.items()},
        "md5OfBody": md5_of(message.body),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }
    if message.attributes:
        record["md5OfMessageAttributes"] = md5_of_attributes(message.attributes)
    return record


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"dataType": value["DataType"], "stringListValues": [], "binaryListValues": []}
    if "StringValue" in value:
        shown["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        shown["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return shown
