"""Starts the supervisor as a separate process and waits until the instance is ready."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from typing import IO

from local.errors import AlreadyRunningError, ExitCode, LocalError, explain_os_error
from local.files import write_atomically
from local.instance import ROOT, StateDir
from local.progress import Reporter

_GIVE_UP_SECONDS = 15


def start_detached(state: StateDir, arguments: list[str], reporter: Reporter) -> None:
    """Start `up` with `arguments` in a new session, and report its progress until the instance is ready.

    Raises `LocalError` with the reason when the start fails. Ctrl-C during the start ends the new process.
    """
    try:
        process, stream = _spawn(state, arguments)
    except OSError as error:
        raise explain_os_error(error, state.path) from error
    try:
        with stream:
            _follow(stream, reporter, state)
    except BaseException:
        # The caller gets an error, so no process may remain.
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GIVE_UP_SECONDS)
        raise


def _spawn(state: StateDir, arguments: list[str]) -> "tuple[subprocess.Popen[bytes], IO[str]]":
    state.make()
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "local", "up", "--state-dir", str(state.path), "--ready-fd", str(writing)]
    if not state.is_held:
        write_atomically(state.supervisor_log, "")
    with state.supervisor_log.open("ab") as log:
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(writing,),
        )
    os.close(writing)
    return process, os.fdopen(reading)


def _follow(stream: IO[str], reporter: Reporter, state: StateDir) -> None:
    for line in stream:
        event = json.loads(line)
        kind = event["event"]
        if kind == "begin":
            reporter.begin(event["title"])
        elif kind == "note":
            reporter.note(event["text"])
        elif kind == "done":
            reporter.done(event["title"], event["seconds"], event["detail"])
        elif kind == "failed":
            raise _failure(event["message"], event["exit_code"])
        elif kind == "ready":
            return
    tail = state.supervisor_log.read_text(errors="replace").splitlines()[-8:]
    raise LocalError(
        "\n  ".join([f"The supervisor ended before it was ready. The end of {state.supervisor_log}:", *tail])
    )


def _failure(message: str, exit_code: int) -> LocalError:
    if exit_code == ExitCode.ALREADY_RUNNING:
        return AlreadyRunningError(message)
    return LocalError(message)
