"""A message of the dead-letter queue: which order it is about, why it is there, and what became of the order."""

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
"""By name, in SQS's spelling: `DataType` with `StringValue` or (bytes) `BinaryValue`."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message as SQS gave it.

    Attributes:
        sent_at: Epoch seconds of the original send, from which the retention counts.
        group_id: Whose message it is, if it came with that.
    """

    message_id: str
    receipt: str
    body: str
    attributes: MessageAttributes
    sent_at: float
    group_id: str | None = None

    def text(self, name: str) -> str | None:
        """A String or Number attribute."""
        value = self.attributes.get(name, {}).get("StringValue")
        return value if isinstance(value, str) and value else None


class State(StrEnum):
    """State of the order that a dead letter is about, and so what can be done."""

    FAILED = "failed"
    UNREPORTED = "unreported"
    NOTIFICATION_MISSING = "notification-missing"
    LEFTOVER = "leftover"
    DISCARDED = "discarded"
    NO_ORDER = "no-order"
    CORRUPT_ORDER = "corrupt-order"
    UNREADABLE = "unreadable"


# Each begins with what `--where state=` takes.
MEANING: Final[Mapping[State, str]] = {
    State.FAILED: "failed: the worker gave up",
    State.UNREPORTED: "unreported: accepted, its last attempt died before its first write",
    State.NOTIFICATION_MISSING: "notification-missing: settled, only its notification is missing",
    State.LEFTOVER: "leftover: settled and notified, this is a copy",
    State.DISCARDED: "discarded: only this message is left",
    State.NO_ORDER: "no-order: no such order is stored",
    State.CORRUPT_ORDER: "corrupt-order: what is stored is no order, repair it first",
    State.UNREADABLE: "unreadable: this message can only be discarded",
}
NOT_REDRIVABLE: Final = frozenset({State.UNREADABLE, State.DISCARDED})
"""A worker would send the first straight back, and the second has been given up by a person."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Extract of a message that is kept while all are listed: small, and without its body.

    Attributes:
        original_id: The id of the first message that was dead-lettered; copies share it.
        twin_key: Equal for copies of one message only.
        order_id: The order concerned, where the message says so reliably.
        readable: Whether a worker can ever read it: what is JSON may be after a deploy, a newer version among it.
        error_type, error: What the worker wrote on the message, or else would write; absent if it can be processed.
        attempts: What the worker wrote on the message; absent if SQS moved it.
        summary: What the order is, without personal data; empty if unknown.
        caller: Whose order the message says it is, if it can be read.
    """

    message_id: str
    original_id: str
    twin_key: bytes
    order_id: str | None
    readable: bool
    error_type: str | None
    error: str | None
    attempts: int | None
    sent_at: float
    summary: str
    caller: str | None


def read_letter(message: Received) -> DeadLetter:
    """Read what there is to know from the message alone."""
    delivery = as_delivery(message)
    refusal = delivery.content if isinstance(delivery.content, Exception) else None
    error_type, error = describe(refusal) if refusal is not None else (None, None)
    original = message.text("original_message_id") or message.message_id
    attempts = message.text("attempt") or ""
    return DeadLetter(
        message_id=message.message_id,
        original_id=original,
        # The id alone is text that a sender could choose: only copies of the same bytes may be merged.
        twin_key=hashlib.sha256(f"{original}\n{delivery.order_id}\n{message.body}".encode()).digest()[:16],
        order_id=delivery.order_id,
        # What is JSON may be readable after a deploy; what is not never will be.
        readable=not isinstance(refusal, PermanentError) or refusal.error_type != MALFORMED_BODY,
        error_type=message.text("error_type") or error_type,
        error=message.text("error") or error,
        attempts=int(attempts) if re.fullmatch(r"[0-9]{1,9}", attempts) else None,
        sent_at=message.sent_at,
        summary="" if delivery.order is None else summarise(delivery.order),
        caller=None if delivery.order is None else delivery.order.caller,
    )


def as_delivery(message: Received) -> Delivery:
    """The message as the worker would see it: Lambda spells attributes in lower camel case."""
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
    """Return what the order is, for people who may not see who ordered it: no caller, no reference, no articles."""
    if order.total is None or order.currency is None:
        return ""
    count = len(order.lines)
    return f"{count} line{'s' if count != 1 else ''}, {order.total} {order.currency}"


def classify(letter: DeadLetter, order: StoredOrder | None, *, corrupt: bool, finished: bool) -> State:
    """Return what became of the order.

    Args:
        letter: the message.
        order: as it is stored now, if it is.
        corrupt: something is stored that is no order.
        finished: the worker's record says that it has settled *and* published it.
    """
    if order is not None and order.status is OrderStatus.DISCARDED:
        return State.DISCARDED
    # Before the rest: no redrive can help such a message, whatever its order is.
    if not letter.readable:
        return State.UNREADABLE
    if corrupt:
        return State.CORRUPT_ORDER
    if order is None:
        return State.NO_ORDER
    if order.status in SETTLED_STATUSES:
        return State.LEFTOVER if finished else State.NOTIFICATION_MISSING
    return State.FAILED if order.status is OrderStatus.FAILED else State.UNREPORTED
