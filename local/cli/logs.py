"""`logs`: show the functions' log lines."""

import argparse
import json
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.text import Text

from local.cli.common import add_command, add_json, connect, state_dir
from local.errors import ExitCode, LocalError
from local.logs import LogLine, follow_lines, log_groups, parse_since, read_lines

_COLOURS = ("cyan", "magenta", "yellow", "green", "blue")


def register(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "logs",
        "show the functions' logs; an invocation's lines appear when the invocation ends",
        "python -m local logs --follow --function process-order --since 5m",
    )
    parser.add_argument("--follow", "-f", action="store_true", help="keep showing new lines until Ctrl-C")
    parser.add_argument("--function", metavar="NAME", help="only this function")
    parser.add_argument(
        "--since", default="15m", metavar="TIME", help="90s, 15m, 2h, 1d, or an ISO 8601 time (default: 15m)"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the log lines."""
    state = state_dir(options)
    aws = connect(state.read_outputs())
    try:
        since = parse_since(options.since)
    except ValueError:
        raise LocalError(
            f"--since {options.since!r} is not a time. Give 90s, 15m, 2h, 1d, or an ISO 8601 time."
        ) from None
    groups = log_groups(state, options.function)
    lines = follow_lines(aws, groups, since) if options.follow else read_lines(aws, groups, since)
    _print(lines, as_json=options.json)
    return ExitCode.OK


def _print(lines: Iterable[LogLine], *, as_json: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    colours: dict[str, str] = {}
    for line in lines:
        if as_json:
            document = {"time": line.time.isoformat(), "function": line.function, "message": line.message}
            print(json.dumps(document), flush=True)
            continue
        colour = colours.setdefault(line.function, _COLOURS[len(colours) % len(_COLOURS)])
        moment = f"{line.time.astimezone():%H:%M:%S.%f}"[:-3]
        console.print(Text.assemble((moment, "dim"), " ", (line.function, colour), " ", line.message))
