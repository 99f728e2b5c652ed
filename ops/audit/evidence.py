"""Evidence of an audit: small, however many orders there are."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from ops.gateway.stock import Count
from ops.logic.case import Case
from runtime.models.fields import from_timestamp
from runtime.models.order import StoredOrder

# Around a stock row's reference point an order's unit may be on either side: `settled_at` is from before the first of
# several tries of its transaction, and DynamoDB tells its time in whole seconds.
_BEFORE_SECONDS: Final = 20
_AFTER_SECONDS: Final = 5


STOCK, ORDERS, AGAIN = "stock table", "orders table", "orders again"
WORKER_RECORDS, API_RECORDS, SETTINGS = "worker's records", "API's records", "the worker's settings"
DEAD_LETTERS, QUEUE, LOGS = "dead-letter queue", "orders queue", "functions' logs"
"""Names of what is read."""


class Doubt(StrEnum):
    """Reason why an order should have a message left."""

    OPEN = "open"
    UNPUBLISHED = "settled, but no record says that its event was published"
    UNSTORED = "answered 202, but not stored"


@dataclass(frozen=True, slots=True)
class Receive:
    """One receive of one message, as the worker's log has it.

    Attributes:
        outcome: processed, failed, deferred or dead-lettered.
        replayed: The order was done before: this receive had no effect.
    """

    message_id: str
    order_id: str | None
    attempt: int
    outcome: str
    replayed: bool


@dataclass(slots=True)
class Taken:
    """Units of an article in confirmed orders, since its reference point.

    Attributes:
        sure: Certainly since then.
        near: About that time, so perhaps.
    """

    sure: int = 0
    near: int = 0


@dataclass
class Evidence:
    """Data read from the stack.

    Attributes:
        cut_off: Orders that were accepted or settled later (epoch seconds) are counted, and not judged.
        statuses: Orders by status.
        problems: What is wrong by itself, by guarantee.
        doubts: Orders that should have a message left, by id.
        before, after: The stock table before and after the orders were read.
        taken: Units by article.
        published: Orders whose record says so.
        late: Orders that were settled after the cut-off.
        forgotten: Orders whose record has passed its life.
        answers: Orders by key, as the API's records have them: id of the record to order id.
        cases: Dead letters, copies merged.
        waiting: Messages in the orders queue.
        firsts: Answers 202 that were no replays, by order, from the API's log.
        unread: What could not be read, and why.
    """

    cut_off: float
    statuses: Counter[str] = field(default_factory=Counter)
    problems: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    doubts: dict[str, Doubt] = field(default_factory=dict)
    before: dict[str, Count] = field(default_factory=dict)
    after: dict[str, Count] = field(default_factory=dict)
    taken: defaultdict[str, Taken] = field(default_factory=lambda: defaultdict(Taken))
    published: int = 0
    late: int = 0
    forgotten: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    cases: Sequence[Case] = ()
    waiting: int = 0
    max_receives: int | None = None
    receives: Sequence[Receive] = ()
    firsts: Counter[str] = field(default_factory=Counter)
    replays: int = 0
    unread: dict[str, str] = field(default_factory=dict)

    def settled_before(self, moment: str | None) -> bool:
        """Return whether a `Timestamp` is before the cut-off; what is not known is."""
        return moment is None or from_timestamp(moment).timestamp() <= self.cut_off

    def take(self, order: StoredOrder) -> None:
        """Count the units of a confirmed order."""
        settled = None if order.settled_at is None else from_timestamp(order.settled_at).timestamp()
        for line in order.lines:
            count = self.before.get(line.sku)
            since = None if count is None or count.counted_at is None else from_timestamp(count.counted_at).timestamp()
            taken = self.taken[line.sku]
            if since is None or settled is None or settled > since + _AFTER_SECONDS:
                taken.sure += line.quantity
            elif settled >= since - _BEFORE_SECONDS:
                taken.near += line.quantity


def receive_of(line: dict[str, Any]) -> Receive | None:
    """A receive in a line of the worker's log, if it is about one."""
    outcome = _OUTCOMES.get(str(line.get("message")))
    attempt, message_id = line.get("attempt"), line.get("message_id")
    if outcome is None or not isinstance(attempt, int) or not isinstance(message_id, str):
        return None
    return Receive(message_id, line.get("order_id"), attempt, outcome, bool(line.get("replayed")))


_OUTCOMES: Final = {
    "order processed": "processed",
    "attempt failed": "failed",
    "attempt deferred": "deferred",
    "message dead-lettered": "dead-lettered",
}
OUTCOME_WORDS: Final = tuple(_OUTCOMES)
