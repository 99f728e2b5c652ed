"""The SQS client. It uses the queues of the queue model."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from lab.simulation.fakes.errors import EXCEPTIONS, client_error, only_known
from lab.simulation.fakes.wire import OK, Response, Wire
from lab.simulation.queue_model import FifoQueue, InvalidMessageError, Message, Queue, StaleReceiptError
from lab.simulation.queue_model.message import md5_of, md5_of_attributes
from lab.simulation.queue_model.queue import ACCOUNT

_SEND = frozenset({"MessageBody", "MessageAttributes", "DelaySeconds", "MessageGroupId", "MessageDeduplicationId"})
_HANDLE = frozenset({"ReceiptHandle"})
_HIDE = _HANDLE | {"VisibilityTimeout"}
_RECEIVE = frozenset(
    {
        "QueueUrl",
        "MaxNumberOfMessages",
        "VisibilityTimeout",
        "WaitTimeSeconds",
        "AttributeNames",
        "MessageSystemAttributeNames",
        "MessageAttributeNames",
    }
)
MAX_BATCH = 10
Work = Callable[[Queue, str, Mapping[str, Any]], Response]
MAX_VISIBILITY_SECONDS = 43_200


class FakeSQS:
    """Stands in for ``boto3.client("sqs")``. Its queues are objects of the queue model; tests may change them."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.queues: dict[str, Queue] = {}

    def add_queue(self, queue: Queue) -> Queue:
        """Add a queue. Calls with its URL then use it."""
        self.queues[queue.url] = queue
        return queue

    def _carry(self, operation: str, params: Mapping[str, Any], known: frozenset[str], work: Any) -> Response:
        only_known(operation, params, known)

        def perform() -> Response:
            answer: Response = work(self._queue(operation, params["QueueUrl"]))
            answer["ResponseMetadata"] = OK
            return answer

        return self.wire.carry("sqs", operation, params, perform)

    # --- sending --------------------------------------------------------------------------------------------------

    def send_message(self, **params: Any) -> Response:
        """Send one message."""
        return self._one("SendMessage", params, _SEND, _send)

    def send_message_batch(self, **params: Any) -> Response:
        """Send up to ten messages; each succeeds or fails independently."""
        return self._batch("SendMessageBatch", params, _SEND, _send)

    # --- receiving ------------------------------------------------------------------------------------------------

    def receive_message(self, **params: Any) -> Response:
        """Receive up to ten messages. ``WaitTimeSeconds`` is accepted and has no effect."""

        def work(queue: Queue) -> Response:
            count = params.get("MaxNumberOfMessages", 1)
            if not 1 <= count <= MAX_BATCH:
                raise _invalid("ReceiveMessage", f"Value {count} for parameter MaxNumberOfMessages is invalid.")
            messages = queue.receive(count, visibility_seconds=params.get("VisibilityTimeout"))
            system = {*params.get("AttributeNames", ()), *params.get("MessageSystemAttributeNames", ())}
            names: Sequence[str] = params.get("MessageAttributeNames", ())
            return {"Messages": [received(one, system, names) for one in messages]} if messages else {}

        return self._carry("ReceiveMessage", params, _RECEIVE, work)

    # --- deleting and hiding --------------------------------------------------------------------------------------

    def delete_message(self, **params: Any) -> Response:
        """Delete one message by its receipt handle."""
        return self._one("DeleteMessage", params, _HANDLE, _delete)

    def delete_message_batch(self, **params: Any) -> Response:
        """Delete up to ten messages."""
        return self._batch("DeleteMessageBatch", params, _HANDLE, _delete)

    def change_message_visibility(self, **params: Any) -> Response:
        """Set the visibility timeout of an in-flight message, counted from now."""
        return self._one("ChangeMessageVisibility", params, _HIDE, _hide)

    def change_message_visibility_batch(self, **params: Any) -> Response:
        """Set the visibility timeouts of up to ten in-flight messages."""
        return self._batch("ChangeMessageVisibilityBatch", params, _HIDE, _hide)

    # --- queue attributes -------------------------------------------------------------------------------------------

    def get_queue_attributes(self, **params: Any) -> Response:
        """Get attributes of a queue, as text."""

        def work(queue: Queue) -> Response:
            wanted = params.get("AttributeNames", ())
            shown = attributes_of_queue(queue)
            return {"Attributes": {n: v for n, v in shown.items() if n in wanted or "All" in wanted}}

        return self._carry("GetQueueAttributes", params, frozenset({"QueueUrl", "AttributeNames"}), work)

    # --- helpers ----------------------------------------------------------------------------------------------------

    def _one(self, operation: str, params: Mapping[str, Any], known: frozenset[str], work: Work) -> Response:
        return self._carry(operation, params, known | {"QueueUrl"}, lambda queue: work(queue, operation, params))

    def _batch(self, operation: str, params: Mapping[str, Any], known: frozenset[str], one: Work) -> Response:
        def work(queue: Queue) -> Response:
            entries = params["Entries"]
            ids = [entry["Id"] for entry in entries]
            if not 0 < len(ids) <= MAX_BATCH:
                raise _batch_error(operation, "TooManyEntriesInBatchRequest" if ids else "EmptyBatchRequest")
            if len(set(ids)) != len(ids):
                raise _batch_error(operation, "BatchEntryIdsNotDistinct")
            answer: Response = {"Successful": [], "Failed": []}
            for entry in entries:
                only_known(operation, entry, known | {"Id"})
                try:
                    answer["Successful"].append({"Id": entry["Id"], **one(queue, operation, entry)})
                except EXCEPTIONS.ClientError as error:
                    details = error.response["Error"]
                    answer["Failed"].append(
                        {"Id": entry["Id"], "SenderFault": True, "Code": details["Code"], "Message": details["Message"]}
                    )
            # The response omits an empty list, as botocore's parsed response does.
            return {name: entries for name, entries in answer.items() if entries}

        return self._carry(operation, params, frozenset({"QueueUrl", "Entries"}), work)

    def _queue(self, operation: str, url: str) -> Queue:
        if url not in self.queues:
            raise _missing(operation)
        return self.queues[url]


