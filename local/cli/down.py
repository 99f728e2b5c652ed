"""`down`: stop a running instance."""

import argparse
import os
import signal
from contextlib import suppress
from typing import Any

from rich.console import Console

from local.cli.common import add_command, state_dir
from local.control import Control
from local.errors import ExitCode, LocalError
from local.instance import StateDir

# The functions' unpacked code has thousands of files. Their removal can take long.
_GRACE_SECONDS = 60.0
_FORCED_SECONDS = 8.0


def register(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "down",
        "stop the instance and remove its files except the logs; all state of the embedded AWS is lost",
        "python -m local down",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Stop the instance. The exit code is 0 even if no instance was running."""
    state = state_dir(options)
    console = Console(stderr=True, highlight=False)
    was_running = stop(state)
    console.print("Stopped." if was_running else f"Nothing was running in {state.path}.")
    return ExitCode.OK


def stop(state: StateDir) -> bool:
    """Stop the instance and clean its folder. If the instance does not stop on request, a signal ends it.

    Returns whether an instance was running.
    """
    if not state.path.exists():
        return False
    was_running = state.is_held
    if was_running:
        _end(state)
    with state.held():
        state.clean()
    return was_running


def _end(state: StateDir) -> None:
    instance = state.read_instance()
    if instance is None:
        if not state.wait_until_free(_GRACE_SECONDS):
            raise LocalError(f"The instance in {state.path} is just starting. Try again in a moment.")
        return
    with suppress(LocalError):
        Control(instance).stop()
        if instance.ready and state.wait_until_free(_GRACE_SECONDS):
            return
    if not instance.ready:
        # A starting supervisor handles the stop request only between its steps; a signal interrupts the current step.
        _signal(instance.supervisor_pid, signal.SIGTERM)
        if state.wait_until_free(_GRACE_SECONDS):
            return
    # The folder is still locked, so the process ids in it still belong to this instance.
    _signal(instance.supervisor_pid, signal.SIGKILL)
    if not state.wait_until_free(_FORCED_SECONDS):
        raise LocalError(
            f"Processes {instance.supervisor_pid} and {instance.guard_pid} of {state.path} do not end. "
            f"End them by hand: kill -9 {instance.supervisor_pid} {instance.guard_pid}"
        )


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
