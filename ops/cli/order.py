"""`order`: shows one order's history, publishes its event again, or repairs its row."""

import argparse
from datetime import timedelta
from typing import Any, Final

from ops.cli import order_repair
from ops.cli.common import add_command, add_group, dry_run
from ops.cli.context import Context
from ops.cli.dlq_list import order_view
from ops.cli.log_reading import groups_of, read_groups, show_steps
from ops.errors import ExitCode, RefusedError
from ops.logic.deaths import WORDS
from ops.logic.durations import parse_duration
from ops.logic.judgement import judge
from ops.logic.log_lines import LogEvent, of_order, read_events
from ops.logic.stored import UnreadableOrder
from ops.logic.trace import CODE_PLACES, NOT_KNOWN, notification, steps_of_order, timeline
from ops.status.attempts import Attempts
from runtime.logic.event import EVENT_TYPES, event_for
from runtime.logic.protocols import Notifications
from runtime.models.fields import from_timestamp
from runtime.models.order import StoredOrder
from runtime.store.notifications import BusNotifications, TopicNotifications

_BEFORE: Final = timedelta(minutes=5)


def register(commands: Any) -> None:
    """Add the commands."""
    actions = add_group(
        commands,
        "order",
        "show one order's history, publish its event again, or repair its row",
        "python -m ops order trace 1bfa2889-307d-56d4-8339-4dc839c7313d",
        "trace first: it shows the order's state and the next command.",
    )
    trace = add_command(
        actions,
        "trace",
        run_trace,
        "show an order's history: request, attempts, transaction, event, log lines",
        "python -m ops order trace 1bfa2889-307d-56d4-8339-4dc839c7313d",
        "if the order failed: `dlq show ID`. If its message is lost: `orders resend ID`. If its event is lost:\n"
        "  `order replay-events ID`.",
    )
    trace.add_argument("id", help="the order's id")
    trace.add_argument(
        "--since",
        default="24h",
        metavar="AGE",
        help="how far back to read the logs if the order's time of acceptance is not known (default: 24h)",
    )
    trace.add_argument(
        "--no-logs", action="store_true", help="do not read the logs; reading may take minutes on a busy day"
    )
    trace.add_argument(
        "--traces", action="store_true", help="show where in the code each failure was (--json always shows it)"
    )
    replay = add_command(
        actions,
        "replay-events",
        run_replay,
        "publish the events of settled orders again, with the same ids and bytes, so subscribers can ignore duplicates",
        "python -m ops order replay-events 1bfa2889-307d-56d4-8339-4dc839c7313d --yes",
        "ask the subscriber whether the event has arrived now. If not, the subscription's filter may exclude it.",
        changes=True,
    )
    replay.add_argument("ids", nargs="+", metavar="id", help="order ids")
    order_repair.register(actions)


