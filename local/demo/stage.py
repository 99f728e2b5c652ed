"""Starts an instance of the local stack for the command `demo` or `incident`.

Stops and removes the instance afterwards.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from local.client import LocalStack
from local.instance import ROOT, STATE_VARIABLE, StateDir
from local.progress import ConsoleReporter
from local.supervisor import Supervisor, UpOptions, interrupt_on_signals


def own_state(given: str | None, name: str) -> StateDir:
    """Return the given folder. By default, return the subfolder `name` of the default state folder.

    The command `up` uses the default state folder itself, so an instance of `up` can run at the
    same time.
    """
    return StateDir(Path(given) if given else Path(os.environ.get(STATE_VARIABLE) or ROOT / ".local") / name)


@contextmanager
def instance_for_a_story(state: StateDir, options: UpOptions, console: Console) -> Iterator[LocalStack]:
    """Start an instance. Stop it at the end of the block, or at once after Ctrl-C."""
    reporter = ConsoleReporter(Console(stderr=True))
    interrupt_on_signals()
    try:
        with Supervisor(state, options, reporter).run():
            try:
                yield LocalStack(state)
            finally:
                console.print("Stopping the embedded AWS and removing its files …", style="dim")
    finally:
        reporter.close()
