"""`deploy shift`: moves callers to the newest versions, step by step."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ops.cli.common import add_command, dry_run
from ops.cli.context import Context
from ops.deploy.history import allow_again, note_shift
from ops.deploy.shift import Deployer, Ended, Move, plan
from ops.errors import ExitCode


def register(actions: Any) -> None:
    """Add the command."""
    command = add_command(
        actions,
        "shift",
        run_shift,
        "move callers to the newest versions, step by step, after `pulumi up` on a stack with gradual_deploy",
        "python -m ops deploy shift --stack prod",
        "shift waits for CodeDeploy. If one function is rolled back, shift stops the other deployments, because the\n"
        "  versions of one release belong together. Exit code 1: rolled back, or not finished.\n"
        "  Without gradual_deploy: no effect.",
        changes=True,
    )
    command.add_argument(
        "--again", action="store_true", help="also move callers to code that `deploy rollback` has rolled back"
    )
    command.add_argument(
        "--ignore-alarms",
        action="store_true",
        help="ignore alarms this time: for a release that repairs the cause of an alarm (docs/delivery.md)",
    )


def run_shift(options: argparse.Namespace, context: Context) -> int:
    """Move callers to the newest versions, or print the moves."""
    shifting = context.target.gradual_deploy
    if shifting is None:
        text = "This stack does not shift traffic: `pulumi up` itself moves all callers to new versions."
        return _report(context, "off", text)
    moves = plan(shifting, context.clients.lambda_, again=options.again)
    if not moves:
        return _report(context, "nothing-to-do", "Callers already use the newest versions.")
    if not options.yes:
        lines = (f"{each.key}: would move from version {each.current} to {each.target}" for each in moves)
        _report(context, "planned", "\n".join(lines), moves)
        dry_run(context)
        return ExitCode.OK
    return _move(context, shifting.application, moves, ignore_alarms=options.ignore_alarms)


def _move(context: Context, application: str, moves: Sequence[Move], *, ignore_alarms: bool) -> int:
    if ignore_alarms:
        context.say("alarms are ignored: they neither stop a deployment nor roll it back. Watch the deployments.")
    now = datetime.fromtimestamp(context.clock.time(), UTC)
    for each in moves:
        note_shift(context.clients.lambda_, each.function_arn, int(each.current), now)
    ended = Deployer(context.clients.codedeploy, application, context.say, ignore_alarms).run(moves)
    bad = ", ".join(each.key for each in ended if each.status != "Succeeded")
    if bad:
        _report(context, "rolled-back", f"rolled back or failed: {bad}", moves, ended)
        if moved := ", ".join(each.key for each in ended if each.status == "Succeeded"):
            context.say(
                f"Callers of {moved} already use the new version. Send them back: the versions of one release belong "
                "together."
            )
            context.next("python -m ops deploy rollback")
        return ExitCode.FAILED
    for each in moves:
        allow_again(context.clients.lambda_, each.function_arn, each.code)
    return _report(context, "moved", "Callers use the newest versions.", moves, ended)


def _report(context: Context, state: str, text: str, moves: Sequence[Move] = (), ended: Sequence[Ended] = ()) -> int:
    if context.as_json:
        context.print_json(
            {
                "stack": context.target.prefix,
                "state": state,
                "moves": [asdict(each) for each in moves],
                "deployments": [asdict(each) for each in ended],
            }
        )
    else:
        for line in text.splitlines():
            context.out.print_line(line)
    return ExitCode.OK
