"""Moves dead letters back to the orders queue: sends each, records it in the journal, then deletes it.

If the run is killed between send and deletion, the message is in both queues. The order is still processed once, and
no message is lost.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ops.gateway.journal import Run
from ops.gateway.orders import Orders
from ops.gateway.queues import OrdersQueue
from ops.logic.case import Case, assess
from ops.logic.conditions import Conditions
from ops.logic.dead_letter import NOT_REDRIVABLE, Received, State, read_letter
from ops.logic.resend import batches
from ops.rate_limit import RateLimit
from ops.sweep import Sweep
from runtime.logic.clock import Clock

CLOCK_SKEW_SECONDS: Final = 300
"""AWS refuses requests if this machine's clock differs from AWS's by more than this number of seconds.

A message's send time comes from AWS's clock, but the run's start comes from this machine's clock. If a message was sent
more than this number of seconds before the run's start, this run did not send it.
"""


@dataclass(slots=True)
class RedriveCounts:
    """Numbers of messages of one pass, by outcome. `seen` is the sum of all numbers except `undeleted`.

    Attributes:
        redriven: Sent to the orders queue (in a dry run: would be sent).
        copies: Copies of a redriven message. A real run deletes them and does not send them.
        returned: Recent copies of a redriven message, left in the dead-letter queue. Each may be a
            message that this run sent and that failed again.
        unselected: Not selected by the conditions; left in the dead-letter queue.
        refused: Selected, but their state is in `NOT_REDRIVABLE`; counted by state, left in the dead-letter queue.
        failed: Messages that SQS did not confirm as sent, and their copies; left in the dead-letter queue.
        undeleted: Sent messages and copies that could not be deleted from the dead-letter queue. The next
            run sends them again.
    """

    redriven: int = 0
    copies: int = 0
    returned: int = 0
    unselected: int = 0
    refused: Counter[State] = field(default_factory=Counter)
    failed: int = 0
    undeleted: int = 0

    @property
    def seen(self) -> int:
        """Return the number of messages that have an outcome."""
        return self.redriven + self.copies + self.returned + self.unselected + self.refused.total() + self.failed

    def as_json(self) -> dict[str, Any]:
        """Return the counts as a JSON object."""
        refused: Mapping[str, int] = {state.value: count for state, count in sorted(self.refused.items())}
        return {
            "seen": self.seen,
            "redriven": self.redriven,
            "copies": self.copies,
            "returned": self.returned,
            "unselected": self.unselected,
            "refused": refused,
            "failed": self.failed,
            "undeleted": self.undeleted,
        }


@dataclass
class Redrive:
    """One pass that redrives dead letters.

    Attributes:
        run: The journal's run; `None` in a dry run, which only counts.
        progress: Called after each batch with the number of messages seen so far.
        tally: The counts so far, also after an error.
    """

    orders: Orders
    queue: OrdersQueue
    where: Conditions
    pace: RateLimit
    clock: Clock
    run: Run | None
    progress: Callable[[int], None] = lambda _: None
    tally: RedriveCounts = field(default_factory=RedriveCounts)
    _sent: set[bytes] = field(default_factory=set)
    _began: float = 0.0

    def go(self, sweep: Sweep) -> RedriveCounts:
        """Go through the queue once. Raises boto3's errors; `tally` then has the counts so far."""
        self._began = self.clock.time()
        for received in sweep.batches():
            self._batch(sweep, received)
            self.progress(self.tally.seen)
        return self.tally

    def _batch(self, sweep: Sweep, received: list[Received]) -> None:
        letters = [read_letter(message) for message in received]
        try:
            facts = self.orders.facts(letter.order_id for letter in letters if letter.order_id)
        except BaseException:
            self.tally.failed += len(received)
            raise
        chosen: list[tuple[Received, Case]] = []
        for message, letter in zip(received, letters, strict=True):
            case = assess(letter, facts)
            if not self.where.matches(case, self.clock.time()):
                self.tally.unselected += 1
            elif case.state in NOT_REDRIVABLE:
                self.tally.refused[case.state] += 1
            else:
                chosen.append((message, case))
        self._move(sweep, chosen)

    def _move(self, sweep: Sweep, chosen: list[tuple[Received, Case]]) -> None:
        firsts: dict[bytes, tuple[Received, Case]] = {}
        copies: list[tuple[Received, bytes]] = []
        for message, case in chosen:
            key = case.letter.copy_key
            if key in firsts or (key in self._sent and message.sent_at < self._began - CLOCK_SKEW_SECONDS):
                copies.append((message, key))
            elif key in self._sent:
                # Perhaps this run sent this message, and it failed again. It may be the only copy, so keep it.
                self.tally.returned += 1
            else:
                firsts[key] = message, case
        self._send(
            {message.message_id: case for message, case in firsts.values()},
            [each[0] for each in firsts.values()],
            sweep,
        )
        # Delete only copies of messages that were certainly sent.
        done = [message.message_id for message, key in copies if key in self._sent]
        self.tally.copies += len(done)
        self.tally.failed += len(copies) - len(done)
        self._delete(sweep, done)

    def _send(self, cases: Mapping[str, Case], messages: list[Received], sweep: Sweep) -> None:
        waiting = len(messages)
        try:
            for batch in batches(messages):
                ids = [message.message_id for message in batch]
                sent = self._sent_of(batch)
                self._sent |= {cases[message_id].letter.copy_key for message_id in sent}
                self.tally.redriven += len(sent)
                self.tally.failed += len(ids) - len(sent)
                waiting -= len(ids)
                self._delete(sweep, sorted(sent), [cases[message_id] for message_id in sorted(sent)])
        except BaseException:
            # After an interrupt, too, the report must account for each message.
            self.tally.failed += waiting
            raise

    def _sent_of(self, batch: list[Received]) -> set[str]:
        if self.run is None:
            return {message.message_id for message in batch}
        self.pace.wait(len(batch))
        return self.queue.send(batch)

    def _delete(self, sweep: Sweep, message_ids: list[str], cases: Sequence[Case] = ()) -> None:
        if self.run is None:
            return
        deleted: set[str] = set()
        try:
            self.run.record(cases)
            deleted = sweep.delete(message_ids)
        finally:
            self.tally.undeleted += len(message_ids) - len(deleted)
