"""Parts that the commands share: options, dry runs, progress."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ops.cli.context import Context
from ops.cli.selection import record_command
from ops.gateway.queues import depth_of
from ops.target import LOCAL_VARIABLE, STACK_VARIABLE
from pipeline.help import HelpFormatter

DECISION: Final = '--by "$NAME" --reason "$REASON"'
"""The options of `add_decision`, as text for commands that are printed as advice."""
Run = Callable[[argparse.Namespace, Context], int]


def add_group(commands: Any, name: str, summary: str, example: str, advice: str) -> Any:
    """Add a command that has subcommands."""
    level = _add(commands, name, summary, example, advice)
    return level.add_subparsers(dest="action", metavar="ACTION", required=True)


def add_command(
    commands: Any, name: str, run: Run | None, summary: str, example: str, advice: str, *, changes: bool = False
) -> argparse.ArgumentParser:
    """Add a command, with `--yes` if it `changes` state.

    For a command that needs no outputs of a stack, pass `None` as `run`. Then set a function as the default `before_up`
    of the returned parser: `main` calls this function.
    """
    parser = _add(commands, name, summary, example, advice)
    record_command(parser.prog)
    parser.set_defaults(run=run)
    if changes:
        parser.add_argument("--yes", action="store_true", help="make the changes; otherwise nothing is changed")
    parser.add_argument("--json", action="store_true", help="print JSON to standard output")
    where = parser.add_argument_group("which stack", f"give one of these; otherwise ${STACK_VARIABLE} names the stack")
    which = where.add_mutually_exclusive_group()
    which.add_argument("--stack", metavar="NAME", help="read this stack's outputs with the `pulumi` command")
    which.add_argument("--outputs", type=Path, metavar="FILE", help="a file from `pulumi stack output --json`")
    which.add_argument("--local", action="store_true", help="the local stack that is running")
    where.add_argument(
        "--state-dir",
        type=Path,
        metavar="DIR",
        help=f"folder of the local stack (default: ${LOCAL_VARIABLE}, else .local)",
    )
    return parser


def add_decision(parser: argparse.ArgumentParser, kept: str) -> None:
    """Add the options `--by` and `--reason`, which `Decision` reads. `kept` describes where they are stored."""
    parser.add_argument("--by", required=True, metavar="PERSON", help=f"who decides; {kept}")
    parser.add_argument("--reason", required=True, metavar="TEXT", help=f"why; {kept}")


def dry_run(context: Context, *more: str) -> None:
    """Print that nothing was changed. Also print the command for the change: this command with `more` and `--yes`."""
    context.say("Dry run: nothing was changed.")
    context.again(*more, "--yes")


@contextmanager
def progress(context: Context, text: str) -> Iterator[Callable[[int], None]]:
    """Show a progress bar if standard error is a terminal. Yields a function that takes the number of messages seen."""
    if not context.err.is_terminal:
        yield lambda _: None
        return
    depth = depth_of(context.clients.sqs, context.target.dead_letter_queue_url)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=context.err, transient=True) as bar:
        task = bar.add_task(text, total=max(1, depth.visible))
        yield lambda seen: bar.update(task, completed=seen)


def short(caller: str | None) -> str:
    """Shorten a caller's hash. The result still shows which orders have the same caller, but names nobody."""
    return "-" if caller is None else f"{caller[:8]}…"


def _add(commands: Any, name: str, summary: str, example: str, advice: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"example:\n  {example}\n\nwhat next:\n  {advice}",
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )
    return parser
