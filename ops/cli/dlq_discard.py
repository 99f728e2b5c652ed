"""`dlq discard`."""

import argparse
from typing import Any

from ops.cli.common import add_command, dry_run
from ops.cli.desk import Desk
from ops.discard import MAX_REASON, carry_out, find, plan
from ops.errors import ExitCode
from ops.logic.durations import WrongValueError


def register(actions: Any) -> None:
    """Add the command."""
    discard = add_command(
        actions,
        "discard",
        run_discard,
        "give an order up for good: it becomes DISCARDED and its dead letters are deleted",
        'python -m ops dlq discard 1bfa2889-307d-56d4-8339-4dc839c7313d --by "Ada" --reason "test order" --yes',
        "tell the customer. A settled order is never discarded: redrive it, so that its notification is sent.",
        changes=True,
    )
    discard.add_argument("id", help="an order id; or a message id, where the order is not known")
    discard.add_argument("--by", required=True, metavar="PERSON", help="who decides; stored with the order")
    discard.add_argument("--reason", required=True, metavar="TEXT", help="why; stored, not shown to callers")


def run_discard(options: argparse.Namespace, desk: Desk) -> int:
    """Discard, or say what would happen."""
    by, reason = options.by.strip(), options.reason.strip()
    if not by or not reason or len(by) > MAX_REASON or len(reason) > MAX_REASON:
        raise WrongValueError(
            f"--by and --reason: 1 to {MAX_REASON} characters each; a decision has a name and a reason."
        )
    with desk.sweep() as sweep:
        found = find(sweep, desk.orders, options.id)
        order = desk.orders.get(options.id) if not found.cases else None
        planned = plan(found, options.id, order)
        done = carry_out(planned, sweep, desk.orders, desk.clock, by=by, reason=reason) if options.yes else None
    if desk.as_json:
        desk.print_json(
            {"dry_run": not options.yes, "order_id": planned.order_id, "plan": planned.explanation, "done": done}
        )
    else:
        desk.out.tell(done or planned.explanation)
    if not options.yes:
        dry_run(desk)
    return ExitCode.OK
