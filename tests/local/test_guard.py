"""Tests that the guard ends all processes and removes their files when the supervisor or the emulator ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import guard

# A stand-in for the emulator. It starts two workers in its process group; one of them ignores SIGTERM.
EMULATOR = """
import os, signal, subprocess, sys, time
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
workers = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
           for code in ("print(1, flush=True); import time; time.sleep(60)", stubborn)]
for worker in workers:
    worker.stdout.readline()
os.makedirs("worker-1/code")
open("pids", "w").write(" ".join(str(worker.pid) for worker in workers))
time.sleep(60)
"""


class Guarded:
    def __init__(self, process: "subprocess.Popen[bytes]", emulator: int, workers: list[int], scratch: Path) -> None:
        self.process = process
        self.emulator = emulator
        self.workers = workers
        self.scratch = scratch

    @property
    def alive(self) -> list[int]:
        return [pid for pid in (self.process.pid, self.emulator, *self.workers) if is_alive(pid)]


def is_alive(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def wait_for(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.05)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    options = {
        "command": [sys.executable, "-c", EMULATOR],
        "env": {"PATH": os.environ["PATH"]},
        "log": str(tmp_path / "log"),
        "scratch": str(scratch),
    }
    process = subprocess.Popen(
        [sys.executable, "-I", guard.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{json.dumps(options)}\n".encode())
    process.stdin.flush()
    emulator = json.loads(process.stdout.readline())["pid"]
    wait_for(lambda: (scratch / "pids").exists() and (scratch / "pids").read_text().count(" ") == 1)
    workers = [int(pid) for pid in (scratch / "pids").read_text().split()]
    found = Guarded(process, emulator, workers, scratch)
    yield found
    process.stdin.close()
    process.wait(10)
    process.stdout.close()
    assert found.alive == []


def test_a_closed_pipe_ends_emulator_and_workers_and_removes_their_files(guarded: Guarded) -> None:
    # GIVEN a running emulator with workers, one of which ignores SIGTERM
    assert len(guarded.alive) == 4

    # WHEN the pipe to the guard closes, as it always does when the supervisor ends
    assert guarded.process.stdin is not None
    guarded.process.stdin.close()

    # THEN every process ends, and the scratch folder is deleted
    assert guarded.process.wait(10) == 0
    assert guarded.alive == []
    assert not guarded.scratch.exists()


def test_a_killed_emulator_ends_its_workers(guarded: Guarded) -> None:
    # GIVEN a running emulator
    # WHEN it is killed
    os.kill(guarded.emulator, signal.SIGKILL)

    # THEN the workers end too, and the guard's exit code shows that the emulator ended first
    assert guarded.process.wait(10) == 1
    assert guarded.alive == []
    assert not guarded.scratch.exists()


def test_a_killed_worker_does_not_end_the_emulator(guarded: Guarded) -> None:
    # GIVEN a running emulator
    # WHEN one of its workers is killed
    os.kill(guarded.workers[0], signal.SIGKILL)
    time.sleep(0.3)

    # THEN all other processes keep running
    assert len(guarded.alive) == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_guard_that_is_stopped_ends_every_process(guarded: Guarded, number: signal.Signals) -> None:
    # GIVEN a running emulator
    # WHEN the guard gets a signal that ends processes
    guarded.process.send_signal(number)

    # THEN it ends the emulator and the workers before it ends itself
    assert guarded.process.wait(10) == 0
    assert guarded.alive == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can end a child when its parent is killed")
def test_a_killed_guard_ends_the_emulator(guarded: Guarded) -> None:
    # GIVEN a running emulator
    # WHEN the guard itself is killed
    guarded.process.kill()
    guarded.process.wait(10)

    # THEN the kernel ends the emulator. (Real workers end when their input closes; these stand-ins do not.)
    wait_for(lambda: not is_alive(guarded.emulator))
    for pid in guarded.workers:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: guarded.alive == [])


def test_the_time_for_removing_files_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a folder to remove, and a time limit that has already passed
    monkeypatch.setattr(guard, "CLEANING_SECONDS", -1.0)
    (tmp_path / "worker-1").mkdir()

    # WHEN the guard cleans the folder
    guard._clean(str(tmp_path))

    # THEN the guard removes nothing; the next start removes the folder
    assert (tmp_path / "worker-1").exists()
