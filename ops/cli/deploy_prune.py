"""`deploy prune`: deletes old versions of the functions."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ops.cli.common import add_command, dry_run
from ops.cli.context import Context
from ops.deploy.prune import KEEP, Pruned, plan, prune
from ops.errors import ExitCode


def register(actions: Any) -> None:
    """Add the command."""
    command = add_command(
        actions,
        "prune",
        run_prune,
        f"delete old versions; keep the newest {KEEP}, those in use, and those that `deploy shift` or a rollback needs",
        "python -m ops deploy prune --stack prod",
        "no further step: a rollback never needs the deleted versions. Versions that failed to start are deleted too.\n"
        "  Exit code 6: some could not be deleted.",
        changes=True,
    )
    command.add_argument(
        "--keep",
        type=_count,
        default=KEEP,
        metavar="N",
        help=f"how many of the newest versions to keep (default: {KEEP})",
    )


def run_prune(options: argparse.Namespace, context: Context) -> int:
    """Delete old versions, or print which would be deleted."""
    # All functions are checked before anything is deleted.
    done = [plan(context.clients.lambda_, function, options.keep) for function in context.target.functions]
    if options.yes:
        done = [prune(context.clients.lambda_, each) for each in done]
    _report(context, done, act=options.yes)
    if not options.yes:
        dry_run(context)
    return ExitCode.INCOMPLETE if any(each.failed for each in done) else ExitCode.OK


def _report(context: Context, done: Sequence[Pruned], *, act: bool) -> None:
    if context.as_json:
        context.print_json({"dry_run": not act, "functions": [asdict(each) for each in done]})
        return
    for each in done:
        gone = _list(each, [version for version in each.old if version not in each.failed]) or "none"
        kept = _list(each, each.kept)
        text = f"deleted {gone}; kept {kept}" if act else f"would delete {gone}; would keep {kept}"
        context.out.print_line(f"{each.function}: {text}")
        for version, why in each.failed.items():
            context.out.print_line(f"  version {version} was not deleted: {why}")


def _list(pruned: Pruned, versions: Sequence[int]) -> str:
    states = pruned.states
    return ", ".join(f"{each} ({states[each]})" if each in states else f"{each}" for each in versions)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"given {text}; allowed: a whole number from 1")
    return int(text)
