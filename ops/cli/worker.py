"""`worker`: pause and resume."""

import argparse
from dataclasses import asdict
from typing import Any

from ops.cli.common import add_command, add_decision, add_group, dry_run
from ops.cli.desk import Desk
from ops.errors import ExitCode
from ops.gateway.worker import DISABLED, ENABLED, Mapping, Pause, tell_pause
from ops.logic.decision import Decision


def register(commands: Any) -> None:
    """Add the commands."""
    actions = add_group(
        commands,
        "worker",
        "stop and restart the processing of orders",
        'python -m ops worker pause --by "Ada" --reason "bad release" --yes',
        "paused, orders wait in the queue and keep their attempts. Never forget to resume: status reminds you.",
    )
    pause = add_command(
        actions,
        "pause",
        run_pause,
        "stop taking orders from the queue; batches that run are finished, new orders are still accepted",
        'python -m ops worker pause --by "Ada" --reason "bad release" --yes',
        "repair or roll back, then worker resume. A deploy that changes the mapping resumes it as well.",
        changes=True,
    )
    add_decision(pause, "status shows it to everybody")
    add_command(
        actions,
        "resume",
        run_resume,
        "take orders from the queue again",
        "python -m ops worker resume --yes",
        "status shows the backlog drain.",
        changes=True,
    )


def run_pause(options: argparse.Namespace, desk: Desk) -> int:
    """Pause."""
    decision = Decision.of(options.by, options.reason)
    before = desk.worker.mapping()
    after = before
    if options.yes and before.state != DISABLED:
        after = desk.worker.pause(before, decision, waiting=lambda state: desk.say(f"worker: {state} …"))
    return _report(options, desk, (before, after), None, DISABLED)


def run_resume(options: argparse.Namespace, desk: Desk) -> int:
    """Resume."""
    before = desk.worker.mapping()
    after, pause = before, None
    if before.state != ENABLED:
        pause = desk.worker.recorded_pause(before)
        desk.say(f"It was {tell_pause(before, pause, desk.clock.time())}.")
        if options.yes:
            after = desk.worker.resume(before, waiting=lambda state: desk.say(f"worker: {state} …"))
    return _report(options, desk, (before, after), pause, ENABLED)


def _report(
    options: argparse.Namespace, desk: Desk, states: tuple[Mapping, Mapping], pause: Pause | None, wanted: str
) -> int:
    before, after = states
    if desk.as_json:
        paused = None if pause is None else asdict(pause)
        desk.print_json({"dry_run": not options.yes, "before": before.state, "after": after.state, "paused": paused})
    elif before.state == wanted:
        desk.out.tell(f"worker: {wanted} already")
    else:
        desk.out.tell(f"worker: {before.state} -> {wanted}{'' if options.yes else ' (would be)'}")
    if not options.yes and before.state != wanted:
        dry_run(desk)
    else:
        desk.next("python -m ops status" if wanted == ENABLED else "python -m ops worker resume --yes")
    return ExitCode.OK
