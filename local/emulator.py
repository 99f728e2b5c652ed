"""The emulator's process, by way of its guard."""

import http.client
import io
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local.errors import LocalError, no_space
from local.files import remove_tree
from local.instance import StateDir
from local.ports import LOOPBACK
from local.services.aws import ACCESS_KEY_ID, ACCOUNT_ID, SECRET_ACCESS_KEY

_START_SECONDS = 30.0
_STOP_SECONDS = 8.0
_LOG_LINES = 8
# The emulator itself needs little; a state folder with less than this can't hold the workers' code either.
_LEAST_BYTES = 64 * 1024 * 1024
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class EmulatorOptions:
    """How to start it. `instance_id` marks its processes (environment variable ORDERS_LOCAL_INSTANCE)."""

    interpreter: Path
    port: int
    region: str
    iam: bool
    instance_id: str


class Emulator:
    """A running emulator. Whatever ends this process also ends it, through the guard."""

    def __init__(self, guard: "subprocess.Popen[bytes]", pid: int, port: int, log: Path) -> None:
        self._guard = guard
        self._log = log
        self.pid = pid
        self.port = port
        self.endpoint_url = f"http://{LOOPBACK}:{port}"

    @property
    def guard_pid(self) -> int:
        """The guard's process id."""
        return self._guard.pid

    @property
    def is_running(self) -> bool:
        """False as soon as the emulator (or its guard) is gone."""
        return self._guard.poll() is None

    def wait_until_healthy(self) -> None:
        """Wait until it answers. Raises `LocalError` with the end of its log when it does not."""
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(self.endpoint_url):
            if not self.is_running:
                raise LocalError(f"The emulator ended while starting.\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise LocalError(f"The emulator did not answer within {_START_SECONDS:.0f} s.\n{self.log_tail()}")
            time.sleep(0.05)

    def log_tail(self) -> str:
        """The last lines of its log, with where the rest is."""
        text = self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return "\n".join([f"The end of {self._log}:", *(f"  {line}" for line in text)])

    def stop(self) -> None:
        """End it with all of its workers, and remove the scratch folder."""
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        try:
            self._guard.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()


def start_emulator(state: StateDir, options: EmulatorOptions, lock: int) -> Emulator:
    """Start the emulator behind a guard, which inherits `lock` and so holds the state folder until it is clean."""
    remove_tree(state.scratch)
    state.scratch.mkdir(parents=True)
    if shutil.disk_usage(state.scratch).free < _LEAST_BYTES:
        raise no_space(state.path, "64 MB")
    state.emulator_log.write_text("")
    argument = {
        # -P: the folder of the script is none of the emulator's modules.
        "command": [str(options.interpreter), "-P", str(Path(__file__).with_name("launch.py"))],
        "env": _environment(state, options),
        "log": str(state.emulator_log),
        "scratch": str(state.scratch),
    }
    guard = subprocess.Popen(
        [sys.executable, "-I", str(Path(__file__).with_name("guard.py")), json.dumps(argument)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        pass_fds=(lock,),
    )
    with guard.stdout or io.BytesIO() as answer:
        line = answer.readline()
    if not line:
        raise LocalError(f"The emulator's guard ended with code {guard.wait()} before it started anything.")
    return Emulator(guard, json.loads(line)["pid"], options.port, state.emulator_log)


def _environment(state: StateDir, options: EmulatorOptions) -> dict[str, str]:
    """Nothing of the caller's AWS or Python settings may reach the emulator or the functions."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | {
        "AUTH": "true" if options.iam else "false",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_DEFAULT_REGION": options.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "BIND_HOST": LOOPBACK,
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",  # it would remove other people's containers at start
        "GATEWAY_PORT": str(options.port),
        "HOME": str(state.scratch),  # the functions' SDK would read ~/.aws
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "MINISTACK_HOST": LOOPBACK,
        "MINISTACK_REGION": options.region,
        "ORDERS_LOCAL_INSTANCE": options.instance_id,
        "PYTHONDONTWRITEBYTECODE": "1",
        "S3_DATA_DIR": str(state.scratch / "s3"),
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(state.scratch / "state"),
        "TMPDIR": str(state.scratch),
    }


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or LOOPBACK, parts.port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
