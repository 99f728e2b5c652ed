"""`dlq history`: shows what people did to dead letters, and which events they sent again."""

import argparse
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ops.cli.common import add_command
from ops.cli.context import Context
from ops.errors import ExitCode
from ops.logic.counts import counted
from ops.logic.durations import parse_duration
from ops.replay import VERB as REPLAY
from runtime.models.fields import to_timestamp


def register(actions: Any) -> None:
    """Add the command."""
    history = add_command(
        actions,
        "history",
        run_history,
        "show who redrove, discarded or replayed what, when and why (oldest first); the history is "
        "kept as long as the worker's log",
        "python -m ops dlq history --since 30d",
        "for one order: `order trace ID`. For every message of each run: --json.",
    )
    history.add_argument("--since", default="30d", metavar="AGE", help="how far back (default: 30d)")


def run_history(options: argparse.Namespace, context: Context) -> int:
    """Print the runs."""
    now = context.clock.time()
    start = now - parse_duration(options.since)
    runs = runs_of(context.journal.read(int(start * 1000), int(now * 1000) + 1))
    if context.as_json:
        context.print_json(runs)
    for run in runs if not context.as_json else ():
        context.out.print_line(f"{run['at']}  {run['verb']} of {_extent(run)}, by {run['by']}: {run['reason']}")
        errors = Counter(one["error_type"] for one in run["messages"]).most_common(10)
        details = {
            "where": " ".join(run["where"] or ()) or "all",
            "errors": ", ".join(f"{count} {error}" for error, count in errors),
            "end": "not recorded; the run failed, was killed or is still running" if run["counts"] is None else "",
        }
        for name, value in details.items():
            if value:
                context.out.print_line(f"    {name}: {value}")
    context.say(f"{counted(len(runs), 'run')} in the last {options.since}.")
    return ExitCode.OK


def _extent(run: Mapping[str, Any]) -> str:
    if run["verb"] != REPLAY:
        return counted(len(run["messages"]), "dead letter")
    # A replay records its number of events after each complete chunk. If it has not ended, it may have sent more.
    least = "at least " if run["counts"] is None else ""
    return least + counted(run.get("sent", 0), "event")


def runs_of(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Group the journal's lines by run. A run has its messages (each once) and, if it has ended, its counts."""
    runs: dict[str, dict[str, Any]] = {}
    for line in lines:
        run = runs.setdefault(
            line["run"],
            {
                "at": to_timestamp(datetime.fromtimestamp(line["at_ms"] / 1000, UTC)),
                "run": line["run"],
                **{name: line[name] for name in ("verb", "by", "reason")},
                "where": None,
                "messages": {},
                "counts": None,
            },
        )
        if line["what"] == "message":
            names = ("order_id", "message_id", "original_message_id", "state", "error_type")
            run["messages"][line["message_id"]] = {name: line[name] for name in names}
        run |= {name: line[name] for name in ("where", "counts", "last", "sent") if name in line}
    return [{**run, "messages": list(run["messages"].values())} for run in runs.values()]
