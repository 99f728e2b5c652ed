"""Finds and kills the emulator's Lambda worker processes."""

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local.instance import Instance

_NAME = b"AWS_LAMBDA_FUNCTION_NAME="


@dataclass(frozen=True)
class Worker:
    """A worker process and the physical name of its function (empty where the system does not show the name)."""

    pid: int
    function: str


def worker_processes(instance: Instance) -> list[Worker]:
    """Return the workers that are alive: all processes of the emulator's process group except the emulator itself."""
    listing = subprocess.run(
        ["/bin/ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in listing.splitlines()]
    return [
        Worker(int(pid), _function(int(pid)))
        for pid, group, state in rows
        if int(group) == instance.emulator_pid != int(pid) and not state.startswith("Z")
    ]


def kill_workers(instance: Instance, function: str) -> int:
    """Kill the workers of one function (physical name) and return their number."""
    chosen = [each for each in worker_processes(instance) if each.function == function]
    for worker in chosen:
        with suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)
    return len(chosen)


def _function(pid: int) -> str:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return ""  # no /proc here, or the process has just ended
    return next((part[len(_NAME) :].decode() for part in environment.split(b"\0") if part.startswith(_NAME)), "")
