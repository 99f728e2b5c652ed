"""A message of the dead-letter queue: its order, the reason why it was moved there, and the order's state."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from runtime.logic.delivery import Delivery
from runtime.logic.failures import PermanentError, describe
from runtime.logic.message import MALFORMED_BODY
from runtime.models.order import SETTLED_STATUSES, OrderMessage, OrderStatus, StoredOrder

MessageAttributes = Mapping[str, Mapping[str, Any]]
"""Message attributes by name, in SQS's spelling: `DataType` with `StringValue` or (bytes) `BinaryValue`."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message as SQS returned it.

    Attributes:
        sent_at: SQS's SentTimestamp in epoch seconds. If SQS moved the message, this is when it was sent to the orders
            queue. If the worker dead-lettered it, this is when the worker sent it to the dead-letter queue.
        group_id: Message group of its caller, if it has one.
    """

    message_id: str
    receipt: str
    body: str
    attributes: MessageAttributes
    sent_at: float
    group_id: str | None = None

    def text(self, name: str) -> str | None:
        """Return the value of a String or Number attribute; `None` if the message does not have it."""
        value = self.attributes.get(name, {}).get("StringValue")
        return value if isinstance(value, str) and value else None


class State(StrEnum):
    """State of a dead letter and its order. It determines the possible actions."""

    FAILED = "failed"
    UNREPORTED = "unreported"
    NOTIFICATION_MISSING = "notification-missing"
    LEFTOVER = "leftover"
    DISCARDED = "discarded"
    NO_ORDER = "no-order"
    CORRUPT_ORDER = "corrupt-order"
    UNREADABLE = "unreadable"


# Each text begins with the value that `--where state=` accepts.
MEANING: Final[Mapping[State, str]] = {
    State.FAILED: "failed: the worker could not process it",
    State.UNREPORTED: "unreported: the order is still ACCEPTED, because its last attempt could not mark it FAILED",
    State.NOTIFICATION_MISSING: "notification-missing: settled, only its notification is missing",
    State.LEFTOVER: "leftover: settled and notified, this message is a copy",
    State.DISCARDED: "discarded: the order is DISCARDED already, only this message is left to delete",
    State.NO_ORDER: "no-order: no such order is stored",
    State.CORRUPT_ORDER: "corrupt-order: the stored row is not a valid order, repair it first",
    State.UNREADABLE: "unreadable: this message can only be discarded",
}
NOT_REDRIVABLE: Final = frozenset({State.UNREADABLE, State.DISCARDED})
"""The worker would dead-letter an unreadable message again. A discarded order is final."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Extract of a message. It leaves out the body, so that a list of all messages fits into memory.

    Attributes:
        original_id: The attribute `original_message_id`, or else the message's own id. Copies of one
            message have the same value.
        copy_key: Hash of original id, order id and body. Only copies of one message have the same key.
        order_id: Id of the order, if the message names it reliably.
        readable: False if the body is not a JSON object. No version of the worker can read such a body.
        error_type, error: Error that the worker wrote on the message. If it wrote none: the reason why the worker
            cannot read the message, or `None` if the worker can read it.
        attempts: Number of the attempt in which the worker dead-lettered the message, from the message's
            attribute `attempt`; `None` if SQS moved the message.
        summary: Description of the order without personal data; empty if unknown.
        caller: Caller that the message names, if it can be read.
    """

    message_id: str
    original_id: str
    copy_key: bytes
    order_id: str | None
    readable: bool
    error_type: str | None
    error: str | None
    attempts: int | None
    sent_at: float
    summary: str
    caller: str | None


def read_letter(message: Received) -> DeadLetter:
    """Extract a dead letter from a message, without the stored order."""
    delivery = as_delivery(message)
    refusal = delivery.content if isinstance(delivery.content, Exception) else None
    error_type, error = describe(refusal) if refusal is not None else (None, None)
    original = message.text("original_message_id") or message.message_id
    attempts = message.text("attempt") or ""
    return DeadLetter(
        message_id=message.message_id,
        original_id=original,
        # A sender could write any `original_message_id` on a message. So copies must have the same body, too.
        copy_key=hashlib.sha256(f"{original}\n{delivery.order_id}\n{message.body}".encode()).digest()[:16],
        order_id=delivery.order_id,
        # A JSON object may be readable after a deploy; any other body never will be.
        readable=not isinstance(refusal, PermanentError) or refusal.error_type != MALFORMED_BODY,
        error_type=message.text("error_type") or error_type,
        error=message.text("error") or error,
        attempts=int(attempts) if re.fullmatch(r"[0-9]{1,9}", attempts) else None,
        sent_at=message.sent_at,
        summary="" if delivery.order is None else summarise(delivery.order),
        caller=None if delivery.order is None else delivery.order.caller,
    )


def as_delivery(message: Received) -> Delivery:
    """Convert a message to the worker's form of it. Lambda spells the attributes in lower camel case."""
    return Delivery(
        message_id=message.message_id,
        receipt_handle=message.receipt,
        body=message.body,
        attributes={
            name: {"dataType": value.get("DataType"), "stringValue": value.get("StringValue")}
            for name, value in message.attributes.items()
        },
        receive_count=1,
    )


def content_of(message: Received) -> OrderMessage | None:
    """The order in the message, if it can be read."""
    return as_delivery(message).order


def summarise(order: OrderMessage | StoredOrder) -> str:
    """Describe an order without personal data: no caller, no reference, no articles."""
    if order.total is None or order.currency is None:
        return ""
    count = len(order.lines)
    return f"{count} line{'s' if count != 1 else ''}, {order.total} {order.currency}"


def classify(letter: DeadLetter, order: StoredOrder | None, *, corrupt: bool, finished: bool) -> State:
    """Return the state of a dead letter and its order.

    Args:
        letter: the message.
        order: the stored order, if there is one.
        corrupt: whether the stored row is not a valid order.
        finished: whether the worker's record shows that the order is settled *and* its event published.
    """
    if order is not None and order.status is OrderStatus.DISCARDED:
        return State.DISCARDED
    # Readability is checked before the states below, because no redrive can help an unreadable message.
    if not letter.readable:
        return State.UNREADABLE
    if corrupt:
        return State.CORRUPT_ORDER
    if order is None:
        return State.NO_ORDER
    if order.status in SETTLED_STATUSES:
        return State.LEFTOVER if finished else State.NOTIFICATION_MISSING
    return State.FAILED if order.status is OrderStatus.FAILED else State.UNREPORTED
