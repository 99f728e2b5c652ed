"""`status`: one look at everything."""

import argparse
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from rich.table import Table

from ops.cli.common import add_command
from ops.cli.desk import Desk
from ops.errors import ExitCode
from ops.gateway.queues import Depth, depth_of
from ops.gateway.telemetry import Alarm, Query
from ops.gateway.worker import ENABLED
from ops.logic.durations import WrongValueError, parse_duration, show_duration
from runtime.metric import Metric

_COUNTS: Final = {
    "api": (
        Metric.ORDER_ACCEPTED,
        Metric.IDEMPOTENT_REPLAY,
        Metric.IDEMPOTENCY_CONFLICT,
        Metric.IDEMPOTENCY_MISMATCH,
        Metric.DEPENDENCY_FAILURE,
    ),
    "worker": (
        Metric.ORDER_CONFIRMED,
        Metric.ORDER_REJECTED,
        Metric.ATTEMPT_FAILED,
        Metric.ATTEMPT_DEFERRED,
        Metric.LAST_ATTEMPT_FAILED,
        Metric.MESSAGE_DEAD_LETTERED,
    ),
}
_AGE: Final = "ApproximateAgeOfOldestMessage"
_LEAST_SECONDS: Final = 60
_RUNBOOK: Final = re.compile(r"Runbook: (\S+)")
# An idle queue publishes nothing for a while; an older age would be about another time.
_AGE_WINDOW: Final = timedelta(minutes=20)


def register(commands: Any) -> None:
    """Add the command."""
    status = add_command(
        commands,
        "status",
        run,
        "show backlog, ages, dead letters, rates and alarms in one look",
        "python -m ops status --since 3h",
        "it prints the commands that fit what it found, and the runbook of each alarm.",
    )
    status.add_argument("--since", default="1h", metavar="AGE", help="over which time to count (default: 1h)")


def run(options: argparse.Namespace, desk: Desk) -> int:
    """Show it."""
    since = parse_duration(options.since)
    if since < _LEAST_SECONDS:
        raise WrongValueError(f"--since {options.since}: allowed is 1m or more; metrics are counted by the minute.")
    desk.clients.check_queues()
    target = desk.target
    orders = depth_of(desk.clients.sqs, target.orders_queue_url)
    dead = depth_of(desk.clients.sqs, target.dead_letter_queue_url)
    mapping = desk.worker.mapping()
    ages = _ages(desk)
    counts = _counts(desk, since)
    total, raised = desk.telemetry.alarms(target.prefix)
    if desk.as_json:
        desk.print_json(
            {
                "stack": target.prefix,
                "orders_queue": _depth_json(orders, ages["orders"]),
                "dead_letter_queue": _depth_json(dead, ages["dead"]),
                "worker": mapping.state,
                "seconds": since,
                "counts": counts,
                "alarms": {"total": total, "raised": [{"name": a.name, "runbook": _runbook(a)} for a in raised]},
            }
        )
    else:
        desk.out.print(_queues(orders, dead, ages))
        desk.heading(f"worker: {mapping.state}")
        desk.heading(f"counted in the last {show_duration(since)}")
        desk.out.print(_rates(counts, since))
        desk.heading(f"alarms: {len(raised)} of {total} raised")
        if raised:
            desk.out.print(_alarms(raised))
    _advise(desk, orders, dead, mapping.state, raised)
    return ExitCode.OK


def _ages(desk: Desk) -> dict[str, float | None]:
    urls = {"orders": desk.target.orders_queue_url, "dead": desk.target.dead_letter_queue_url}
    queries = [
        Query(key, "AWS/SQS", _AGE, {"QueueName": url.rpartition("/")[2]}, "Maximum") for key, url in urls.items()
    ]
    end = datetime.fromtimestamp(desk.clock.time(), UTC)
    return desk.telemetry.values(queries, end - _AGE_WINDOW, end)


def _counts(desk: Desk, since: int) -> dict[str, int | None]:
    queries = [
        Query(f"{service}_{metric.lower()}", desk.target.prefix, metric.value, {"service": service}, "Sum")
        for service, metrics in _COUNTS.items()
        for metric in metrics
    ]
    end = datetime.fromtimestamp(desk.clock.time(), UTC)
    values = desk.telemetry.values(queries, end - timedelta(seconds=since), end)
    return {query.metric: None if (value := values[query.key]) is None else round(value) for query in queries}


def _depth_json(depth: Depth, age: float | None) -> dict[str, Any]:
    return {
        "visible": depth.visible,
        "hidden": depth.hidden,
        "delayed": depth.delayed,
        "oldest_seconds": age,
        "retention_seconds": depth.retention_seconds,
    }


def _queues(orders: Depth, dead: Depth, ages: dict[str, float | None]) -> Table:
    table = Table("queue", "waiting", "in flight", "delayed", "oldest", "kept for", box=None, pad_edge=False)
    for name, depth, age in (("orders", orders, ages["orders"]), ("dead letters", dead, ages["dead"])):
        oldest = "-" if age is None else show_duration(age)
        kept = show_duration(depth.retention_seconds)
        table.add_row(name, str(depth.visible), str(depth.hidden), str(depth.delayed), oldest, kept)
    return table


def _rates(counts: dict[str, int | None], since: int) -> Table:
    table = Table("metric", "count", "per minute", box=None, pad_edge=False)
    for name, count in counts.items():
        if count is not None:
            table.add_row(name, str(count), f"{count * 60 / since:.1f}")
    if table.row_count == 0:
        table.add_row("no data", "-", "-")
    return table


def _alarms(raised: list[Alarm]) -> Table:
    table = Table("alarm", "runbook", box=None, pad_edge=False)
    for alarm in raised:
        table.add_row(alarm.name, _runbook(alarm))
    return table


def _runbook(alarm: Alarm) -> str:
    found = _RUNBOOK.search(alarm.description)
    return found[1] if found else "-"


def _advise(desk: Desk, orders: Depth, dead: Depth, worker: str, raised: list[Alarm]) -> None:
    if worker != ENABLED:
        desk.say(f"The worker is {worker}: orders wait.")
        desk.next("python -m ops worker resume --yes")
    if dead.visible or dead.hidden:
        desk.next("python -m ops dlq list")
    if orders.visible or orders.hidden:
        desk.next("python -m ops orders open --older-than 15m")
    if raised:
        desk.say("Open the runbook of the first alarm above.")
    if worker == ENABLED and not (dead.visible or dead.hidden or orders.visible or orders.hidden or raised):
        desk.say("Nothing waits and nothing is wrong.")
