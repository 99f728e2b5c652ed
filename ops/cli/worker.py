"""`worker`: pauses and resumes the worker."""

import argparse
from dataclasses import asdict
from typing import Any

from ops.cli.common import add_command, add_decision, add_group, dry_run
from ops.cli.context import Context
from ops.errors import ExitCode
from ops.gateway.worker import DISABLED, ENABLED, Mapping, Pause, describe_pause
from ops.logic.decision import Decision


def register(commands: Any) -> None:
    """Add the commands."""
    actions = add_group(
        commands,
        "worker",
        "stop and restart the processing of orders",
        'python -m ops worker pause --by "Ada" --reason "bad release" --yes',
        "orders wait in the queue and lose no attempts while the worker is paused. `status` shows the pause.\n"
        "  Resume the worker later.",
    )
    pause = add_command(
        actions,
        "pause",
        run_pause,
        "stop receiving orders from the queue; running batches finish, and the API still accepts orders",
        'python -m ops worker pause --by "Ada" --reason "bad release" --yes',
        "repair or roll back, then `worker resume`.\n"
        "  A deploy that changes the event source mapping also resumes the worker.",
        changes=True,
    )
    add_decision(pause, "status shows the name and the reason to everybody")
    add_command(
        actions,
        "resume",
        run_resume,
        "receive orders from the queue again",
        "python -m ops worker resume --yes",
        "status shows how the backlog shrinks.",
        changes=True,
    )


def run_pause(options: argparse.Namespace, context: Context) -> int:
    """Pause the worker, or print its state."""
    decision = Decision.of(options.by, options.reason)
    before = context.worker.mapping()
    after = before
    if options.yes and before.state != DISABLED:
        after = context.worker.pause(before, decision, waiting=lambda state: context.say(f"worker: {state} …"))
    return _report(options, context, (before, after), None, DISABLED)


def run_resume(options: argparse.Namespace, context: Context) -> int:
    """Resume the worker, or print its state and who paused it."""
    before = context.worker.mapping()
    after, pause = before, None
    if before.state != ENABLED:
        pause = context.worker.recorded_pause(before)
        context.say(f"The worker was {describe_pause(before, pause, context.clock.time())}.")
        if options.yes:
            after = context.worker.resume(before, waiting=lambda state: context.say(f"worker: {state} …"))
    return _report(options, context, (before, after), pause, ENABLED)


def _report(
    options: argparse.Namespace, context: Context, states: tuple[Mapping, Mapping], pause: Pause | None, wanted: str
) -> int:
    before, after = states
    if context.as_json:
        paused = None if pause is None else asdict(pause)
        context.print_json({"dry_run": not options.yes, "before": before.state, "after": after.state, "paused": paused})
    elif before.state == wanted:
        context.out.print_line(f"worker: already {wanted}")
    else:
        context.out.print_line(f"worker: was {before.state}, {'is now' if options.yes else 'would be'} {wanted}")
    if not options.yes and before.state != wanted:
        dry_run(context)
    else:
        context.next("python -m ops status" if wanted == ENABLED else "python -m ops worker resume --yes")
    return ExitCode.OK
