"""Tests what `ops preflight` reads from a state that Pulumi has written."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from threading import Event

import pytest

from lab.preview.memory_account import MemoryAccount
from ops.preflight.finding import Verdict
from ops.preflight.stack_facts import StackFacts, collect_facts
from ops.preflight.state import state
from ops.target import Choice
from tests.engine.conftest import NewStack
from tests.engine.test_cancel import WAIT_SECONDS, hold

pytestmark = pytest.mark.engine


def lock(known: StackFacts) -> tuple[Verdict, str]:
    (found,) = [each for each in state(known) if each.check == "lock of the state"]
    return found.verdict, found.found


def stop_between_writes(group: int, backend: Path) -> None:
    """Stop a process group at a moment when the state's files are complete. Pulumi does not write them atomically."""
    for _ in range(100):
        os.killpg(group, signal.SIGSTOP)
        time.sleep(0.05)
        states = list(backend.glob(".pulumi/stacks/**/*.json"))
        try:
            if states and all(json.loads(each.read_text()) for each in states):
                return
        except json.JSONDecodeError:
            pass
        os.killpg(group, signal.SIGCONT)
        time.sleep(0.05)
    raise AssertionError(f"no complete state in {backend}")


def test_a_killed_update_leaves_its_lock_and_its_resources(
    new_stack: NewStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a stack that was never deployed; environment variables name its backend
    reached, go_on = Event(), Event()
    workspace = new_stack("dev", MemoryAccount(hold(reached, go_on)))
    for name, value in workspace.environment.items():
        monkeypatch.setenv(name, value)
    first = collect_facts(Choice(stack="dev"))
    assert (first.outputs, first.ids(), lock(first)[0]) == ({}, frozenset(), Verdict.OK)

    # WHEN its first `up` is killed while it creates resources
    process = subprocess.Popen(
        workspace.command(*workspace.arguments("up", "--yes", "--skip-preview")),
        cwd=workspace.program,
        env=workspace.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert reached.wait(WAIT_SECONDS)
    stop_between_writes(process.pid, workspace.backend)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(WAIT_SECONDS)
    go_on.set()
    killed = collect_facts(Choice(stack="dev"))

    # THEN preflight reports the lock with its holder, and reads the resources in the state
    verdict, text = lock(killed)
    assert (verdict, f"(process {process.pid})" in text) == (Verdict.ERROR, True)
    assert killed.outputs == {}
    assert killed.ids()

    # WHEN the lock is removed with the command that preflight names
    workspace.checked("cancel", "--yes", "--stack", "dev")

    # THEN there is no lock
    assert lock(killed)[0] is Verdict.OK
