"""An `up` that is cancelled in the middle."""

import signal
import subprocess
from collections.abc import Callable
from threading import Event

import pytest

from lab.preview.memory_account import MemoryAccount
from tests.engine.conftest import NewStack

pytestmark = pytest.mark.engine

WAIT_SECONDS = 120


def hold(reached: Event, go_on: Event) -> Callable[[str, str], None]:
    """Makes the creation of the queue wait, so that a test can do something in the middle."""

    def before_create(_token: str, name: str) -> None:
        if name == "orders-queue":
            reached.set()
            go_on.wait(WAIT_SECONDS)

    return before_create


def test_a_cancelled_up_converges_when_it_is_run_again(new_stack: NewStack) -> None:
    # GIVEN a first `up` that is in the middle of creating a queue
    reached, go_on = Event(), Event()
    account = MemoryAccount(hold(reached, go_on))
    workspace = new_stack("dev", account)
    process = subprocess.Popen(
        workspace.command(*workspace.arguments("up", "--yes", "--skip-preview")),
        cwd=workspace.program,
        env=workspace.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert reached.wait(WAIT_SECONDS)
    # WHEN it is cancelled, and run again
    process.send_signal(signal.SIGINT)
    go_on.set()
    process.communicate(timeout=WAIT_SECONDS)
    created = set(account.resources)
    again = workspace.up()
    # THEN the first run had ended early
    assert process.returncode != 0
    assert 0 < len(created) < len(account.resources)
    # AND the second one made the rest, touching nothing that was there
    assert again.code == 0, again.output
    assert created < set(account.resources)
    assert set(again.changes.values()) <= {"create", "update"}
    assert not [urn for urn, op in again.changes.items() if op == "update" and "$aws:" in urn]
    # AND now nothing is left to do
    assert workspace.up().changes == {}