def run_trace(options: argparse.Namespace, context: Context) -> int:
    """Print an order's history. Sources that cannot be read are named; the rest is printed."""
    attempts = Attempts(context.target.label)
    row = attempts.read(f"orders table {context.target.orders_table}", lambda: context.orders.read(options.id))
    row_known = not attempts.unread
    records = f"worker's records {context.target.worker_idempotency_table}"
    record = attempts.read(records, lambda: context.orders.record_status(options.id))
    if any(each.what == records for each in attempts.unread):
        record = NOT_KNOWN
    order = row if isinstance(row, StoredOrder) else None
    events = None if options.no_logs else attempts.read("logs", lambda: _events(options, context, order))
    lines = read_events(of_order(events or [], options.id), context.target.prefix)
    steps = timeline([*(steps_of_order(order) if order is not None else []), *(line.step for line in lines)])
    if row is None and record is None and not steps and not attempts.unread:
        raise RefusedError(
            f"Nothing was found about order {options.id}: no row, no record, and nothing in the "
            f"log lines that were read (--since {options.since}). Ids are UUIDs in lower case. To look further back: "
            "--since 7d."
        )
    unreadable = not row_known or isinstance(row, UnreadableOrder)
    event = f"{NOT_KNOWN}: the order's row cannot be read" if unreadable else notification(order, record, steps)
    view = _view(context, attempts, row) if row_known else {"order_id": options.id, "status": NOT_KNOWN}
    deaths = [line for line in read_events(events or [], context.target.prefix) if line.died]
    relevant = [*(line for line in lines if not line.died), *deaths]
    judgement = judge(options.id, row, record, relevant, [each.what for each in attempts.unread])
    if context.as_json:
        context.print_json(
            {
                "order": view,
                "worker_record": record,
                "event": event,
                "judgement": judgement.text,
                "unread": [{"what": each.what, "why": each.why} for each in attempts.unread],
                "steps": [step.as_json() for step in steps],
            }
        )
    else:
        context.out.fields({**(view or {"order": "not stored"}), "worker's record": record or "none", "event": event})
        show_steps(context, steps, hidden=frozenset() if options.traces else CODE_PLACES)
        context.out.print_line(f"conclusion: {judgement.text}", style="bold")
    for each in attempts.unread:
        context.say(f"not read: {each.what}: {each.why}")
    context.next(*judgement.commands)
    return ExitCode.INCOMPLETE if attempts.unread else ExitCode.OK


def _view(context: Context, attempts: Attempts, row: StoredOrder | UnreadableOrder | None) -> dict[str, Any] | None:
    if not isinstance(row, StoredOrder):
        return None if row is None else row.as_json()
    reason = attempts.read("reason", lambda: context.orders.reason(row.order_id))
    return order_view(row, NOT_KNOWN if reason is None else reason)


def _events(options: argparse.Namespace, context: Context, order: StoredOrder | None) -> list[LogEvent]:
    """Read the log lines that may be about the order, and those about functions that died in the same period."""
    now = context.clock.time()
    start = now - parse_duration(options.since)
    if order is not None and order.accepted_at is not None:
        start = (from_timestamp(order.accepted_at) - _BEFORE).timestamp()
    correlation_id = None if order is None else order.correlation_id
    words = [options.id, *([correlation_id] if correlation_id else []), *WORDS]
    return read_groups(context, groups_of(context), words, start, now)


def run_replay(options: argparse.Namespace, context: Context) -> int:
    """Publish the events again, or print which would be published."""
    orders = [_settled(context, order_id) for order_id in dict.fromkeys(options.ids)]
    # The event's `source` comes from the worker's setting, so that the event has the same bytes as before.
    source = context.worker.event_source()
    events = [event_for(order, source=source) for order in orders]
    notifications = _notifications(context)
    if options.yes:
        for event in events:
            notifications.publish(event)
    if context.as_json:
        context.print_json({"dry_run": not options.yes, "events": [event.event_id for event in events]})
    else:
        for event in events:
            context.out.print_line(f"{'published' if options.yes else 'would publish'} {event.event_id}")
    if not options.yes:
        dry_run(context)
    return ExitCode.OK


def _notifications(context: Context) -> Notifications:
    arn = context.target.events_arn
    if context.target.notifications_bus_arn:
        # EventBridge accepts a bus's ARN instead of its name.
        return BusNotifications(context.clients.events, arn)
    return TopicNotifications(context.clients.sns, arn, fifo=arn.endswith(".fifo"))


def _settled(context: Context, order_id: str) -> StoredOrder:
    order = context.orders.get(order_id)
    if order is None:
        raise RefusedError(f"There is no order {order_id}; nothing was published. Ids are UUIDs in lower case.")
    if order.status not in EVENT_TYPES:
        raise RefusedError(
            f"The order {order_id} is {order.status}; only {' and '.join(EVENT_TYPES)} orders have an event. "
            f"Nothing was published. Look: python -m ops order trace {order_id}"
        )
    return order
