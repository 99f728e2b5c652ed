"""`order repair`: repairs an order's unreadable row, or deletes the worker's unreadable record of the order."""

import argparse
from typing import Any

from ops.cli.common import DECISION, add_command, dry_run, progress
from ops.cli.context import Context
from ops.discard import find
from ops.errors import ExitCode, RefusedError
from ops.logic.dead_letter import content_of
from ops.logic.stored import UNREADABLE, UnreadableOrder, record_state
from ops.repair import Plan, needs_message, plan, plan_of_record
from runtime.models.order import OrderMessage


def register(actions: Any) -> None:
    """Add the command."""
    repair = add_command(
        actions,
        "repair",
        run_repair,
        "remove or replace unreadable attributes of an order's row, or delete the worker's unreadable record",
        "python -m ops order repair 1bfa2889-307d-56d4-8339-4dc839c7313d --expect 0f5c88d1 --yes",
        "`order repair` does not settle the order. To settle it: `dlq redrive --where order_id=ID`.\n"
        "  The dry run shows what is wrong, and the fingerprint for --expect.",
        changes=True,
    )
    repair.add_argument("id", help="the order's id")
    repair.add_argument("--expect", metavar="FINGERPRINT", help="the fingerprint from the dry run; needed with --yes")


def run_repair(options: argparse.Namespace, context: Context) -> int:
    """Repair the row or delete the record, or print what would be changed."""
    planned, message = _plan(context, options.id)
    row = planned.row
    if (options.yes or options.expect) and options.expect != planned.pinned:
        given = f"--expect is {options.expect}" if options.expect else "--expect is not given"
        raise RefusedError(
            f"The fingerprint of {options.id} is {planned.pinned}, but {given}. "
            f"Nothing was changed. Look first: {row.repair_command}"
        )
    acted = bool(options.yes and planned.removed)
    if acted:
        (context.orders.delete_record(row) if planned.of_record else context.orders.repair(row, planned.known))
    _report(context, planned, acted=acted)
    if message is None and not planned.of_record and needs_message(row):
        context.say(
            "No readable dead letter was found, so the unreadable attributes can only be removed, not replaced. "
            "Without these attributes, the order's event cannot be published."
        )
    if acted or not planned.removed:
        context.next(f"python -m ops dlq redrive --where order_id={row.order_id} {DECISION}")
    else:
        dry_run(context, *([] if options.expect else ["--expect", planned.pinned]))
    return ExitCode.OK


def _plan(context: Context, order_id: str) -> tuple[Plan, OrderMessage | None]:
    """Plan the repair of the order's row. If the row needs no repair, plan to delete the worker's unreadable record.

    Return the order's message as well, if the repair needs it and a dead letter has it.
    """
    row = context.orders.read(order_id)
    if isinstance(row, UnreadableOrder):
        message = _message(context, order_id) if needs_message(row) else None
        return plan(row, message, context.orders.record_status(order_id)), message
    record = context.orders.record(order_id)
    if record is None or record_state(record) != UNREADABLE:
        state = "is readable" if row is not None else "is not stored"
        raise RefusedError(f"The order {order_id} {state}; there is nothing to repair.")
    return plan_of_record(order_id, record, None if row is None else row.status.value), None


def _message(context: Context, order_id: str) -> OrderMessage | None:
    with context.sweep() as sweep, progress(context, "looking for the message") as show:
        found = find(sweep, context.orders, order_id)
        show(sweep.seen)
    return next((content for each in found.messages if (content := content_of(each)) is not None), None)


def _report(context: Context, planned: Plan, *, acted: bool) -> None:
    row = planned.row
    if context.as_json:
        context.print_json({"dry_run": not acted, **planned.as_json()})
    else:
        status = row.status or ("not stored" if planned.of_record else "unreadable")
        context.out.fields({"order": row.order_id, "status": status, "fingerprint": planned.pinned})
        rows = [(name, problem, _outcome(planned, name, acted=acted)) for name, problem in row.problems.items()]
        context.out.rows(("attribute", "what is wrong", "what happens"), rows, whole={"attribute"})


def _outcome(planned: Plan, name: str, *, acted: bool) -> str:
    if name not in planned.removed:
        return "missing: the worker writes it if the order is open"
    if name in planned.known:
        return "replaced from the order's message" if acted else "would be replaced from the order's message"
    return "removed" if acted else "would be removed"
