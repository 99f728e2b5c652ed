"""Uses the orders stack through the AWS APIs: reads tables, queues, subscribers and logs, and changes some of them.

No answer is cached.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from boto3.dynamodb.types import TypeDeserializer

from local.client import LocalStack
from local.errors import LocalError
from local.logs import log_groups, read_lines

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

T = TypeVar("T")
_POLL_SECONDS = 0.1
# The visibility timeout. It is long enough to receive every message of a queue before the first is visible again.
_LOOK_SECONDS = 30
_EPOCH = datetime.fromtimestamp(0, UTC)
_OUTCOMES = {
    "order processed": "processed",
    "attempt failed": "failed",
    "attempt deferred": "deferred",
    "message dead-lettered": "dead-lettered",
}


@dataclass(frozen=True)
class Receive:
    """One receive of one message, from the worker's log."""

    message_id: str
    order_id: str | None
    attempt: int
    outcome: str
    error: str
    replayed: bool
    """The order was already processed, so this receive had no effect."""


@dataclass(frozen=True)
class Acceptance:
    """One answer 202, from the API's log."""

    order_id: str
    replayed: bool


@dataclass(frozen=True)
class DeadLetter:
    """A message in the dead-letter queue."""

    message: "MessageTypeDef"

    def attribute(self, name: str) -> str | None:
        """Return the text of a message attribute, or `None` if the message does not have it."""
        attributes = self.message.get("MessageAttributes", {})
        return attributes[name].get("StringValue") if name in attributes else None

    @property
    def order_id(self) -> str | None:
        """Return the order id in the attributes, or `None` if they have no order id."""
        return self.attribute("order_id")


@dataclass(frozen=True)
class Event:
    """An event in a subscriber's queue: its CloudEvents document as text."""

    text: str

    @property
    def document(self) -> dict[str, Any]:
        """Return the parsed CloudEvents document."""
        found: dict[str, Any] = json.loads(self.text)
        return found


