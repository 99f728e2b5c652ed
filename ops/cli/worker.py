"""`worker`: pause and resume."""

import argparse
from typing import Any

from ops.cli.common import add_command, add_group, dry_run
from ops.cli.desk import Desk
from ops.errors import ExitCode
from ops.gateway.worker import DISABLED, ENABLED


def register(commands: Any) -> None:
    """Add the commands."""
    actions = add_group(
        commands,
        "worker",
        "stop and restart the processing of orders",
        "python -m ops worker pause --yes",
        "paused, orders wait in the queue and keep their attempts. Never forget to resume: status reminds you.",
    )
    pause = "stop taking orders from the queue; batches that run are finished, new orders are still accepted"
    add_command(
        actions,
        "pause",
        run_pause,
        pause,
        "python -m ops worker pause --yes",
        "repair or roll back, then worker resume. A deploy that changes the mapping resumes it as well.",
        changes=True,
    )
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
    return _switch(options, desk, enabled=False)


def run_resume(options: argparse.Namespace, desk: Desk) -> int:
    """Resume."""
    return _switch(options, desk, enabled=True)


def _switch(options: argparse.Namespace, desk: Desk, *, enabled: bool) -> int:
    before = desk.worker.mapping()
    wanted = ENABLED if enabled else DISABLED
    after = before
    if options.yes and before.state != wanted:
        after = desk.worker.switch(before.uuid, enabled=enabled, waiting=lambda state: desk.say(f"worker: {state} …"))
    if desk.as_json:
        desk.print_json({"dry_run": not options.yes, "before": before.state, "after": after.state})
    elif before.state == wanted:
        desk.out.tell(f"worker: {wanted} already")
    else:
        desk.out.tell(f"worker: {before.state} -> {wanted}{'' if options.yes else ' (would be)'}")
    if not options.yes and before.state != wanted:
        dry_run(desk)
    else:
        desk.next("python -m ops status" if enabled else "python -m ops worker resume --yes")
    return ExitCode.OK
