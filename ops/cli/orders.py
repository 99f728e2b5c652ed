"""`orders`: lists orders that have been open for too long, and sends them again."""

import argparse
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from ops.cli.common import add_command, add_group, dry_run
from ops.cli.context import Context
from ops.errors import ExitCode, RefusedError
from ops.logic.counts import counted
from ops.logic.dead_letter import summarise
from ops.logic.durations import WrongValueError, parse_duration, show_duration
from ops.logic.stored import UnreadableOrder
from runtime.models.fields import from_timestamp, to_timestamp
from runtime.models.order import OPEN_STATUSES, OrderMessage, StoredOrder
from runtime.store.order_queue import OrderQueue


def register(commands: Any) -> None:
    """Add the commands."""
    actions = add_group(
        commands,
        "orders",
        "list open orders, or send them to the queue again",
        "python -m ops orders open --older-than 15m",
        "`status` shows whether orders wait in a queue. For dead letters: `dlq list`. For lost messages:\n"
        "  `orders resend`.",
    )
    listing = add_command(
        actions,
        "open",
        run_open,
        "list orders that are ACCEPTED or FAILED; reads the whole orders table",
        "python -m ops orders open --older-than 15m",
        "for one of them: `order trace ID`. For FAILED orders: `dlq list`.",
    )
    listing.add_argument(
        "--older-than", default="15m", metavar="AGE", help="accepted at least this long ago (default: 15m)"
    )
    listing.add_argument("--limit", type=int, default=50, metavar="N", help="lines to show (default: 50; 0: all)")
    resend = add_command(
        actions,
        "resend",
        run_resend,
        "send open orders to the queue again, from their stored rows: for orders whose message is lost",
        "python -m ops orders resend 1bfa2889-307d-56d4-8339-4dc839c7313d --yes",
        "`order trace ID` shows whether the order settles. Sending twice is harmless: an order takes effect only once.",
        changes=True,
    )
    resend.add_argument("ids", nargs="*", metavar="id", help="order ids")
    resend.add_argument(
        "--older-than", metavar="AGE", help="instead of ids: all open orders of at least this age, such as 15m"
    )


def run_open(options: argparse.Namespace, context: Context) -> int:
    """Print the open orders, the oldest first."""
    found = _open(context, options.older_than)
    now = context.clock.time()
    views = [_unreadable_view(row) if isinstance(row, UnreadableOrder) else _view(row, now) for row in found]
    if context.as_json:
        context.print_json([{name: value for name, value in view.items() if name != "what"} for view in views])
    elif found:
        shown = views[: options.limit] if options.limit > 0 else views
        context.out.rows(
            ("order", "status", "what", "age", "error"), map(_row, shown), whole={"order", "status", "age"}
        )
        if len(shown) < len(found):
            context.say(f"{len(found) - len(shown)} more: --limit 0 shows all.")
    unreadable = [row for row in found if isinstance(row, UnreadableOrder)]
    if unreadable:
        context.say(f"rows that are not valid orders: {len(unreadable)}")
        context.next(unreadable[0].repair_command)
    undated = sum(isinstance(row, StoredOrder) and row.accepted_at is None for row in found)
    if undated:
        context.say(f"open, without a time of acceptance: {counted(undated, 'order')}")
    dated = len(found) - len(unreadable) - undated
    context.say(f"open for {options.older_than} or longer: {counted(dated, 'order')}")
    if len(found) > len(unreadable):
        context.next(f"python -m ops order trace {next(o.order_id for o in found if isinstance(o, StoredOrder))}")
        context.next("python -m ops dlq list")
    return ExitCode.OK


def _open(context: Context, age: str) -> list[StoredOrder | UnreadableOrder]:
    """Return rows that are not valid orders, then open orders, the oldest first."""
    moment = datetime.fromtimestamp(context.clock.time(), UTC) - timedelta(seconds=parse_duration(age))
    found = [row for page in context.orders.open_orders(to_timestamp(moment)) for row in page]
    return sorted(found, key=lambda row: "" if isinstance(row, UnreadableOrder) else row.accepted_at or "")