class Account:
    """Reads and changes the stack's resources through boto3."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self._aws = stack.aws
        self._outputs = stack.outputs

    def set_stock(self, stock: dict[str, int]) -> None:
        """Write the rows of the stock table. `ops audit` needs the opening stock in each row."""
        for sku, available in stock.items():
            item: Any = {"sku": {"S": sku}, "available": {"N": str(available)}, "opening": {"N": str(available)}}
            self._aws.dynamodb.put_item(TableName=self._outputs["stock_table"], Item=item)

    def stock(self) -> dict[str, dict[str, Any]]:
        """Return the rows of the stock table by SKU."""
        return {row["sku"]: row for row in self._scan("stock_table")}

    def available(self, sku: str) -> int:
        """Return how many of `sku` are in stock."""
        return int(self.stock()[sku]["available"])

    def orders(self) -> Mapping[str, dict[str, Any]]:
        """Return the rows of the orders table by order id."""
        return {row["order_id"]: row for row in self._scan("orders_table")}

    def waiting(self, output: str = "orders_queue_url") -> int:
        """Return the number of messages in a queue, including the invisible ones."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        attributes: Any = self._aws.sqs.get_queue_attributes(QueueUrl=self._outputs[output], AttributeNames=["All"])
        return sum(int(attributes["Attributes"][name]) for name in names)

    def max_receives(self) -> int:
        """Return the orders queue's `maxReceiveCount`."""
        answer = self._aws.sqs.get_queue_attributes(
            QueueUrl=self._outputs["orders_queue_url"], AttributeNames=["RedrivePolicy"]
        )
        return int(json.loads(answer["Attributes"]["RedrivePolicy"])["maxReceiveCount"])

    def dead_letters(self) -> list[DeadLetter]:
        """Return all messages of the dead-letter queue, and leave them there."""
        return [DeadLetter(message) for message in self._look(self._outputs["dead_letter_queue_url"])]

    def events(self, subscriber: str) -> list[Event]:
        """Return all events in a subscriber's queue, and leave them there. `subscriber` is the subscription's name.

        Each call receives every message once. If the queue has a dead-letter queue, SQS moves a message there after
        `maxReceiveCount` calls.
        """
        bodies = [message["Body"] for message in self._look(self._outputs["subscriber_queue_urls"][subscriber])]
        return [Event(_unwrapped(body)) for body in bodies]

    def keep_events(self) -> None:
        """Remove the redrive policies of the subscribers' queues, so that `events` can be called without limit."""
        for url in self._outputs["subscriber_queue_urls"].values():
            self._aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": ""})

    def send(self, body: str) -> str:
        """Send a message directly to the orders queue and return its id."""
        answer = self._aws.sqs.send_message(QueueUrl=self._outputs["orders_queue_url"], MessageBody=body)
        return answer["MessageId"]

    def receives(self) -> list[Receive]:
        """Return each receive whose outcome is in the worker's log, oldest first."""
        found = [line for line in self._log("process-order") if line.get("message") in _OUTCOMES]
        return [
            Receive(
                message_id=line["message_id"],
                order_id=line.get("order_id"),
                attempt=line["attempt"],
                outcome=_OUTCOMES[line["message"]],
                error=line.get("error_type", ""),
                replayed=line.get("replayed", False),
            )
            for line in found
        ]

    def acceptances(self) -> list[Acceptance]:
        """Return every answer 202 of the API."""
        lines = [line for line in self._log("create-order") if line.get("message") == "order accepted"]
        return [Acceptance(line["order_id"], line["replayed"]) for line in lines]

    @contextmanager
    def deliveries_held(self) -> Iterator[None]:
        """Disable all event source mappings during the block. Messages sent in the block arrive together after it."""
        mappings = self._aws.lambda_.list_event_source_mappings()["EventSourceMappings"]
        ids = [mapping["UUID"] for mapping in mappings]
        for each in ids:
            self._aws.lambda_.update_event_source_mapping(UUID=each, Enabled=False)
        try:
            yield
        finally:
            for each in ids:
                self._aws.lambda_.update_event_source_mapping(UUID=each, Enabled=True)

    def _scan(self, table: str) -> list[dict[str, Any]]:
        read = TypeDeserializer().deserialize
        pages = self._aws.dynamodb.get_paginator("scan").paginate(TableName=self._outputs[table], ConsistentRead=True)
        return [{name: read(value) for name, value in item.items()} for page in pages for item in page["Items"]]

    def _look(self, queue_url: str) -> "list[MessageTypeDef]":
        """Receive every message of a queue once, then make all of them visible again."""
        seen: dict[str, MessageTypeDef] = {}
        while batch := self._aws.sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=_LOOK_SECONDS,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages"):
            seen |= {message["MessageId"]: message for message in batch}
        for message in seen.values():
            self._aws.sqs.change_message_visibility(
                QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        return list(seen.values())

    def _log(self, function: str) -> list[dict[str, Any]]:
        lines = read_lines(self._aws, log_groups(self.stack.state, function), _EPOCH)
        return [json.loads(line.message) for line in lines if line.message.startswith("{")]


def _unwrapped(body: str) -> str:
    """Return the published text. Without raw delivery, EventBridge and SNS wrap the text in an envelope."""
    document = json.loads(body)
    if "detail-type" in document:
        # EventBridge parses the document and serializes it anew; our serialization restores the published text.
        return json.dumps(document["detail"], sort_keys=True, separators=(",", ":"))
    return str(document["Message"]) if document.get("Type") == "Notification" else body


def wait_for(what: str, probe: Callable[[], T | None], seconds: float = 60.0) -> T:
    """Call `probe` until its result is true, and return that result.

    Raises `LocalError` after `seconds`. The message names `what`.
    """
    deadline = time.monotonic() + seconds
    while not (found := probe()):
        if time.monotonic() > deadline:
            raise LocalError(f"No result after {seconds:.0f} s of waiting for {what}.")
        time.sleep(_POLL_SECONDS)
    return found
