"""A standard queue: at-least-once delivery in any sequence, visibility timeouts, a redrive policy and retention."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.simulation.clock import Clock, Entropy
from lab.simulation.queue_model.message import Attributes, InvalidMessageError, Message, check_content

ACCOUNT = "000000000000"
REGION = "us-east-1"
DEFAULT_RETENTION_SECONDS = 345_600


class StaleReceiptError(Exception):
    """The handle belongs to no message that is in flight."""


@dataclass(frozen=True, slots=True)
class RedrivePolicy:
    """A message that was received ``max_receive_count`` times moves to ``target`` at its next receive."""

    target: Queue
    max_receive_count: int


@dataclass(slots=True)
class Queue:
    """A standard queue.

    Attributes:
        visibility_seconds: Default visibility timeout.
        retention_seconds: Retention of a message, from its original send.
        redrive: Redrive policy, if any.
        messages: Stored messages, in order of arrival.
        deleted: Deleted messages. At-least-once delivery may deliver such a message again (:meth:`resurrect`).
        expired: Messages that outlived the retention.
        moves: Id and receive count of each message that the redrive policy moved away.
        shuffled: Whether receives choose at random; SQS promises no sequence.
    """

    name: str
    clock: Clock
    entropy: Entropy
    visibility_seconds: float = 30
    retention_seconds: float = DEFAULT_RETENTION_SECONDS
    redrive: RedrivePolicy | None = None
    shuffled: bool = True
    messages: dict[str, Message] = field(default_factory=dict)
    deleted: dict[str, Message] = field(default_factory=dict)
    expired: list[Message] = field(default_factory=list)
    moves: list[tuple[str, int]] = field(default_factory=list)

    @property
    def arn(self) -> str:
        """The queue's ARN."""
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.name}"

    @property
    def url(self) -> str:
        """The queue's URL."""
        return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{self.name}"

    # --- sending --------------------------------------------------------------------------------------------------

    def send(
        self,
        body: str,
        attributes: Attributes | None = None,
        *,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        delay_seconds: float = 0,
    ) -> Message:
        """Store a new message.

        Raises:
            InvalidMessageError: SQS would refuse the message.
        """
        if deduplication_id is not None:
            raise InvalidMessageError(
                "Value for parameter MessageDeduplicationId is invalid. Reason: The request include parameter that is "
                "not valid for this queue type."
            )
        return self.store(body, attributes or {}, group_id, delay_seconds)

    def store(self, body: str, attributes: Attributes, group_id: str | None, delay_seconds: float = 0) -> Message:
        """Store a new message, in a standard or FIFO queue. Raises `InvalidMessageError` if SQS would refuse it."""
        check_content(body, attributes)
        now = self.clock.time()
        message = Message(self.entropy.uuid(), body, dict(attributes), now, now + delay_seconds, group_id=group_id)
        self.messages[message.message_id] = message
        return message

    # --- receiving ------------------------------------------------------------------------------------------------

    def receive(self, count: int = 1, *, visibility_seconds: float | None = None) -> list[Message]:
        """Receive up to ``count`` visible messages, and hide each for the visibility timeout.

        A message that was already received ``max_receive_count`` times is not returned: the redrive policy moves it.
        """
        self.expire()
        now = self.clock.time()
        hidden_for = self.visibility_seconds if visibility_seconds is None else visibility_seconds
        received: list[Message] = []
        for message in self.candidates():
            if len(received) == count:
                break
            if self._moved(message):
                continue
            self._mark_received(message, now, hidden_for)
            received.append(message)
        return received

    def candidates(self) -> Iterable[Message]:
        """Return the visible messages in the order in which a receive would return them."""
        now = self.clock.time()
        visible = [message for message in self.messages.values() if message.visible_at <= now]
        if self.shuffled and len(visible) > 1:
            self.entropy.random.shuffle(visible)
        return visible

    def _mark_received(self, message: Message, now: float, hidden_for: float) -> None:
        message.receive_count += 1
        message.first_received_at = now if message.first_received_at is None else message.first_received_at
        message.visible_at = now + hidden_for
        message.receipt = f"{message.message_id}#{self.entropy.hex()}"

    def _moved(self, message: Message) -> bool:
        if self.redrive is None or message.receive_count < self.redrive.max_receive_count:
            return False
        del self.messages[message.message_id]
        message.source_arn = self.arn
        self.moves.append((message.message_id, message.receive_count))
        self.redrive.target.store_moved(message)
        return True

    def store_moved(self, message: Message) -> None:
        """Store a message that another queue's redrive policy moved here. Its id and send time do not change."""
        message.visible_at = self.clock.time()
        message.receipt = None
        self.messages[message.message_id] = message

    # --- deleting and hiding --------------------------------------------------------------------------------------

    def delete(self, receipt: str) -> None:
        """Delete a message by its handle. An old handle is accepted, but deletes nothing: AWS documents that this can
        happen on a standard queue."""
        message = self.by_receipt(receipt)
        if message is not None:
            self.deleted[message.message_id] = self.messages.pop(message.message_id)

    def change_visibility(self, receipt: str, seconds: float) -> None:
        """Hide an in-flight message for ``seconds`` from now; 0 makes it visible immediately.

        Raises:
            StaleReceiptError: the message is not in flight under this handle.
        """
        message = self.by_receipt(receipt)
        if message is None or not message.in_flight(self.clock.time()):
            raise StaleReceiptError(f"No message of {self.name} is in flight under this receipt handle.")
        message.visible_at = self.clock.time() + seconds

    def by_receipt(self, receipt: str) -> Message | None:
        """Return the message whose most recent receive returned this handle, if any."""
        message = self.messages.get(receipt.partition("#")[0])
        return message if message is not None and message.receipt == receipt else None

    # --- retention and repeated delivery ----------------------------------------------------------------------------

    def expire(self) -> list[Message]:
        """Drop the messages that outlived the retention, and return them."""
        limit = self.clock.time() - self.retention_seconds
        gone = [message for message in self.messages.values() if message.sent_at < limit]
        for message in gone:
            self.expired.append(self.messages.pop(message.message_id))
        return gone

    def redeliver(self, message_id: str) -> None:
        """Make an in-flight message visible before its visibility timeout ends, as at-least-once delivery allows.

        Raises:
            KeyError: no such message is stored.
        """
        self.messages[message_id].visible_at = self.clock.time()

    def resurrect(self, message_id: str) -> None:
        """Make a deleted message visible again, as can happen if a server of SQS was unavailable during the delete.

        Raises:
            KeyError: no such message was deleted.
        """
        message = self.deleted.pop(message_id)
        message.visible_at = self.clock.time()
        self.messages[message_id] = message

    def resend(self, message: Message) -> Message:
        """Send the content again, as a redrive does: the new message has a new id, send time and receive count."""
        return self.send(message.body, message.attributes, group_id=message.group_id)

    # --- state ------------------------------------------------------------------------------------------------------

    def next_visible_at(self) -> float | None:
        """Return the earliest time at which a message is visible, or ``None`` if the queue is empty."""
        return min((message.visible_at for message in self.messages.values()), default=None)

    def counts(self) -> tuple[int, int, int]:
        """Return the numbers of visible, in-flight and delayed messages."""
        now = self.clock.time()
        visible = sum(message.visible_at <= now for message in self.messages.values())
        in_flight = sum(message.in_flight(now) for message in self.messages.values())
        return visible, in_flight, len(self.messages) - visible - in_flight
