"""Owns the emulator's process: when its supervisor goes away, however it goes, nothing of it is left.

Run as a script by the supervisor: `python -I guard.py` with the reading end of a pipe as standard input. Its first line
is `{"command": …, "env": …, "log": …, "scratch": …}`: not an argument, because every user can read those. The emulator
runs in a process group of its own. The guard ends the whole group, and removes the scratch folder, as soon as the pipe
closes (the supervisor ended or was killed), the emulator ends, or the guard is told to stop. It answers one JSON line
on standard output: the emulator's process id.
Only the standard library, no import of this package: it must start fast and survive anything the package does.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import Any

# How long processes get between SIGTERM and SIGKILL.
GRACE_SECONDS = 2.0
# How long this process may stay to remove files once all others are gone; the next start or stop removes the rest.
CLEANING_SECONDS = 4.0
_CLEANERS = 8
_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Start the emulator, wait for the first reason to end, clean up. Returns 0, or 1 when the emulator ended first."""
    options = json.loads(_first_line(sys.stdin.fileno()))
    wake = _signals_as_bytes()
    child = _start(options)
    sys.stdout.write(json.dumps({"pid": child.pid}) + "\n")
    sys.stdout.flush()
    ended_by_itself = _wait(child, wake)
    _end_group(child)
    _clean(options["scratch"])
    return 1 if ended_by_itself else 0


def _first_line(stream: int) -> bytes:
    line = b""
    while not line.endswith(b"\n") and (data := os.read(stream, 65_536)):
        line += data
    return line


def _signals_as_bytes() -> int:
    """Signals only wake the wait; the bytes come out of the returned file descriptor."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return reading


def _start(options: dict[str, Any]) -> "subprocess.Popen[bytes]":
    # Should the guard itself be killed, the kernel ends the emulator (Linux).
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def die_with_guard() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    with open(options["log"], "ab") as log:  # noqa: PTH123 pathlib would be this script's slowest import
        return subprocess.Popen(
            options["command"],
            env=options["env"],
            cwd=options["scratch"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,  # its socket, and all that it writes, are for its user only
            preexec_fn=die_with_guard,  # noqa: PLW1509 this process has one thread
        )


def _wait(child: "subprocess.Popen[bytes]", wake: int) -> bool:
    """Block until the supervisor, the emulator or a signal says that it is over; whether it was the emulator."""
    supervisor = sys.stdin.fileno()
    while True:
        readable, _, _ = select.select([supervisor, wake], [], [])
        if supervisor in readable and not os.read(supervisor, 64):
            return False
        if wake in readable:
            numbers = os.read(wake, 64)
            if any(number != signal.SIGCHLD for number in numbers):
                return False
            # Leave it unreaped: as long as it is a zombie, nobody else can get its process group's number.
            if _has_ended(child):
                return True


def _has_ended(child: "subprocess.Popen[bytes]") -> bool:
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return child.poll() is not None
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end_group(child: "subprocess.Popen[bytes]") -> None:
    """End the emulator and its workers: SIGTERM first, then SIGKILL."""
    _signal_group(child.pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline:
        if _has_ended(child):
            break
        time.sleep(0.02)
    _signal_group(child.pid, signal.SIGKILL)
    child.wait()


def _clean(scratch: str) -> None:
    """Remove the workers' unpacked code, folder by folder, as long as there is time."""
    deadline = time.monotonic() + CLEANING_SECONDS
    folders = [entry.path for entry in os.scandir(scratch) if entry.is_dir(follow_symlinks=False)]

    def remove() -> None:
        while folders and time.monotonic() < deadline:
            with contextlib.suppress(IndexError):
                shutil.rmtree(folders.pop(), ignore_errors=True)

    # On a busy disk each removal waits its turn: side by side they take a tenth of the time.
    threads = [threading.Thread(target=remove) for _ in range(_CLEANERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not folders:
        shutil.rmtree(scratch, ignore_errors=True)


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    sys.exit(main())
