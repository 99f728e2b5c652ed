"""One pass over the dead-letter queue. It yields no message twice, and makes undeleted messages visible at the end."""

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final, Self

from botocore.exceptions import BotoCoreError, ClientError

from ops.gateway.queues import DeadLetterQueue
from ops.logic.dead_letter import Received

HIDE_SECONDS: Final = 300
"""Visibility timeout of a received message. The message also stays hidden this long if this process is killed."""
MOST_HELD: Final = 100_000
"""SQS allows 120,000 hidden messages per queue. Each needs about 500 bytes of memory here."""
_WAIT_SECONDS: Final = 1
# One empty answer should be enough, because a long poll asks all servers of SQS. As a precaution, the pass waits for
# two empty answers in a row.
_EMPTY_ANSWERS: Final = 2
_STALE_ANSWERS: Final = 3
_MOST_TRIES: Final = 3


class Sweep:
    """Context manager. On exit, every message that was not deleted becomes visible again.

    Attributes:
        seen: How many messages were received.
        cut_short: Whether the pass ended because it held `most_held` messages. The queue may have more.
    """

    def __init__(
        self, queue: DeadLetterQueue, most_held: int = MOST_HELD, report: Callable[[str], None] = lambda _: None
    ) -> None:
        self._queue = queue
        self._most_held = most_held
        self._report = report
        self._held: dict[str, str] = {}
        self._known: set[str] = set()
        self.cut_short = False

    @property
    def seen(self) -> int:
        """Return how many messages were received so far."""
        return len(self._known)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.release()
        except (BotoCoreError, ClientError):
            # If the `with` block failed, raise its error, not this one. The messages become visible in any case, after
            # `HIDE_SECONDS`.
            if error is None:
                raise

    def batches(self) -> Iterator[list[Received]]:
        """Yield new messages, up to ten at a time, until SQS returns no new ones or the pass is cut short."""
        empty = stale = 0
        while empty < _EMPTY_ANSWERS and stale < _STALE_ANSWERS:
            if len(self._held) >= self._most_held:
                self.cut_short = True
                return
            batch = self._queue.receive(HIDE_SECONDS, _WAIT_SECONDS)
            fresh = [message for message in batch if message.message_id not in self._known]
            # In a long pass, a message may be received again. Only its latest receipt can release or delete it.
            self._held |= {message.message_id: message.receipt for message in batch}
            self._known |= {message.message_id for message in fresh}
            empty = 0 if batch else empty + 1
            stale = stale + 1 if batch and not fresh else 0
            if fresh:
                yield fresh

    def delete(self, message_ids: list[str]) -> set[str]:
        """Delete messages of this pass. Return the ids of the deleted ones."""
        receipts = {message_id: self._held[message_id] for message_id in message_ids}
        deleted = self._queue.delete(receipts) if receipts else set()
        for message_id in deleted:
            del self._held[message_id]
        return deleted

    def release(self) -> None:
        """Make the undeleted messages visible. Report how many of them SQS did not make visible."""
        held, self._held = self._held, {}
        for _ in range(_MOST_TRIES):
            hidden = self._queue.release(held) if held else set()
            held = {message_id: receipt for message_id, receipt in held.items() if message_id in hidden}
        if held:
            self._report(f"messages that SQS did not release: {len(held)}. They become visible within 5 minutes.")
