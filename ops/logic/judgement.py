"""Judgement of an order in one sentence, and the commands to type next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ops.logic.log_lines import LogLine
from ops.logic.stored import COMPLETED, UNREADABLE, UnreadableOrder
from ops.logic.trace import PUBLISHED
from runtime.logic.event import EVENT_TYPES
from runtime.models.order import OrderStatus, StoredOrder

_WORKER: Final = "process-order"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The sentence, and the commands to type next."""

    text: str
    commands: tuple[str, ...] = ()


def judge(
    order_id: str,
    row: StoredOrder | UnreadableOrder | None,
    record: str | None,
    lines: Sequence[LogLine],
    unread: Sequence[str] = (),
) -> Judgement:
    """Judge an order by its row, the worker's record, and the log lines since it was accepted.

    The lines include those about deaths of the worker. `unread` names the sources that could not be read. If `unread`
    is not empty and the row is missing, the state is not known.
    """
    if row is None and unread:
        return Judgement(f"not known, because these could not be read: {', '.join(unread)}", ("python -m ops status",))
    if isinstance(row, UnreadableOrder):
        return Judgement("its row is unreadable", (row.repair_command,))
    if record == UNREADABLE:
        text = "the worker's record of the order is unreadable: every attempt fails until the record expires"
        return Judgement(text, (f"python -m ops order repair {order_id}",))
    if row is None:
        return Judgement(
            "not stored: neither the API nor the worker has written it; its message may wait in a queue",
            (f"python -m ops dlq show {order_id}",),
        )
    if row.status in EVENT_TYPES:
        return _judge_settled(row, record, lines)
    if row.status is OrderStatus.DISCARDED:
        return Judgement("discarded by a person; this is final")
    return _judge_open(row, lines)


def _judge_settled(order: StoredOrder, record: str | None, lines: Sequence[LogLine]) -> Judgement:
    if record == COMPLETED or any(line.step.what == PUBLISHED for line in lines):
        return Judgement("done: settled, and its event is published")
    commands = f"python -m ops dlq show {order.order_id}", f"python -m ops order replay-events {order.order_id}"
    return Judgement("settled, but it is not certain that its event was published", commands)


def _judge_open(order: StoredOrder, lines: Sequence[LogLine]) -> Judgement:
    of_worker = [line for line in lines if line.step.where == _WORKER]
    attempts = [line for line in of_worker if line.order_id == order.order_id and line.cause]
    deaths = [line for line in of_worker if line.died and line.step.at >= (order.accepted_at or "")]
    look = f"python -m ops dlq show {order.order_id}"
    if deaths and (not attempts or attempts[-1].step.at <= deaths[-1].step.at):
        times = f"{len(deaths)} times" if len(deaths) > 1 else "once"
        return Judgement(
            f"open, and the worker died {times} since the order was accepted, last at {deaths[-1].step.at} "
            f"({deaths[-1].cause}). Each death may use up one of the attempts",
            (f"python -m ops logs --function {_WORKER} --error", "python -m ops status", look),
        )
    if order.status is OrderStatus.FAILED:
        cause = (order.error or {}).get("error_type") or (attempts[-1].cause if attempts else None)
        return Judgement(
            f"not processed{f' ({cause})' if cause else ''}: its message is a dead letter, or will soon be one", (look,)
        )
    if attempts:
        return Judgement(
            f"open: the latest attempt failed with {attempts[-1].cause}; SQS delivers the order again", (look,)
        )
    return Judgement(
        "open: no attempt has logged an error. The order waits in the queue, or the worker does not run",
        ("python -m ops status", look),
    )
