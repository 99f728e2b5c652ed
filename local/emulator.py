"""Starts the emulator's process under its guard (guard.py), with the gate (proxy/gate.py) in front."""

import errno
import io
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import IO

from local.errors import LocalError, no_space
from local.files import private_folder, remove_tree, write_atomically
from local.instance import StateDir
from local.keys import Keys
from local.ports import LOOPBACK, connect_to, fits
from local.proxy.faults import Faults
from local.proxy.gate import Gate
from local.proxy.server import Proxy
from local.proxy.wire import Head, ProtocolError, Request, ServerSide
from local.services.aws import ACCOUNT_ID

_START_SECONDS = 30.0
_STOP_SECONDS = 8.0
_LOG_LINES = 8
# The free disk space that a start requires: little for the emulator itself, the rest for the workers' code.
_LEAST_BYTES = 64 * 1024 * 1024
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
# The socket's path is relative to the emulator's working directory, because a socket's path has a limited length.
_SOCKET = "aws"
_SESSIONS = "keys"
_HEALTH = Request(Head("GET", "/_ministack/health", ((b"Host", LOOPBACK.encode()),)))


@dataclass(frozen=True)
class EmulatorOptions:
    """Options of the emulator's start.

    `port` is the gate's port, 0 for a free one. `instance_id` marks the emulator's processes (ORDERS_LOCAL_INSTANCE).
    """

    interpreter: Path
    port: int
    region: str
    iam: bool
    instance_id: str


class Emulator:
    """A running emulator behind its gate. The guard ends the emulator when this process ends for any reason."""

    def __init__(self, guard: "subprocess.Popen[bytes]", pid: int, state: StateDir, gate: Gate, front: Proxy) -> None:
        self._guard = guard
        self._log = state.emulator_log
        self._socket = state.scratch / _SOCKET
        self._gate = gate
        self._front = front
        self.pid = pid
        self.keys = gate.keys
        self.endpoint_url = front.url

    @property
    def guard_pid(self) -> int:
        """Return the guard's process id."""
        return self._guard.pid

    @property
    def is_running(self) -> bool:
        """Return whether the guard runs. The guard ends as soon as the emulator ends."""
        return self._guard.poll() is None

    def wait_until_healthy(self) -> None:
        """Wait until the emulator answers. If it does not, raise `LocalError` with the end of the emulator's log."""
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(self._socket):
            if not self.is_running:
                raise LocalError(f"The emulator ended while starting.\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise LocalError(f"The emulator did not answer within {_START_SECONDS:.0f} s.\n{self.log_tail()}")
            time.sleep(0.05)

    def proxy_with(self, faults: Faults) -> Proxy:
        """Return a second proxy to the emulator, with the same gate. `faults` apply only to this proxy's calls."""
        return Proxy(partial(connect_to, self._socket), self._gate, faults)

    def log_tail(self) -> str:
        """Return the last lines of the emulator's log, and the log's path."""
        text = self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return "\n".join([f"The end of {self._log}:", *(f"  {line}" for line in text)])

    def stop(self) -> None:
        """End the emulator with all of its workers, and remove the scratch folder."""
        self._front.stop()
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        try:
            self._guard.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()


def start_emulator(state: StateDir, options: EmulatorOptions, lock: int) -> Emulator:
    """Start the emulator under a guard. The guard inherits `lock`, so the folder is locked until the clean-up ends.

    Raises `LocalError` when the path is too long, the port is taken, the disk is full or the guard does not start.
    """
    if not fits(state.scratch / _SOCKET):
        raise LocalError(
            f"The path {state.path} is too long: a socket in it can't be reached on this system. "
            "Choose a shorter one: --state-dir DIR (or ORDERS_LOCAL_DIR)."
        )
    remove_tree(state.scratch)
    private_folder(state.scratch)
    sessions = state.scratch / _SESSIONS
    private_folder(sessions)
    if shutil.disk_usage(state.scratch).free < _LEAST_BYTES:
        raise no_space(state.path, "64 MB")
    write_atomically(state.emulator_log, "")
    gate = Gate(Keys.fresh(), sessions)
    front = _front(state, gate, options.port)
    environment = _environment(state, options, front.port, gate.keys)
    try:
        guard, pid = _start_guarded(state, environment, options.interpreter, lock)
    except BaseException:
        front.stop()
        raise
    front.start()
    return Emulator(guard, pid, state, gate, front)


def _front(state: StateDir, gate: Gate, port: int) -> Proxy:
    try:
        return Proxy(partial(connect_to, state.scratch / _SOCKET), gate, port=port)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "is taken by another program" if taken else f"can't be used: {error.strerror}"
        raise LocalError(
            f"Port {port} {reason}. Give another port with --port N, or leave --port out for a free one."
        ) from None


def _start_guarded(
    state: StateDir, environment: dict[str, str], interpreter: Path, lock: int
) -> "tuple[subprocess.Popen[bytes], int]":
    argument = {
        # -P: the script's folder is not added to the emulator's module path.
        "command": [str(interpreter), "-P", str(Path(__file__).with_name("launch.py"))],
        "env": environment,
        "log": str(state.emulator_log),
        "scratch": str(state.scratch),
    }
    guard = subprocess.Popen(
        [sys.executable, "-I", str(Path(__file__).with_name("guard.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        pass_fds=(lock,),
    )
    # If the guard has already ended, the empty answer below shows it.
    with suppress(BrokenPipeError):
        _write_line(guard.stdin, json.dumps(argument))
    with guard.stdout or io.BytesIO() as answer:
        line = answer.readline()
    if not line:
        raise LocalError(f"The emulator's guard ended with code {guard.wait()} before it started anything.")
    return guard, json.loads(line)["pid"]


def _write_line(stream: IO[bytes] | None, line: str) -> None:
    if stream is not None:
        stream.write(f"{line}\n".encode())
        stream.flush()


def _environment(state: StateDir, options: EmulatorOptions, port: int, keys: Keys) -> dict[str, str]:
    """Return the environment variables, without the caller's AWS or Python settings."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | {
        "AUTH": "true" if options.iam else "false",
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_DEFAULT_REGION": options.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        # With Docker, MiniStack would remove unrelated containers at its start.
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        "GATEWAY_PORT": str(port),  # the gate's port, because MiniStack returns URLs with this port
        "HOME": str(state.scratch),  # so that the functions' SDK does not read the user's ~/.aws
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "MINISTACK_HOST": LOOPBACK,
        "MINISTACK_REGION": options.region,
        "ORDERS_LOCAL_INSTANCE": options.instance_id,
        "ORDERS_LOCAL_KEYS": str(state.scratch / _SESSIONS),
        "ORDERS_LOCAL_SOCKET": _SOCKET,
        "PYTHONDONTWRITEBYTECODE": "1",
        "S3_DATA_DIR": str(state.scratch / "s3"),
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(state.scratch / "state"),
        "TMPDIR": str(state.scratch),
    }


def _answers(path: Path) -> bool:
    try:
        with connect_to(path) as connection:
            connection.settimeout(2)
            return ServerSide(connection).exchange(_HEALTH).status == HTTPStatus.OK
    except (OSError, ProtocolError):
        return False
