"""Discards many dead letters in one pass. For each it marks the order, writes to the journal, and deletes the message.

If the run is killed, nothing is lost: run the command again. The next run also deletes the messages of orders that the
killed run has marked.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from ops.errors import RefusedError
from ops.gateway.journal import Run
from ops.gateway.orders import Orders
from ops.logic.case import Case, Facts, assess
from ops.logic.conditions import Conditions
from ops.logic.dead_letter import Received, State, content_of, read_letter
from ops.sweep import Sweep
from runtime.logic.clock import Clock, timestamp
from runtime.models.order import OrderStatus

NOT_DISCARDABLE: Final = frozenset({State.NOTIFICATION_MISSING, State.CORRUPT_ORDER})
"""A dead letter in one of these states must not be discarded. If only the order's event is missing,
a redrive publishes it. A corrupt row must first be repaired by a person."""
_NO_MARK_NEEDED: Final = frozenset({State.DISCARDED, State.LEFTOVER})
_SAMPLE: Final = 5


@dataclass(slots=True)
class DiscardCounts:
    """Counts of the pass: messages by outcome, and orders.

    Attributes:
        discarded: Dead letters that were discarded (in a dry run: would be discarded).
        orders: Orders that became DISCARDED (in a dry run: would become DISCARDED). One order can have many messages.
        unselected: Dead letters that the conditions do not select; left in the queue.
        refused: Dead letters that must not be discarded, by state; left in the queue.
        settled: Dead letters of orders that were settled while the command ran; left in the queue.
        failed: Dead letters whose discard was not finished because of an error or an interrupt.
            Their orders may already be DISCARDED, and some of the dead letters may be deleted.
        undeleted: Dead letters counted in `discarded` that could not be deleted from the queue. The next run does it.
        causes: Number of discarded dead letters by error.
        sample: The first discarded dead letters.
    """

    discarded: int = 0
    orders: int = 0
    unselected: int = 0
    refused: Counter[State] = field(default_factory=Counter)
    settled: int = 0
    failed: int = 0
    undeleted: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    sample: list[Case] = field(default_factory=list)

    @property
    def seen(self) -> int:
        """Return the number of messages that have an outcome. Each message has exactly one outcome."""
        return self.discarded + self.unselected + self.refused.total() + self.settled + self.failed

    def as_json(self) -> dict[str, Any]:
        """Return the counts as a JSON object."""
        return {
            "seen": self.seen,
            "discarded": self.discarded,
            "orders": self.orders,
            "unselected": self.unselected,
            "refused": {state.value: count for state, count in sorted(self.refused.items())},
            "settled": self.settled,
            "failed": self.failed,
            "undeleted": self.undeleted,
            "causes": dict(self.causes.most_common()),
        }


@dataclass
class DiscardMany:
    """One pass over the dead-letter queue.

    Attributes:
        run: The run as the journal records it, with who decided and why; `None` in a dry run, which only counts.
        progress: Called after each batch with the number of messages seen so far.
        tally: The counts so far, also after an error.
    """

    orders: Orders
    where: Conditions
    clock: Clock
    run: Run | None
    progress: Callable[[int], None] = lambda _: None
    tally: DiscardCounts = field(default_factory=DiscardCounts)
    _marked: dict[str, Facts] = field(default_factory=dict)

    def go(self, sweep: Sweep) -> DiscardCounts:
        """Go through the queue once. Raises boto3's errors; `tally` then has the counts so far."""
        for received in sweep.batches():
            before = self.tally.seen
            try:
                self._batch(sweep, received)
            finally:
                # The report must account for each message, also after an interrupt.
                self.tally.failed += len(received) - (self.tally.seen - before)
            self.progress(self.tally.seen)
        return self.tally

    def _batch(self, sweep: Sweep, received: list[Received]) -> None:
        letters = [read_letter(message) for message in received]
        facts = self.orders.facts(letter.order_id for letter in letters if letter.order_id)
        to_delete: list[Case] = []
        for message, letter in zip(received, letters, strict=True):
            # If this run has already marked the order DISCARDED for an earlier message, judge this
            # message by the row as it was before the mark. So a real run counts the same as a dry
            # run, which marks nothing.
            before = self._marked.get(letter.order_id or "", facts)
            case = assess(letter, before)
            if not self._is_selected(case):
                self.tally.unselected += 1
            elif case.state in NOT_DISCARDABLE:
                self.tally.refused[case.state] += 1
            elif self._may_be_deleted(message, case, before):
                to_delete.append(case)
        self._delete(sweep, to_delete)

    def _is_selected(self, case: Case) -> bool:
        # An interrupted run may have marked this order DISCARDED. The mark changed the order's state and removed its
        # error. So ignore the conditions on `state` and `error_type`.
        where = self.where.without_failure() if case.state is State.DISCARDED else self.where
        return where.matches(case, self.clock.time())

    def _may_be_deleted(self, message: Received, case: Case, facts: Facts) -> bool:
        order_id = case.letter.order_id
        if order_id is None or case.state in _NO_MARK_NEEDED or order_id in self._marked:
            return True
        status = case.after_discard if self.run is None else self._mark(self.run, message, order_id)
        if status is OrderStatus.DISCARDED:
            self._marked[order_id] = facts.only(order_id)
            self.tally.orders = len(self._marked)
        elif status is None:
            self.tally.refused[State.CORRUPT_ORDER] += 1
            return False
        elif case.state is not State.UNREADABLE:
            self.tally.settled += 1
            return False
        return True

    def _mark(self, run: Run, message: Received, order_id: str) -> OrderStatus | None:
        """Mark the order. Return its status; `None` if its row must be repaired first."""
        by, reason = run.decision.by, run.decision.reason
        at, content = timestamp(self.clock), content_of(message)
        try:
            return self.orders.discard(order_id, by=by, text=reason, at=at, content=content).status
        except RefusedError:
            return None

    def _delete(self, sweep: Sweep, cases: list[Case]) -> None:
        if self.run is not None and cases:
            self.run.record(cases)
            deleted = sweep.delete([case.letter.message_id for case in cases])
            self.tally.undeleted += len(cases) - len(deleted)
        self.tally.discarded += len(cases)
        self.tally.causes.update(case.error_type for case in cases)
        self.tally.sample += cases[: _SAMPLE - len(self.tally.sample)]
