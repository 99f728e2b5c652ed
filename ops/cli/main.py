"""Parses the command line and runs one command."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module

from botocore.exceptions import BotoCoreError, ClientError

from ops.cli.common import Run
from ops.cli.context import Context
from ops.cli.screen import Screen
from ops.cli.selection import choice_of, completed
from ops.errors import ExitCode, OpsError, explain
from ops.gateway.clients import Clients
from ops.target import Choice, resolve
from pipeline.help import HelpFormatter
from runtime.logic.failures import CorruptDataError, DependencyError
from runtime.store.notifications import EntryRefusedError

_EPILOG = """\
Nothing is changed without --yes. Data goes to standard output, everything else to standard error.
AGE and TIME are a number and s, m, h or d, such as 15m.

which stack, in this order:
  --outputs FILE, --local or --stack NAME on the command, else ORDERS_STACK in the environment
  (`export ORDERS_STACK=prod` once per terminal; `local` means the local stack)

exit codes:
  0  done (or the dry run went well)
  1  failed; the message says why
  2  wrong usage
  3  no such stack, or its outputs are incomplete or do not belong together
  4  no access: the credentials are missing or expired, belong to another account, or lack a permission
  5  refused: at present the command is impossible or would do harm; nothing was changed
  6  incomplete. `status`, `audit`, `order trace`, `preflight`, `load`, `events replay` or `orders resend` could not \
read something, and the output names it. Or a command did only a part: run it again
  130  interrupted

example:
  python -m ops status --stack prod

what next:
  `status` shows what is wrong and which command to type. For dead letters: `dlq list`. For one order:
  `order trace ID`.
"""
_COMMANDS = (
    "status",
    "errors",
    "audit",
    "logs",
    "dlq",
    "order",
    "orders",
    "events",
    "worker",
    "stock",
    "page",
    "mute",
    "preflight",
    "cost",
    "deploy",
    "smoke",
    "load",
)


def parser() -> argparse.ArgumentParser:
    """Build the parser of the whole command line."""
    root = argparse.ArgumentParser(
        prog="python -m ops",
        description="See which orders wait or have failed, and why. Redrive, resend or discard them.",
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in _COMMANDS:
        import_module(f"ops.cli.{name}").register(commands)
    return root


def main(arguments: Sequence[str], at: Context | None = None) -> int:
    """Run one command and return its exit code.

    If `at` is given, the command runs in this context, not on the stack that the command line
    chooses.
    """
    out, errors = (at.out, at.err) if at else (Screen(stderr=False), Screen(stderr=True))
    try:
        options = parser().parse_args(arguments)
    finally:
        out.finish()
    choice, label = choice_of(options), "the stack"
    try:
        if "before_up" in options:
            return int(options.before_up(options))
        target = at.target if at else resolve(choice)
        label = target.label
        if at is None:
            errors.print_line(target.describe(), style="dim")
            clients = Clients(target)
            clients.check()
            at = Context(target, clients, options.json, out=out, err=errors)
        run: Run = options.run
        return run(options, replace(at, arguments=arguments, choice=choice))
    except OpsError as error:
        _fail(errors, error, choice)
        return int(error.exit_code)
    except (CorruptDataError, EntryRefusedError) as error:
        _fail(errors, error, choice)
        return int(ExitCode.FAILED)
    except (BotoCoreError, ClientError, DependencyError) as error:
        explained = _explained(error, label)
        _fail(errors, explained, choice)
        return int(explained.exit_code)
    except KeyboardInterrupt:
        errors.print("Stopped. Finished work is kept. Check what was done, then run the command again.")
        return int(ExitCode.INTERRUPTED)


def _fail(errors: Screen, error: Exception, choice: Choice) -> None:
    errors.print_line(completed(f"error: {error}", choice), style="red")


def _explained(error: BotoCoreError | ClientError | DependencyError, label: str) -> OpsError:
    cause = error.__cause__ if isinstance(error, DependencyError) else error
    return explain(cause, label) if isinstance(cause, BotoCoreError | ClientError) else OpsError(str(error))
