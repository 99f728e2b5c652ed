"""Owns the emulator's process: when the supervisor ends for any reason, the guard ends the emulator and its workers.

The supervisor runs this script as `python -I guard.py` with the reading end of a pipe as standard input. The pipe's
first line is `{"command": …, "env": …, "log": …, "scratch": …}`. Every user could read these values if they were
command-line arguments. The guard writes one JSON line to standard output: the emulator's process id.
The emulator runs in a separate process group. The guard waits until the pipe closes (the supervisor ended or was
killed), the emulator ends, or a signal arrives. Then it ends the whole group and removes the scratch folder.
The script uses only the standard library and imports nothing of this package. So the script starts fast, and a defect
of the package cannot stop it.
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

# The longest time between SIGTERM and SIGKILL.
GRACE_SECONDS = 2.0
# The time for removing files after all processes have ended; the next start or stop removes the rest.
CLEANING_SECONDS = 4.0
_CLEANERS = 8
_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Start the emulator, wait until it must end, clean up. Returns 0, or 1 when the emulator ended first."""
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
    """Make each signal write its number as a byte, and return the file descriptor to read the bytes from."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return reading


def _start(options: dict[str, Any]) -> "subprocess.Popen[bytes]":
    # On Linux the kernel ends the emulator if the guard itself is killed.
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
            umask=0o077,  # only this user can open the emulator's socket and files
            preexec_fn=die_with_guard,  # noqa: PLW1509 this process has one thread
        )


def _wait(child: "subprocess.Popen[bytes]", wake: int) -> bool:
    """Block until the supervisor or emulator ends, or a signal arrives. Return whether the emulator ended first."""
    supervisor = sys.stdin.fileno()
    while True:
        readable, _, _ = select.select([supervisor, wake], [], [])
        if supervisor in readable and not os.read(supervisor, 64):
            return False
        if wake in readable:
            numbers = os.read(wake, 64)
            if any(number != signal.SIGCHLD for number in numbers):
                return False
            # Where `waitid` exists, `_has_ended` does not reap the emulator. So the kernel does not
            # reuse the emulator's process id, and `_end_group` signals the right process group.
            if _has_ended(child):
                return True


def _has_ended(child: "subprocess.Popen[bytes]") -> bool:
    # macOS has `waitid` only from Python 3.13 on. `poll` reaps the emulator, but `waitid` with WNOWAIT does not.
    if not hasattr(os, "waitid"):
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
    """Remove the scratch folder, subfolder by subfolder, until the time is up."""
    deadline = time.monotonic() + CLEANING_SECONDS
    folders = [entry.path for entry in os.scandir(scratch) if entry.is_dir(follow_symlinks=False)]

    def remove() -> None:
        while folders and time.monotonic() < deadline:
            with contextlib.suppress(IndexError):
                shutil.rmtree(folders.pop(), ignore_errors=True)

    # On a busy disk, each removal waits. Parallel removals are much faster.
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
