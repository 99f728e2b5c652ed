"""Tests an `up` that is cancelled while it creates resources."""

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
    """Return a hook that acts before the orders queue is created: it sets `reached`, and waits for `go_on`."""

    def before_create(_token: str, name: str) -> None:
        if name == "orders-queue":
            reached.set()
            go_on.wait(WAIT_SECONDS)

    return before_create


def test_a_cancelled_up_is_completed_by_the_next_one(new_stack: NewStack) -> None:
    # GIVEN a first `up` that is creating a queue
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
    # WHEN it is cancelled, and `up` runs again
    process.send_signal(signal.SIGINT)
    go_on.set()
    process.communicate(timeout=WAIT_SECONDS)
    created = set(account.resources)
    again = workspace.up()
    # THEN the first run ended early
    assert process.returncode != 0
    assert 0 < len(created) < len(account.resources)
    # AND the second run created the other resources, and did not change the existing ones
    assert again.code == 0, again.output
    assert created < set(account.resources)
    assert set(again.changes.values()) <= {"create", "update"}
    assert not [urn for urn, op in again.changes.items() if op == "update" and "$aws:" in urn]
    # AND a third run changes nothing
    assert workspace.up().changes == {}