def _send(queue: Queue, operation: str, entry: Mapping[str, Any]) -> Response:
    attributes = entry.get("MessageAttributes", {})
    try:
        group, deduplication_id = entry.get("MessageGroupId"), entry.get("MessageDeduplicationId")
        if isinstance(queue, FifoQueue):
            return sent(queue.send_to_group(entry["MessageBody"], group, deduplication_id, attributes))
        options = {"group_id": group, "deduplication_id": deduplication_id}
        return sent(queue.send(entry["MessageBody"], attributes, **options, delay_seconds=entry.get("DelaySeconds", 0)))
    except InvalidMessageError as error:
        raise _invalid(operation, str(error)) from error


def _delete(queue: Queue, operation: str, entry: Mapping[str, Any]) -> Response:
    try:
        queue.delete(entry["ReceiptHandle"])
    except StaleReceiptError as error:
        raise _invalid(operation, f"Value for parameter ReceiptHandle is invalid. Reason: {error}") from error
    return {}


def _hide(queue: Queue, operation: str, entry: Mapping[str, Any]) -> Response:
    seconds = entry["VisibilityTimeout"]
    if not 0 <= seconds <= MAX_VISIBILITY_SECONDS:
        raise _invalid(operation, f"Value {seconds} for parameter VisibilityTimeout is invalid.")
    try:
        queue.change_visibility(entry["ReceiptHandle"], seconds)
    except StaleReceiptError as error:
        raise _invalid(
            operation,
            f"Value {entry['ReceiptHandle']} for parameter ReceiptHandle is invalid. Reason: Message does not exist or "
            "is not available for visibility timeout change.",
        ) from error
    return {}


def _invalid(operation: str, message: str) -> Exception:
    return client_error(operation, "InvalidParameterValue", message)


def _batch_error(operation: str, name: str) -> Exception:
    return client_error(operation, f"AWS.SimpleQueueService.{name}", name)


def _missing(operation: str) -> Exception:
    return client_error(operation, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")


def sent(message: Message) -> dict[str, Any]:
    """Return the answer to a send."""
    answer: dict[str, Any] = {"MessageId": message.message_id, "MD5OfMessageBody": md5_of(message.body)}
    if message.attributes:
        answer["MD5OfMessageAttributes"] = md5_of_attributes(message.attributes)
    if message.sequence_number is not None:
        answer["SequenceNumber"] = message.sequence_number
    return answer


def received(message: Message, system: Collection[str], names: Sequence[str]) -> dict[str, Any]:
    """Return one received message with the requested attributes only."""
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
    chosen = {name: value for name, value in message.attributes.items() if _is_requested(name, names)}
    if chosen:
        answer["MessageAttributes"] = {name: dict(value) for name, value in chosen.items()}
        answer["MD5OfMessageAttributes"] = md5_of_attributes(chosen)
    return answer


def _is_requested(name: str, names: Sequence[str]) -> bool:
    return any(
        wanted in {"All", ".*", name} or (wanted.endswith(".*") and name.startswith(wanted[:-2])) for wanted in names
    )


def attributes_of_queue(queue: Queue) -> Mapping[str, str]:
    """Return every modelled attribute of a queue, as text."""
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
