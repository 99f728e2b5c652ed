"""`errors`: counts errors by cause."""

import argparse
import shlex
from typing import Any

from ops.cli.common import add_command, progress
from ops.cli.context import Context
from ops.cli.dlq_list import cases_of
from ops.cli.log_reading import groups_of, read_groups
from ops.errors import ExitCode
from ops.logic.case import merge
from ops.logic.causes import Cause, causes_of
from ops.logic.counts import counted
from ops.logic.durations import parse_duration
from ops.logic.log_lines import ERROR_WORDS, read_events


def register(commands: Any) -> None:
    """Add the command."""
    errors = add_command(
        commands,
        "errors",
        run_errors,
        "count errors by cause, from the functions' logs and the dead letters",
        "python -m ops errors --since 1h",
        "for a cause's log lines: `logs --error CAUSE`. For its dead letters: `dlq list --where error_type=CAUSE`.",
    )
    errors.add_argument("--since", default="1h", metavar="AGE", help="how far back to read the logs (default: 1h)")


def run_errors(options: argparse.Namespace, context: Context) -> int:
    """Print the causes."""
    now = context.clock.time()
    events = read_groups(context, groups_of(context), ERROR_WORDS, now - parse_duration(options.since), now)
    with context.sweep() as sweep, progress(context, "reading") as show:
        cases = merge(cases_of(context, sweep, show))
    causes = causes_of(read_events(events, context.target.prefix), cases)
    if context.as_json:
        context.print_json([cause.as_json() for cause in causes])
    elif causes:
        columns = ("cause", "log lines", "dead letters", "where", "last logged", "example order")
        whole = {"log lines", "dead letters", "last logged", "example order"}
        context.out.rows(columns, map(_row, causes), whole=whole)
    context.say(
        f"{counted(len(causes), 'cause')} in the logs of the last {options.since} and in "
        f"{counted(len(cases), 'dead letter')} of any age."
    )
    if causes:
        worst = causes[0]
        context.next(
            f"python -m ops dlq list --where {shlex.quote(f'error_type={worst.name}')}"
            if worst.letters
            else f"python -m ops logs --error {shlex.quote(worst.name)} --since {options.since}"
        )
    return ExitCode.OK


def _row(cause: Cause) -> tuple[str, ...]:
    where = ", ".join(sorted(cause.functions)) or "-"
    return (
        f"{cause.name} (died)" if cause.died else cause.name,
        str(cause.lines),
        str(cause.letters),
        where,
        cause.last or "-",
        cause.order_id or "-",
    )
