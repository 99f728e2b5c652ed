"""Discards an order: marks the order first, then deletes its dead letters. If the command is killed, run it again."""

import shlex
from dataclasses import dataclass

from ops.errors import IncompleteError, RefusedError
from ops.gateway.journal import Run
from ops.gateway.orders import Orders
from ops.logic.case import Case, assess
from ops.logic.counts import counted
from ops.logic.dead_letter import DeadLetter, Received, State, content_of, read_letter
from ops.sweep import Sweep
from runtime.logic.clock import Clock, timestamp
from runtime.models.order import OPEN_STATUSES, OrderStatus, StoredOrder


@dataclass(frozen=True, slots=True)
class Found:
    """Dead letters that match an id, as they were received."""

    messages: tuple[Received, ...]
    cases: tuple[Case, ...]

    @property
    def order_ids(self) -> set[str]:
        """Ids of the orders that the dead letters are about."""
        return {case.letter.order_id for case in self.cases if case.letter.order_id}


def find(sweep: Sweep, orders: Orders, wanted: str) -> Found:
    """Search the queue for the dead letters whose order id, message id or original message id is `wanted`."""
    found = [
        message for batch in sweep.batches() for message in batch if _is_named(read_letter(message), message, wanted)
    ]
    letters = [read_letter(message) for message in found]
    facts = orders.facts(letter.order_id for letter in letters if letter.order_id)
    return Found(tuple(found), tuple(assess(letter, facts) for letter in letters))


def _is_named(letter: DeadLetter, message: Received, wanted: str) -> bool:
    return wanted in {letter.order_id, letter.original_id, message.message_id}


@dataclass(frozen=True, slots=True)
class Plan:
    """Plan of a discard.

    Attributes:
        order_id: The order to mark `DISCARDED`; `None` if none is to be marked.
        explanation: The plan in words.
    """

    order_id: str | None
    found: Found
    explanation: str


def plan(found: Found, wanted: str, order: StoredOrder | None) -> Plan:
    """Plan the discard of `wanted`. `order`, the stored order with that id, is only used if there is no dead letter.

    Raises:
        RefusedError: the order must not be discarded, or there is nothing to discard.
    """
    if not found.cases:
        return _without_letter(found, wanted, order)
    if len(found.order_ids) > 1:
        raise RefusedError(
            f"{wanted} names messages of several orders. Give the id of one order: {sorted(found.order_ids)}."
        )
    states = {case.state for case in found.cases}
    count = counted(len(found.messages), "message")
    order_id = next(iter(found.order_ids), None)
    if State.NOTIFICATION_MISSING in states:
        raise RefusedError(
            f"The order {order_id} is settled; only its notification is missing. "
            f"Nothing was changed. A redrive publishes the notification: "
            f"python -m ops dlq redrive --where order_id={order_id} "
            '--by "$NAME" --reason "$REASON" --yes'
        )
    after = {case.after_discard for case in found.cases if case.letter.order_id}
    if State.CORRUPT_ORDER in states or None in after:
        raise RefusedError(
            f"The stored row of order {order_id} is unreadable; nothing was changed. Repair the row first: "
            f"python -m ops order repair {order_id}"
        )
    if states <= {State.DISCARDED, State.LEFTOVER} or (after and OrderStatus.DISCARDED not in after):
        return Plan(None, found, f"the order {order_id} is final and stays as it is; {count} would be deleted")
    if order_id is None:
        return Plan(None, found, f"the message names no order; {count} would be deleted")
    return Plan(order_id, found, f"the order {order_id} would become DISCARDED for good; {count} would be deleted")


def _without_letter(found: Found, wanted: str, order: StoredOrder | None) -> Plan:
    if order is not None and order.status is OrderStatus.DISCARDED:
        return Plan(
            None, found, f"the order {wanted} is DISCARDED already, and none of its messages is left in the queue"
        )
    state = "there is no order with this id" if order is None else f"the order is {order.status}"
    raise RefusedError(
        f"No dead letter of {wanted} was found; {state}. Nothing was changed. Messages that another command is "
        "reading are hidden for up to five minutes; python -m ops status shows how many. If the order is open and its "
        f"message is lost: python -m ops orders resend {shlex.quote(wanted)}"
    )


def carry_out(planned: Plan, sweep: Sweep, orders: Orders, clock: Clock, run: Run) -> str:
    """Carry out the plan and record it in the journal (`run`). Return a sentence about the result.

    Raises:
        RefusedError: the order was settled meanwhile, and at least one of its messages is readable.
        RefusedError: the order's row is not a valid order, and has a status other than ACCEPTED and FAILED.
        IncompleteError: SQS did not delete every message.
    """
    messages = planned.found.messages
    if not messages:
        return planned.explanation
    done = "no order was marked"
    if planned.order_id is not None:
        content = next((content for message in messages if (content := content_of(message))), None)
        by, reason = run.decision.by, run.decision.reason
        order = orders.discard(planned.order_id, by=by, text=reason, at=timestamp(clock), content=content)
        # No redrive can help an unreadable message, so it is deleted even if the order was settled meanwhile.
        only_unreadable = {case.state for case in planned.found.cases} == {State.UNREADABLE}
        if order.status is not OrderStatus.DISCARDED and not only_unreadable:
            raise RefusedError(
                f"The order {planned.order_id} became {order.status} before it could be discarded. "
                "Its messages were not deleted. Look again: python -m ops dlq list"
            )
        done = f"the order {planned.order_id} is {order.status}"
        if order.status in OPEN_STATUSES:
            raise RefusedError(f"The order {planned.order_id} is still {order.status}. Its messages were not deleted.")
    run.record(planned.found.cases)
    deleted = sweep.delete([message.message_id for message in messages])
    if len(deleted) < len(messages):
        raise IncompleteError(
            f"{done}, but {len(messages) - len(deleted)} of the messages could not be deleted: run the command again."
        )
    return f"{done}; messages deleted: {len(deleted)}"
