"""A FIFO queue: fixed sequence in a group, one batch of a group in flight at a time, deduplication for five minutes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.simulation.queue_model.message import Attributes, InvalidMessageError, Message
from lab.simulation.queue_model.queue import Queue, StaleReceiptError

DEDUPLICATION_SECONDS = 300


@dataclass(slots=True)
class FifoQueue(Queue):
    """A FIFO queue; its name ends in ``.fifo``.

    Attributes:
        content_based_deduplication: Whether a digest of the body replaces a missing deduplication id.
        recent: The last stored message of each deduplication id, with its send time. Deleted messages stay here.
    """

    content_based_deduplication: bool = False
    recent: dict[str, tuple[float, Message]] = field(default_factory=dict)
    _sequence: int = 0

    def __post_init__(self) -> None:
        if not self.name.endswith(".fifo"):
            raise ValueError(f"The name of a FIFO queue ends in .fifo, given: {self.name!r}.")

    def send_to_group(
        self, body: str, group_id: str | None, deduplication_id: str | None = None, attributes: Attributes | None = None
    ) -> Message:
        """Store a message. If one with its deduplication id was stored in the last five minutes, store nothing.

        Returns:
            The stored message, or the earlier one with the same deduplication id.

        Raises:
            InvalidMessageError: SQS would refuse the message, for example without a deduplication id.
        """
        if group_id is None:
            raise InvalidMessageError("The request must contain the parameter MessageGroupId.")
        key = self._deduplication_id(body, deduplication_id)
        now = self.clock.time()
        known = self.recent.get(key)
        if known is not None and now - known[0] < DEDUPLICATION_SECONDS:
            return known[1]
        message = self.store(body, attributes or {}, group_id)
        self._sequence += 1
        message.deduplication_id = key
        message.sequence_number = f"{self._sequence:020d}"
        self.recent[key] = (now, message)
        return message

    def _deduplication_id(self, body: str, given: str | None) -> str:
        if given is not None:
            return given
        if not self.content_based_deduplication:
            raise InvalidMessageError(
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
                "explicitly"
            )
        return hashlib.sha256(body.encode()).hexdigest()

    def candidates(self) -> Iterable[Message]:
        """Yield the visible messages in sequence. A hidden message blocks all later messages of its group."""
        now = self.clock.time()
        blocked: set[str | None] = set()
        for message in list(self.messages.values()):
            if message.group_id in blocked:
                continue
            if message.visible_at > now:
                blocked.add(message.group_id)
                continue
            yield message

    def store_moved(self, message: Message) -> None:
        """Store a message that another queue moved here. A FIFO queue sets a new send time; a standard queue does
        not."""
        message.sent_at = self.clock.time()
        Queue.store_moved(self, message)

    def delete(self, receipt: str) -> None:
        """Delete a message by its handle.

        Raises:
            StaleReceiptError: no message is in flight under this handle, for example because its visibility timeout has
                passed.
        """
        message = self.by_receipt(receipt)
        if message is None or not message.in_flight(self.clock.time()):
            raise StaleReceiptError(f"The receipt handle has expired, queue {self.name}.")
        Queue.delete(self, receipt)

    def next_visible_at(self) -> float | None:
        """Return the earliest time at which a group's first message is visible, or ``None`` if the queue is empty.

        A group's later messages wait for its first.
        """
        first: dict[str | None, float] = {}
        for message in self.messages.values():
            first.setdefault(message.group_id, message.visible_at)
        return min(first.values(), default=None)

    def resend(self, message: Message) -> Message:
        """Send the content again, with a new deduplication id. With the old id, SQS would store nothing if the message
        was sent in the last five minutes.

        Raises:
            InvalidMessageError: the message has no group.
        """
        return self.send_to_group(message.body, message.group_id, self.entropy.uuid(), message.attributes)
