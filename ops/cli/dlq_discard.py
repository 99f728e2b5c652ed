"""`dlq discard`: marks orders DISCARDED and deletes their dead letters."""

import argparse
from typing import Any

from ops.cli.common import add_command, add_decision, dry_run, progress
from ops.cli.context import Context
from ops.cli.dlq_list import add_where, show_causes
from ops.discard import carry_out, find, plan
from ops.discard_many import DiscardCounts, DiscardMany
from ops.errors import ExitCode
from ops.logic.conditions import Conditions
from ops.logic.counts import counted
from ops.logic.dead_letter import MEANING
from ops.logic.decision import Decision
from ops.logic.durations import WrongValueError, show_duration

VERB = "discard"


def register(actions: Any) -> None:
    """Add the command."""
    discard = add_command(
        actions,
        VERB,
        run_discard,
        "mark orders DISCARDED for good (ID: one order; --where: many), and delete their dead letters",
        'python -m ops dlq discard --where error_type=INVALID_MESSAGE --by "Ada" --reason "broken client" --yes',
        "tell the customers. `dlq history` shows who discarded what. A settled order is never discarded: redrive its "
        "dead letter, so that its event is published.",
        changes=True,
    )
    discard.add_argument("id", nargs="?", help="an order id, or a message id if the order is not known")
    add_where(discard)
    add_decision(discard, "kept with the order and in dlq history, not shown to callers")


def run_discard(options: argparse.Namespace, context: Context) -> int:
    """Discard, or print what would happen."""
    decision = Decision.of(options.by, options.reason)
    if bool(options.id) == bool(options.where):
        raise WrongValueError("Give either the id of an order (or message), or --where for many.")
    return _many(options, context, decision) if options.where else _one(options, context, decision)


def _one(options: argparse.Namespace, context: Context, decision: Decision) -> int:
    with context.sweep() as sweep:
        found = find(sweep, context.orders, options.id)
        order = context.orders.get(options.id) if not found.cases else None
        planned = plan(found, options.id, order)
        done = None
        if options.yes:
            run = context.journal.begin(VERB, decision, [options.id])
            done = carry_out(planned, sweep, context.orders, context.clock, run)
            run.end({"discarded": len(found.messages)})
    if context.as_json:
        context.print_json(
            {"dry_run": not options.yes, "order_id": planned.order_id, "plan": planned.explanation, "done": done}
        )
    else:
        context.out.print_line(done or planned.explanation)
    if not options.yes:
        dry_run(context)
    return ExitCode.OK


def _many(options: argparse.Namespace, context: Context, decision: Decision) -> int:
    where = Conditions.parse(options.where)
    with context.sweep() as sweep, progress(context, "discarding" if options.yes else "counting") as show:
        run = context.journal.begin(VERB, decision, options.where) if options.yes else None
        discard = DiscardMany(context.orders, where, context.clock, run, show)
        try:
            discard.go(sweep)
        except BaseException:
            # The report is needed after an error, too, because part of the work may already be done.
            _report(context, discard.tally, act=options.yes)
            raise
        unreached = context.count_unreached()
        if run is not None:
            run.end(discard.tally.as_json())
    _report(context, discard.tally, unreached, act=options.yes)
    if not options.yes:
        dry_run(context)
        return ExitCode.OK
    context.next("python -m ops dlq history", "python -m ops status")
    left = discard.tally.failed or discard.tally.undeleted or discard.tally.settled or unreached
    return ExitCode.INCOMPLETE if left else ExitCode.OK


def _report(context: Context, tally: DiscardCounts, unreached: int = 0, *, act: bool) -> None:
    if context.as_json:
        now = context.clock.time()
        sample = [case.as_json(now) for case in tally.sample]
        context.print_json({"dry_run": not act, **tally.as_json(), "behind": unreached, "sample": sample})
        return
    counts = [
        ("orders marked DISCARDED" if act else "orders that would become DISCARDED", tally.orders),
        ("not selected by --where", tally.unselected),
        *((f"not discarded: {MEANING[state]}", count) for state, count in sorted(tally.refused.items())),
        ("not discarded: their orders were settled meanwhile", tally.settled),
        ("not finished; run again", tally.failed),
    ]
    rows = [
        ("dead letters discarded" if act else "dead letters that would be discarded", str(tally.discarded)),
        *((name, str(count)) for name, count in counts if count),
        ("dead letters seen", str(tally.seen)),
    ]
    context.out.rows(("what", "count"), rows, whole={"count"})
    if tally.causes:
        show_causes(context, tally.causes)
        context.heading("the first dead letters")
        now = context.clock.time()
        first = [
            (
                case.letter.order_id or f"message {case.letter.message_id}",
                case.error_type,
                show_duration(now - case.letter.sent_at),
                MEANING[case.state],
            )
            for case in tally.sample
        ]
        context.out.rows(("order (or message)", "error", "age", "state"), first, {"order (or message)", "age"})
    if tally.undeleted:
        context.say(
            f"Discarded messages still in the queue: {tally.undeleted}. That is harmless: the next run deletes them."
        )
    if unreached:
        context.say(
            f"Not read: about {counted(unreached, 'more message')}. SQS returns them only when earlier messages of "
            "the same callers have left the dead-letter queue. Redrive or discard the earlier ones, then run again."
        )
