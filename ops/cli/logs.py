"""`logs`: shows the functions' log lines, and Lambda's own lines about the deaths of functions."""

import argparse
import json
from typing import Any, Final

from ops.cli.common import add_command
from ops.cli.context import Context
from ops.cli.log_reading import groups_of, read_groups, show_steps
from ops.errors import ExitCode
from ops.logic.counts import counted
from ops.logic.durations import parse_duration
from ops.logic.log_lines import ERROR_WORDS, LogEvent, LogLine, of_order, read_events
from ops.logic.trace import CODE_PLACES

_ANY: Final = ""
_POLL_SECONDS: Final = 2
# CloudWatch Logs shows lines some seconds after they were written, and not sorted by time.
_LATE_SECONDS: Final = 60


def register(commands: Any) -> None:
    """Add the command."""
    logs = add_command(
        commands,
        "logs",
        run_logs,
        "show the functions' log lines, and Lambda's own lines about functions that died, oldest first",
        "python -m ops logs --function process-order --error --since 1h",
        "for one order's history: `order trace ID`. To count errors by cause: `errors`. For metrics: `status`.",
    )
    logs.add_argument("--order", metavar="ID", help="only lines about this order, and deaths while it was processed")
    logs.add_argument("--function", metavar="NAME", help="only of this function, such as process-order")
    logs.add_argument(
        "--error", nargs="?", const=_ANY, metavar="TYPE", help="only errors and deaths; with TYPE only that error"
    )
    logs.add_argument("--since", default="15m", metavar="AGE", help="how far back (default: 15m)")
    logs.add_argument("--limit", type=int, default=200, metavar="N", help="the latest N lines (default: 200; 0: all)")
    logs.add_argument(
        "--traces", action="store_true", help="show where in the code each failure was (--json always shows it)"
    )
    logs.add_argument(
        "--follow", action="store_true", help="print new log lines until Ctrl-C; with --json, one JSON object per line"
    )


def run_logs(options: argparse.Namespace, context: Context) -> int:
    """Print the log lines."""
    reader = _Reader(options, context)
    lines = reader.new()
    shown = lines[-options.limit :] if options.limit > 0 else lines
    if options.follow:
        return _follow(options, context, reader, shown)
    if context.as_json:
        context.print_json([line.as_json() for line in shown])
    else:
        _show(options, context, shown)
    if len(shown) < len(lines):
        context.say(f"not shown: {counted(len(lines) - len(shown), 'earlier line')}; --limit 0 shows all.")
    context.say(f"{counted(len(lines), 'line')} in the last {options.since}.")
    order_id = next((line.order_id for line in reversed(shown) if line.cause and line.order_id), None)
    if order_id and not options.order:
        context.next(f"python -m ops order trace {order_id}")
    return ExitCode.OK


def _follow(options: argparse.Namespace, context: Context, reader: "_Reader", lines: list[LogLine]) -> int:
    try:
        while not context.out.is_closed:
            if context.as_json:
                for line in lines:
                    context.out.raw(json.dumps(line.as_json(), default=str))
            else:
                _show(options, context, lines)
            context.out.finish()
            context.clock.sleep(_POLL_SECONDS)
            lines = reader.new()
    except KeyboardInterrupt:
        context.say("Stopped.")
    return ExitCode.OK


def _show(options: argparse.Namespace, context: Context, lines: list[LogLine]) -> None:
    show_steps(context, [line.step for line in lines], hidden=frozenset() if options.traces else CODE_PLACES)


class _Reader:
    """Reads log lines. Each call continues where the last one stopped, and returns no line twice."""

    def __init__(self, options: argparse.Namespace, context: Context) -> None:
        self._options, self._context = options, context
        self._groups = groups_of(context, options.function)
        self._from = context.clock.time() - parse_duration(options.since)
        self._seen: set[LogEvent] = set()

    def new(self) -> list[LogLine]:
        """Return the lines that arrived since the last call."""
        options, context = self._options, self._context
        now = context.clock.time()
        events = read_groups(context, self._groups, self._words(), self._from, now)
        fresh = [event for event in events if event not in self._seen]
        self._from = max(self._from, now - _LATE_SECONDS)
        self._seen = {event for event in events if event.at_ms >= self._from * 1000}
        if options.order:
            fresh = of_order(fresh, options.order)
        lines = read_events(fresh, context.target.prefix)
        return lines if options.error is None else [line for line in lines if _has_cause(line, options.error)]

    def _words(self) -> tuple[str, ...]:
        if self._options.order:
            return (self._options.order, *ERROR_WORDS)
        return () if self._options.error is None else ERROR_WORDS


def _has_cause(line: LogLine, error: str) -> bool:
    return line.cause is not None and error in {_ANY, line.cause}
