"""Parses the command line and runs one command."""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from rich.console import Console

from local.errors import ExitCode, LocalError
from pipeline.help import HelpFormatter

_EPILOG = """\
exit codes:
  0  done
  1  failed; the message says why and what to change
  2  wrong usage
  3  up, demo, incident: an instance is already running in this state folder
  4  status, logs, fault, pulumi: this state folder has no running instance that the command can use
  130  interrupted by Ctrl-C, or `down` stopped a foreground `up` during its start

`python -m local pulumi` returns the exit code of `pulumi`.

All state of the embedded AWS is in memory: it is gone when the instance stops.

example:
  python -m local up --detach && python -m local status
"""

# Each of these modules has a function `register(commands)`.
_COMMANDS = (
    "local.cli.up",
    "local.cli.down",
    "local.cli.status",
    "local.cli.logs",
    "local.cli.fault",
    "local.cli.pulumi",
    "local.demo.command",
    "local.incident",
)

Command = Callable[[argparse.Namespace], int]


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    root = argparse.ArgumentParser(
        prog="python -m local",
        description="Run the orders stack on an embedded AWS, without an AWS account, "
        "without Docker and without an installed `pulumi` command.",
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
    )
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in _COMMANDS:
        import_module(name).register(commands)
    return root


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. Messages for people go to standard error."""
    options = parser().parse_args(arguments)
    run: Command = options.run
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        return run(options)
    except LocalError as error:
        errors.print(f"[bold red]error:[/bold red] {_escaped(str(error))}")
        return int(error.exit_code)
    except KeyboardInterrupt:
        errors.print("Stopped.")
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has closed its end (`… | head`).
        sys.stderr.close()
        return int(ExitCode.OK)


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
