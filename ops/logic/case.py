"""Dead letters together with the state of their orders."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ops.logic.dead_letter import MEANING, DeadLetter, State, classify, summarise
from ops.logic.stored import UnreadableOrder
from runtime.logic.failures import CorruptDataError
from runtime.models.order import OPEN_STATUSES, OrderStatus, StoredOrder

NOT_PUBLISHED: Final = "NOT_PUBLISHED"
NO_REPORT: Final = "NO_REPORT"
"""Values of `Case.error_type` if neither the message nor the stored order names an error. (If the
stored row is unreadable, the value is `CorruptDataError` instead.)"""


@dataclass(frozen=True, slots=True)
class Facts:
    """Stored rows about some orders.

    Attributes:
        orders: The stored orders by id.
        corrupt: Rows that are not valid orders, by id.
        finished: Ids of the orders that are settled and whose event is published.
    """

    orders: Mapping[str, StoredOrder] = field(default_factory=dict)
    corrupt: Mapping[str, UnreadableOrder] = field(default_factory=dict)
    finished: Collection[str] = frozenset()

    def only(self, order_id: str) -> "Facts":
        """Return what is known about one order.

        To save memory, the returned order has its first line again in place of each other line.
        """
        orders, corrupt = {}, {}
        if order := self.orders.get(order_id):
            orders[order_id] = order.model_copy(update={"lines": order.lines[:1] * len(order.lines)})
        if row := self.corrupt.get(order_id):
            corrupt[order_id] = row
        return Facts(orders, corrupt, {order_id} & {*self.finished})

    def after_discard(self, order_id: str) -> OrderStatus | None:
        """Return the status that an order has after `Orders.discard`; `None` if `discard` would refuse its row.

        `discard` sets DISCARDED if the order is open or has no stored status, even if other attributes of its row are
        unreadable. It refuses any other unreadable row.
        """
        order, unreadable = self.orders.get(order_id), self.corrupt.get(order_id)
        if order is not None and order.status not in OPEN_STATUSES:
            return order.status
        if unreadable is not None and "status" in unreadable.item and unreadable.status not in OPEN_STATUSES:
            return None
        return OrderStatus.DISCARDED


@dataclass(frozen=True, slots=True)
class Case:
    """A dead letter, and the state of its order.

    Attributes:
        error_type, error: Those of `letter`. If it has none, the error in the stored order. If this order has none
            either, an error that follows from the state.
        attempts: The attempt number on the message. If the message has none, the number in the stored order's error.
        copies: Ids of further messages that are copies of this one.
        foreign: Whether the message names another caller than the stored order.
        after_discard: The status that the order has after `Orders.discard`; `None` if the message names no order, or if
            this method would refuse the order's row.
    """

    letter: DeadLetter
    state: State
    error_type: str
    error: str
    attempts: int | None
    summary: str
    copies: tuple[str, ...] = ()
    foreign: bool = False
    after_discard: OrderStatus | None = None

    def as_json(self, now: float) -> dict[str, Any]:
        """Return the case as a JSON object; times are in seconds."""
        letter = self.letter
        return {
            "order_id": letter.order_id,
            "message_id": letter.message_id,
            "original_message_id": letter.original_id,
            "copies": list(self.copies),
            "state": self.state.value,
            "meaning": MEANING[self.state],
            "error_type": self.error_type,
            "error": self.error,
            "attempts": self.attempts,
            "age_seconds": round(now - letter.sent_at),
            "summary": self.summary,
        }


def assess(letter: DeadLetter, facts: Facts) -> Case:
    """Judge a dead letter by the stored state of its order."""
    order_id = letter.order_id or ""
    order = facts.orders.get(order_id)
    state = classify(letter, order, corrupt=order_id in facts.corrupt, finished=order_id in facts.finished)
    stored: Mapping[str, Any] = (order.error if order is not None else None) or {}
    attempts = letter.attempts if letter.attempts is not None else stored.get("attempt")
    error_type, error = _cause(letter, stored, state, facts.corrupt.get(order_id))
    return Case(
        letter=letter,
        state=state,
        error_type=error_type,
        error=error,
        attempts=attempts if isinstance(attempts, int) else None,
        summary=letter.summary or (summarise(order) if order is not None else ""),
        foreign=order is not None and None not in {letter.caller, order.caller} and letter.caller != order.caller,
        after_discard=facts.after_discard(order_id) if order_id else None,
    )


def _cause(
    letter: DeadLetter, stored: Mapping[str, Any], state: State, corrupt: UnreadableOrder | None
) -> tuple[str, str]:
    """Return the error's type and text: from the dead letter, the stored order, or else the state.

    Dead letters and stored orders have the same names for types of errors.
    """
    if letter.error_type:
        return letter.error_type, letter.error or ""
    if stored.get("error_type"):
        return str(stored["error_type"]), str(stored.get("error") or "")
    if corrupt is not None:
        return CorruptDataError.__name__, letter.error or str(corrupt)
    if state is State.NOTIFICATION_MISSING:
        return NOT_PUBLISHED, letter.error or "settled, but no attempt could publish its event"
    return NO_REPORT, letter.error or "no attempt reported an error; a kill, a timeout or throttling prevents a report"


def merge(cases: Iterable[Case]) -> list[Case]:
    """Merge all copies of a message into the oldest case. Return the oldest cases first, because they expire first."""
    merged: dict[bytes, Case] = {}
    for case in sorted(cases, key=lambda case: case.letter.sent_at):
        first = merged.setdefault(case.letter.copy_key, case)
        if first is not case:
            merged[case.letter.copy_key] = replace(first, copies=(*first.copies, case.letter.message_id))
    return list(merged.values())
