"""`dlq list` lists dead letters with their orders. `dlq show` shows one in detail."""

import argparse
import shlex
from collections import Counter
from collections.abc import Callable
from typing import Any

from ops.cli.common import DECISION, add_command, progress, short
from ops.cli.context import Context
from ops.discard import find
from ops.errors import ExitCode, RefusedError
from ops.gateway.queues import depth_of
from ops.logic.case import Case, assess, merge
from ops.logic.conditions import KEYS, Conditions
from ops.logic.counts import counted
from ops.logic.dead_letter import MEANING, NOT_REDRIVABLE, Received, State, read_letter
from ops.logic.durations import show_duration
from ops.logic.stored import UnreadableOrder
from ops.sweep import Sweep
from runtime.models.order import StoredOrder


def register(actions: Any) -> None:
    """Add the commands."""
    listing = add_command(
        actions,
        "list",
        run_list,
        "show dead letters with their orders, the oldest first; copies of one message share a line",
        "python -m ops dlq list --where error_type=ContentionError",
        "look at one order of each error: `dlq show ID`. Repair the cause, then `dlq redrive` (with the same --where).",
    )
    add_where(listing)
    listing.add_argument("--limit", type=int, default=50, metavar="N", help="lines to show (default: 50; 0: all)")
    show = add_command(
        actions,
        "show",
        run_show,
        "show one dead letter and its order in detail, but no personal data",
        "python -m ops dlq show 1bfa2889-307d-56d4-8339-4dc839c7313d",
        "when the cause is repaired: `dlq redrive --where order_id=ID`. If the order can never\n"
        "  succeed: `dlq discard ID`. For its history: `order trace ID`.",
    )
    show.add_argument("id", help="an order id or a message id")


def add_where(parser: argparse.ArgumentParser) -> None:
    """Add the option that selects dead letters."""
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=f"select by {', '.join(KEYS)}; repeatable: every given key must match. If you give a key several times, "
        "one of its values must match (for an age, only the last value counts)",
    )


def run_list(options: argparse.Namespace, context: Context) -> int:
    """Print the dead letters, the oldest first."""
    where = Conditions.parse(options.where)
    with context.sweep() as sweep, progress(context, "reading") as show:
        cases = cases_of(context, sweep, show)
    now = context.clock.time()
    merged = [case for case in merge(cases) if where.matches(case, now)]
    hidden = depth_of(context.clients.sqs, context.target.dead_letter_queue_url).hidden
    if context.as_json:
        context.print_json([case.as_json(now) for case in merged])
    elif merged:
        shown = merged[: options.limit] if options.limit > 0 else merged
        _show(context, shown, now)
        if len(shown) < len(merged):
            context.say(f"{len(merged) - len(shown)} more: --limit 0 shows all.")
        show_causes(context, Counter(case.error_type for case in merged))
    _conclude(context, merged, sweep.seen, hidden, cut_short=sweep.cut_short)
    return ExitCode.OK


def show_causes(context: Context, causes: Counter[str]) -> None:
    """Show the number of dead letters by error, the most frequent first."""
    context.heading("causes")
    shown = [(error_type, str(count)) for error_type, count in causes.most_common(10)]
    context.out.rows(("error", "dead letters"), shown, {"dead letters"})
    if len(causes) > len(shown):
        context.say(f"{counted(len(causes) - len(shown), 'more cause')}: --json shows all.")


def cases_of(context: Context, sweep: Sweep, show: Callable[[int], None]) -> list[Case]:
    """Read every dead letter of `sweep`, and the state of the letter's order. `show` gets the number read so far."""
    cases: list[Case] = []
    for batch in sweep.batches():
        letters = [read_letter(message) for message in batch]
        facts = context.orders.facts(letter.order_id for letter in letters if letter.order_id)
        cases += [assess(letter, facts) for letter in letters]
        show(sweep.seen)
    return cases


