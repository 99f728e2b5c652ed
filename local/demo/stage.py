"""An instance that is there for one story, and nothing of it afterwards."""

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
    """The folder that was asked for, or one of its own, so that a running `up` is not disturbed."""
    return StateDir(Path(given) if given else Path(os.environ.get(STATE_VARIABLE) or ROOT / ".local") / name)


@contextmanager
def instance_for_a_story(state: StateDir, options: UpOptions, console: Console) -> Iterator[LocalStack]:
    """Start it, and stop it at the end or at Ctrl-C, which is answered at once."""
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