def _view(order: StoredOrder, now: float) -> dict[str, Any]:
    age = None if order.accepted_at is None else round(now - from_timestamp(order.accepted_at).timestamp())
    return {
        "order_id": order.order_id,
        "status": order.status.value,
        "accepted_at": order.accepted_at,
        "age_seconds": age,
        "summary": summarise(order),
        "error_type": None if order.error is None else order.error.get("error_type"),
    }


def _unreadable_view(row: UnreadableOrder) -> dict[str, Any]:
    return {**row.as_json(), "what": f"not a valid order: {row}"}


def _row(view: dict[str, Any]) -> tuple[str, ...]:
    age = view.get("age_seconds")
    return (
        view["order_id"],
        view["status"] or "-",
        view.get("what") or view.get("summary") or "-",
        "-" if age is None else show_duration(age),
        str(view.get("error_type") or "-"),
    )


def run_resend(options: argparse.Namespace, context: Context) -> int:
    """Send open orders again, or print which would be sent."""
    if bool(options.ids) == bool(options.older_than):
        raise WrongValueError("Give exactly one of the two: order ids, or --older-than AGE for all older orders.")
    rows = (
        _old_orders(context, options.older_than) if options.older_than else [_one(context, one) for one in options.ids]
    )
    orders = [row for row in rows if isinstance(row, StoredOrder)]
    messages = {order.order_id: rebuilt(order) for order in orders}
    lost = [order_id for order_id, message in messages.items() if message is None]
    if lost and options.ids:
        raise RefusedError(f"The stored row of {', '.join(lost)} lacks a part of the order. Nothing was sent.")
    whole = [message for message in messages.values() if message is not None]
    sent: list[str] = []
    try:
        if options.yes:
            _send(context, whole, sent)
    finally:
        # The report is needed after an error, too: some orders may have been sent.
        _report(context, [one.order_id for one in whole], sent, lost, act=options.yes)
    if not options.yes:
        dry_run(context)
        return ExitCode.OK
    return ExitCode.INCOMPLETE if lost or len(orders) < len(rows) else ExitCode.OK


def _old_orders(context: Context, age: str) -> Sequence[StoredOrder | UnreadableOrder]:
    """Return the same rows as `_open`, and report those that are not valid orders."""
    rows = _open(context, age)
    for row in rows:
        if isinstance(row, UnreadableOrder):
            context.say(f"not sent: {row.order_id}: the stored row is not a valid order ({row})")
            context.next(row.repair_command)
    return rows


def _report(context: Context, whole: list[str], sent: list[str], lost: list[str], *, act: bool) -> None:
    if context.as_json:
        context.print_json({"dry_run": not act, "orders": whole, "sent": len(sent), "incomplete": lost})
        return
    for order_id in sent if act else whole:
        context.out.print_line(f"{'sent' if act else 'would send'} {order_id}")
    for order_id in lost:
        context.out.print_line(f"not sent: {order_id}: the stored row lacks a part of the order")
    if act and len(sent) < len(whole):
        context.say(
            f"Orders sent: at least {len(sent)} of {len(whole)}. Run the same command again: "
            "sending twice does no harm."
        )


def _send(context: Context, messages: Iterable[OrderMessage], sent: list[str]) -> None:
    context.clients.check_queues()
    queue = OrderQueue(
        context.clients.sqs, context.target.orders_queue_url, fifo=context.target.orders_queue_url.endswith(".fifo")
    )
    for message in messages:
        queue.send(message)
        sent.append(message.order_id)


def _one(context: Context, order_id: str) -> StoredOrder:
    order = context.orders.get(order_id)
    if order is None or order.status not in OPEN_STATUSES:
        state = "not stored" if order is None else f"{order.status}, which is final"
        raise RefusedError(f"The order {order_id} is {state}; only open orders are sent again. Nothing was sent.")
    return order


def rebuilt(order: StoredOrder) -> OrderMessage | None:
    """Rebuild the message that the API sent for a stored order; `None` if the row lacks a part of the message."""
    fields = {name: getattr(order, name) for name in OrderMessage.model_fields}
    try:
        return OrderMessage.model_validate({**fields, "lines": [line.model_dump() for line in order.lines]})
    except ValidationError:
        return None
