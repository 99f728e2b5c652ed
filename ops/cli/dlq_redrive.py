"""`dlq redrive`: sends dead letters back to the orders queue."""

import argparse
from typing import Any, Final

from ops.cli.common import add_command, add_decision, dry_run, progress
from ops.cli.context import Context
from ops.cli.dlq_list import add_where
from ops.errors import ExitCode
from ops.logic.conditions import Conditions
from ops.logic.counts import counted
from ops.logic.dead_letter import MEANING
from ops.logic.decision import Decision
from ops.logic.durations import WrongValueError
from ops.rate_limit import RateLimit
from ops.redrive import Redrive, RedriveCounts

_DEFAULT_RATE: Final = 100.0
_LEAST_RATE: Final = 0.1


def register(actions: Any) -> None:
    """Add the command."""
    redrive = add_command(
        actions,
        "redrive",
        run_redrive,
        "send dead letters back to the orders queue; if the command is killed, run it again: no message is lost",
        'python -m ops dlq redrive --where error_type=ContentionError --by "Ada" --reason "index repaired" --yes',
        "`status` shows the backlog. If messages fail again: `dlq list`. `dlq history` shows all redrives.",
        changes=True,
    )
    add_where(redrive)
    add_decision(redrive, "kept in dlq history")
    redrive.add_argument(
        "--rate",
        type=float,
        default=_DEFAULT_RATE,
        metavar="N",
        help=f"send at most N messages per second, so that new orders wait less (default: {_DEFAULT_RATE:g})",
    )


def run_redrive(options: argparse.Namespace, context: Context) -> int:
    """Redrive dead letters, or only count them."""
    if not options.rate >= _LEAST_RATE:
        raise WrongValueError(f"--rate {options.rate:g}: allowed is {_LEAST_RATE:g} or more (messages per second).")
    where, decision = Conditions.parse(options.where), Decision.of(options.by, options.reason)
    with context.sweep() as sweep, progress(context, "redriving" if options.yes else "counting") as show:
        run = context.journal.begin("redrive", decision, options.where) if options.yes else None
        redrive = Redrive(
            orders=context.orders,
            queue=context.orders_queue,
            where=where,
            pace=RateLimit(options.rate, context.clock),
            clock=context.clock,
            run=run,
            progress=show,
        )
        try:
            redrive.go(sweep)
        except BaseException:
            # The report is needed after an error, too, because part of the work may already be done.
            _report(context, redrive.tally, act=options.yes)
            raise
        unreached = context.count_unreached()
        if run is not None:
            run.end(redrive.tally.as_json())
    _report(context, redrive.tally, unreached, act=options.yes)
    if not options.yes:
        dry_run(context)
        return ExitCode.OK
    context.next("python -m ops status")
    return ExitCode.INCOMPLETE if redrive.tally.failed or redrive.tally.undeleted or unreached else ExitCode.OK


def _report(context: Context, tally: RedriveCounts, unreached: int = 0, *, act: bool) -> None:
    if context.as_json:
        context.print_json({"dry_run": not act, **tally.as_json(), "behind": unreached})
        return
    counts = [
        ("copies of redriven messages, not sent again", tally.copies),
        (
            "left in the dead-letter queue: perhaps this run has redriven them already, and they failed again",
            tally.returned,
        ),
        ("not selected by --where", tally.unselected),
        *((f"not redriven: {MEANING[state]}", count) for state, count in sorted(tally.refused.items())),
        ("left in the dead-letter queue: not sent, or SQS did not confirm the send; run again", tally.failed),
    ]
    rows = [
        ("redriven" if act else "would be redriven", str(tally.redriven)),
        *((name, str(count)) for name, count in counts if count),
        ("seen", str(tally.seen)),
    ]
    context.out.rows(("what", "messages"), rows, whole={"messages"})
    if tally.undeleted:
        context.say(
            "Sent messages (or copies of them) that could not be deleted from the dead-letter queue: "
            f"{tally.undeleted}. The next run sends them again. "
            "That is harmless, because each order is still processed only once."
        )
    if unreached:
        context.say(
            f"Not read: about {counted(unreached, 'more message')}. SQS returns them only when earlier messages of "
            "the same callers have left the dead-letter queue. Redrive or discard the earlier ones, then run again."
        )
