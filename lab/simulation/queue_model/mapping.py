"""Lambda's event source mapping: receives batches, invokes the function, and deletes the processed messages."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.simulation.queue_model.message import Message, md5_of, md5_of_attributes
from lab.simulation.queue_model.queue import ACCOUNT, REGION, Queue, StaleReceiptError

Invoke = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One batch that the mapping has received: the function's event, and the messages' receipt handles."""

    event: dict[str, Any]
    handles: dict[str, str]  # message id -> the receipt handle of this receive


@dataclass(frozen=True, slots=True)
class Returned:
    """The function returned ``value``."""

    value: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The function raised an error or timed out, or its process was killed."""

    cause: str


Outcome = Returned | Failed


@dataclass(slots=True)
class EventSourceMapping:
    """A mapping from a queue to a function.

    Attributes:
        queue: The queue that the mapping polls.
        batch_size: Maximum number of messages per invocation.
        report_failures: Whether ``ReportBatchItemFailures`` is on; if not, any return value deletes the whole batch.
        deliveries: Received batches without an outcome yet.
    """

    queue: Queue
    batch_size: int = 10
    report_failures: bool = True
    deliveries: list[Delivery] = field(default_factory=list)

    def poll(self) -> Delivery | None:
        """Receive a batch with the queue's visibility timeout; returns ``None`` if no message is visible."""
        messages = self.queue.receive(self.batch_size)
        if not messages:
            return None
        delivery = Delivery(sqs_event(self.queue.arn, messages), {m.message_id: _receipt(m) for m in messages})
        self.deliveries.append(delivery)
        return delivery

    def finish(self, delivery: Delivery, outcome: Outcome) -> frozenset[str]:
        """Delete the processed messages of a batch. The others become visible when their visibility timeouts end.

        Returns:
            The ids of the failed messages, which the mapping does *not* delete.
        """
        self.deliveries.remove(delivery)
        failed = failed_ids(outcome, frozenset(delivery.handles), report_failures=self.report_failures)
        for message_id, handle in delivery.handles.items():
            if message_id not in failed:
                self._delete(handle)
        return failed

    def deliver(self, invoke: Invoke) -> frozenset[str] | None:
        """Receive one batch, invoke the function, and delete the processed messages. An ``Exception`` fails the batch.

        Returns:
            The ids of the failed messages, which the mapping does *not* delete; ``None`` if no message is visible.
        """
        delivery = self.poll()
        if delivery is None:
            return None
        return self.finish(delivery, run(invoke, delivery.event))

    def _delete(self, handle: str) -> None:
        try:
            self.queue.delete(handle)
        except StaleReceiptError:
            return  # the FIFO queue will deliver the message again


def run(invoke: Invoke, event: dict[str, Any]) -> Outcome:
    """Invoke a function; returns its value, or a failure if it raised."""
    try:
        return Returned(invoke(event))
    except Exception as error:  # noqa: BLE001 - to Lambda, any raised error is a failed invocation
        return Failed(f"{type(error).__name__}: {error}")


def failed_ids(outcome: Outcome, batch: frozenset[str], *, report_failures: bool) -> frozenset[str]:
    """Return the message ids that the mapping does not delete.

    The rules are AWS's ("Success and failure conditions" of partial batch responses). An empty or null response is
    success, and so is an empty or null list. The *whole* batch fails if the response cannot be read, or if an
    `itemIdentifier` is empty, null, missing or unknown.
    """
    if isinstance(outcome, Failed):
        return batch
    value = outcome.value
    if not report_failures or value is None:
        return frozenset()
    if not isinstance(value, dict):
        return batch
    failures = value.get("batchItemFailures")
    if failures is None:
        return frozenset()
    if not isinstance(failures, list):
        return batch
    identifiers = [entry.get("itemIdentifier") if isinstance(entry, dict) else None for entry in failures]
    if not all(isinstance(identifier, str) and identifier in batch for identifier in identifiers):
        return batch
    return frozenset(str(identifier) for identifier in identifiers)


def _receipt(message: Message) -> str:
    if message.receipt is None:
        raise AssertionError("a received message must have a receipt handle")
    return message.receipt


def sqs_event(queue_arn: str, messages: Iterable[Message]) -> dict[str, Any]:
    """Return the event for one batch: ``{"Records": [...]}``."""
    return {"Records": [sqs_record(queue_arn, message) for message in messages]}


def sqs_record(queue_arn: str, message: Message) -> dict[str, Any]:
    """Return one record with Lambda's names, which are in lower camel case, unlike those of SQS."""
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