def _conclude(context: Context, merged: list[Case], seen: int, hidden: int, *, cut_short: bool) -> None:
    context.say(f"dead letters that match: {len(merged)}, of {counted(seen, 'message')} read")
    if cut_short:
        context.say("There may be more messages than one pass can read. Redrive or discard some, then list again.")
    if hidden:
        context.say(
            f"Hidden messages: about {hidden}. Another command is reading them, or was killed in the last 5 minutes."
        )
    if merged:
        context.next(f"python -m ops dlq show {merged[0].letter.order_id or merged[0].letter.message_id}")
    if any(case.state not in NOT_REDRIVABLE for case in merged):
        context.next(f"python -m ops dlq redrive {DECISION}")


def _show(context: Context, cases: list[Case], now: float) -> None:
    columns = ("order (or message)", "what", "error", "attempts", "age", "state")
    rows = []
    for case in cases:
        copies = f" (+{counted(len(case.copies), 'copy')})" if case.copies else ""
        rows.append(
            (
                case.letter.order_id or f"message {case.letter.message_id}",
                case.summary or "-",
                f"{case.error_type}: {case.error[:120]}" if case.error else case.error_type,
                "-" if case.attempts is None else str(case.attempts),
                show_duration(now - case.letter.sent_at),
                f"{MEANING[case.state]}{copies}",
            )
        )
    context.out.rows(columns, rows, whole={"order (or message)", "attempts", "age"})


def run_show(options: argparse.Namespace, context: Context) -> int:
    """Print one dead letter with its copies and its order."""
    with context.sweep() as sweep:
        found = find(sweep, context.orders, options.id)
    if not found.cases:
        raise RefusedError(
            f"No dead letter of {options.id} was found among {counted(sweep.seen, 'message')}. "
            f"If this is an order's id: python -m ops order trace {shlex.quote(options.id)}"
        )
    now = context.clock.time()
    order_id = found.cases[0].letter.order_id
    row = context.orders.read(order_id) if order_id else None
    messages = [
        case.as_json(now) | _message(received) for case, received in zip(found.cases, found.messages, strict=True)
    ]
    stored = None if row is None else row_view(context, row)
    if context.as_json:
        context.print_json({"messages": messages, "order": stored})
    else:
        for message in messages:
            context.heading("dead letter")
            context.out.fields(message)
        if stored is not None:
            context.heading("order")
            context.out.fields(stored)
    context.next(*next_commands(found.cases[0]))
    return ExitCode.OK


def next_commands(case: Case) -> list[str]:
    """Return the commands for a dead letter, the most likely first. Commands that would be refused are left out."""
    letter = case.letter
    redrive = f"python -m ops dlq redrive --where message_id={letter.message_id} {DECISION}"
    discard = f"python -m ops dlq discard {letter.order_id or letter.message_id} {DECISION}"
    match case.state:
        case State.UNREADABLE | State.DISCARDED:
            return [discard]
        case State.NOTIFICATION_MISSING:
            return [redrive]
        case State.CORRUPT_ORDER:
            return [f"python -m ops order repair {letter.order_id}", redrive]
        case _:
            return [redrive, discard]


def row_view(context: Context, row: StoredOrder | UnreadableOrder) -> dict[str, Any]:
    """Return a stored row without data that identifies the caller."""
    return row.as_json() if isinstance(row, UnreadableOrder) else order_view(row, context.orders.reason(row.order_id))


def order_view(order: StoredOrder, reason: dict[str, Any] | str) -> dict[str, Any]:
    """Return a stored order with its stored `reason`, but without data that identifies the caller."""
    return {
        "order_id": order.order_id,
        "status": order.status.value,
        "accepted_at": order.accepted_at,
        "settled_at": order.settled_at,
        "total": order.total,
        "currency": order.currency,
        "lines": [f"{line.quantity} x {line.sku}" for line in order.lines],
        "reason": reason or None,
        "error": order.error,
        "caller": short(order.caller),
        "correlation_id": order.correlation_id,
    }


def _message(received: Received) -> dict[str, Any]:
    return {"body_bytes": len(received.body.encode()), "attributes": sorted(received.attributes)}
