"""Evidence of an audit: counts and ids. The orders themselves are not kept."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from ops.gateway.stock import Count
from ops.logic.case import Case
from runtime.models.fields import from_timestamp
from runtime.models.order import StoredOrder

# A stock row's reference point is a count of the stock and the time of this count (`Count.counted_at`).
# DynamoDB's clock gives this time, in whole seconds. The worker takes `settled_at` from its own clock,
# then sends the transaction. The SDK may repeat the transaction for about 15 s (3 attempts of 4 s, and
# pauses). So if `settled_at` is at most 20 s before or at most 5 s after the count, the two times do not
# show which came first: the transaction or the count.
_BEFORE_SECONDS: Final = 20
_AFTER_SECONDS: Final = 5


STOCK, ORDERS, AGAIN = "stock table", "orders table", "second look at orders in doubt"
WORKER_RECORDS, API_RECORDS, SETTINGS = "worker's records", "API's records", "the worker's settings"
DEAD_LETTERS, QUEUE, LOGS = "dead-letter queue", "orders queue", "functions' logs"
"""Names of the sources that an audit reads."""


class Doubt(StrEnum):
    """State of an order that breaks a guarantee, unless the order's message is still in a queue."""

    OPEN = "open"
    UNPUBLISHED = "settled, but no record shows that its event was published"
    UNSTORED = "answered 202, but not stored"


@dataclass(frozen=True, slots=True)
class Receive:
    """One receive of one message, as the worker logged it.

    Attributes:
        outcome: processed, failed, deferred or dead-lettered.
        replayed: Whether the order was already processed, so that this receive had no effect.
    """

    message_id: str
    order_id: str | None
    attempt: int
    outcome: str
    replayed: bool


@dataclass(slots=True)
class Taken:
    """Units of an article that confirmed orders took since the article's reference point.

    Attributes:
        sure: Units of orders that were certainly settled after the reference point. Units are also
            counted here if the article has no reference point or the order has no settling time.
        near: Units of orders that were settled so close to the reference point that the sequence is unknown.
    """

    sure: int = 0
    near: int = 0


@dataclass
class Evidence:
    """Data read from the stack.

    Attributes:
        cut_off: Time in epoch seconds. If an order was accepted later, its message is not checked. If an order was
            settled later, its event is not checked.
        statuses: Number of orders by status.
        problems: Violations that a single row or record proves. The key is the guarantee, such as `G1`.
        doubts: The `Doubt` about an order, by order id.
        before, after: The stock table, read before and after the orders.
        taken: Units in confirmed orders, by article.
        published: Number of orders whose record shows that the event was published.
        late: Number of orders that were settled after the cut-off.
        forgotten: Number of settled orders whose completed record is missing, perhaps because the record has expired.
        answers: Order id in each of the API's records, by the record's id.
        cases: Dead letters. All copies of a message are one case.
        waiting: Number of messages in the orders queue.
        firsts: Number of 202 answers in the API's log that are not replays, by order id.
        unread: Sources that could not be read, each with the reason.
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
        """Return whether a `Timestamp` is at or before the cut-off. `None` counts as before."""
        return moment is None or from_timestamp(moment).timestamp() <= self.cut_off

    def count_units(self, order: StoredOrder) -> None:
        """Add a confirmed order's units to `taken`, except for articles whose stock was counted afterwards."""
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
    """Return the receive that a line of the worker's log reports; `None` for any other line."""
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
