"""`events`: sends past events to one subscriber again."""

import argparse
import itertools
import shlex
from datetime import UTC, datetime
from typing import Any, Final

from ops.cli.common import add_command, add_decision, add_group
from ops.cli.context import Context
from ops.cli.dlq_history import runs_of
from ops.errors import ExitCode
from ops.gateway.mailbox import bus_mailbox, topic_mailbox
from ops.gateway.rows import Rows
from ops.logic.counts import counted
from ops.logic.decision import Decision
from ops.logic.durations import WrongValueError, parse_duration
from ops.rate_limit import RateLimit
from ops.replay import VERB, Place, Replay, Span
from runtime.models.fields import to_timestamp
from runtime.models.order import SETTLED_STATUSES, OrderStatus

_RESUME_SECONDS: Final = 14 * 86_400


def register(commands: Any) -> None:
    """Add the command."""
    actions = add_group(
        commands,
        "events",
        "send the events of many settled orders again",
        "python -m ops events replay --since 2d --until 1d --to billing --by Ada --reason INC-7",
        "to publish one order's event to all subscribers: order replay-events ID.",
    )
    replay = add_command(
        actions,
        "replay",
        run_replay,
        "send past events again, unchanged, to one subscriber's queue: events of orders that were settled in a period",
        "python -m ops events replay --since 2026-01-01T00:00:00Z --until 2026-01-02T00:00:00Z --to billing "
        "--by Ada --reason INC-7 --yes",
        "if the run is killed or SQS refuses events, repeat the command with the same times (an age such as 2d\n"
        "  would select other orders then).\n"
        "  It continues where it stopped. `dlq history` shows all replays.\n"
        "  If the output says `not sent: ID` (exit code 6), type `order repair ID`, then `order replay-events ID`.\n"
        "  Do not repeat `events replay` in this case: the run has gone through all orders, so a new run would\n"
        "  send all events again.",
        changes=True,
    )
    replay.add_argument(
        "--since", required=True, metavar="WHEN", help="settled at this time or later: a time, or an age such as 2d"
    )
    replay.add_argument("--until", default="0s", metavar="WHEN", help="settled before this time (default: now)")
    replay.add_argument(
        "--status",
        choices=[each.value for each in SETTLED_STATUSES],
        help="only orders with this status (default: both statuses)",
    )
    replay.add_argument("--to", required=True, metavar="SUBSCRIPTION", help="name of the subscription or of its queue")
    replay.add_argument("--rate", type=float, default=50, metavar="N", help="at most N events per second (default: 50)")
    add_decision(replay, "kept in dlq history")


def run_replay(options: argparse.Namespace, context: Context) -> int:
    """Send the events, or only count them."""
    decision = Decision.of(options.by, options.reason)
    if not 0 < options.rate <= 1000:
        raise WrongValueError(f"--rate {options.rate:g}: allowed is more than 0, up to 1000 (events per second).")
    target = context.target
    statuses = [OrderStatus(options.status)] if options.status else list(SETTLED_STATUSES)
    span = Span(_moment(context, options.since), _moment(context, options.until), statuses)
    if span.since >= span.until:
        raise WrongValueError(f"--since {span.since} is not before --until {span.until}.")
    where = [*span.words, f"to={options.to}"]
    after = _resume_after(context, where)
    clients = context.clients
    box = (
        bus_mailbox(clients.events, clients.sqs, target.notifications_bus_arn, options.to)
        if target.notifications_bus_arn
        else topic_mailbox(clients.sns, clients.sqs, target.events_arn, options.to)
    )
    replay = Replay(
        rows=Rows(clients.dynamodb, context.clock.sleep),
        table=target.orders_table,
        mailbox=box,
        source=context.worker.event_source(),
        pace=RateLimit(options.rate, context.clock),
        clock=context.clock,
        run=context.journal.begin(VERB, decision, where) if options.yes else None,
        after=after,
    )
    places = replay.places(span)
    try:
        replay.go(places)
        if replay.run is not None:
            replay.run.end({"sent": replay.sent, "filtered": replay.filtered, "unreadable": len(replay.unreadable)})
    finally:
        _report(options, context, replay, span, len(places))
    return ExitCode.INCOMPLETE if replay.unreadable else ExitCode.OK


def _moment(context: Context, text: str) -> str:
    """Convert a time or an age to a `Timestamp`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.fromtimestamp(context.clock.time() - parse_duration(text), UTC)
    if found.tzinfo is None:
        raise WrongValueError(f"{text}: a time needs a zone, such as {text}Z.")
    return to_timestamp(found)


def _resume_after(context: Context, where: list[str]) -> Place | None:
    """Return the place after which to continue; `None` to begin with the first order.

    Each run records how far it got. Consider the runs of the last 14 days with the same `where`. If one of them is
    complete, consider only the runs after it. Return the latest place that these runs recorded.
    """
    now = context.clock.time()
    runs = runs_of(context.journal.read(int((now - _RESUME_SECONDS) * 1000), int(now * 1000) + 1))
    same = [run for run in runs if run["verb"] == VERB and run["where"] == where]
    unfinished = itertools.takewhile(lambda run: run["counts"] is None, reversed(same))
    lasts = [run["last"] for run in unfinished if "last" in run]
    if not lasts:
        return None
    settled_at, order_id = lasts[0]
    context.say(f"An earlier run stopped at {settled_at}. This run continues from there.")
    return settled_at, order_id


def _report(options: argparse.Namespace, context: Context, replay: Replay, span: Span, count: int) -> None:
    if context.as_json:
        context.print_json(
            {
                "dry_run": not options.yes,
                "since": span.since,
                "until": span.until,
                "orders": count,
                "sent": replay.sent,
                "filtered": replay.filtered,
                "unreadable": replay.unreadable,
            }
        )
    else:
        word = "sent" if options.yes else "would send"
        context.out.print_line(
            f"{word} {counted(replay.sent, 'event')} of {counted(count, 'order')}, "
            f"settled from {span.since} to {span.until}"
        )
        context.out.print_line(f"excluded by the subscription's filter: {replay.filtered}")
    for order_id, why in replay.unreadable.items():
        context.say(f"not sent: {order_id}: {why}")
    context.next(*replay.repairs)
    if options.yes and replay.unreadable:
        context.say(
            "This replay has gone through all orders. Do not repeat it: a new run would send all events again. "
            "When the orders are repaired, publish only their events. All subscribers get these events."
        )
        context.next(f"python -m ops order replay-events {shlex.join(replay.unreadable)}")
    if not replay.mailbox.raw:
        context.say(replay.mailbox.envelope)
    if not options.yes:
        context.say("Dry run: nothing was changed.")
        # The printed command has times instead of ages. So it selects the same orders even if it is run later.
        words = ["python", "-m", "ops", "events", "replay", "--since", span.since, "--until", span.until]
        words += ["--to", options.to, *(["--status", options.status] if options.status else [])]
        words += ["--rate", f"{options.rate:g}", "--by", options.by, "--reason", options.reason]
        context.next(f"{shlex.join(words)} --yes")
