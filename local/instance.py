"""An instance's state folder: its files, its lock, and the record of the running instance."""

import contextlib
import fcntl
import json
import os
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from local.errors import AlreadyRunningError, NotRunningError
from local.files import private_folder, remove_tree, write_atomically
from local.keys import Keys

ROOT = Path(__file__).resolve().parent.parent
STATE_VARIABLE = "ORDERS_LOCAL_DIR"
# How long to wait for the lock of a killed supervisor. The supervisor's guard cleans up before it releases the lock.
_HANDOVER_SECONDS = 10.0
# How long to wait for the lock in all other cases. A process that only reads `is_held` holds the
# lock, too, but just for a moment.
_PROBE_SECONDS = 0.3


class Instance(BaseModel):
    """A running instance, as written to `instance.json`. Only the user who started it can read this file.

    The file contains the page's key.
    """

    model_config = ConfigDict(frozen=True)

    supervisor_pid: int
    guard_pid: int
    emulator_pid: int = Field(description="Also the id of the process group of the emulator and its workers.")
    endpoint_url: str
    proxy_url: str
    page_url: str = Field(description="The web page's address, with the key that opens it.")
    iam: bool = Field(description="Whether IAM is enforced.")
    started_at: float
    ready: bool = False


class Outputs(BaseModel):
    """Content of `outputs.json`: addresses and keys of the embedded AWS, and the stack's outputs as further members."""

    model_config = ConfigDict(frozen=True, extra="allow")

    endpoint_url: str
    region: str
    aws_access_key_id: str
    aws_secret_access_key: str
    account_id: str
    proxy_url: str = Field(description="The endpoint that the functions use; faults are injected there.")
    iam: bool = False

    @property
    def keys(self) -> Keys:
        """Return the credentials of the embedded AWS."""
        return Keys(self.aws_access_key_id, self.aws_secret_access_key)

    def __getitem__(self, name: str) -> Any:
        """Return a stack output by its name."""
        return (self.model_extra or {})[name]


class StateDir:
    """The folder of one instance."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.outputs = self.path / "outputs.json"
        self.resources = self.path / "resources.json"
        self.instance = self.path / "instance.json"
        self.scratch = self.path / "tmp"
        self.engine = self.path / "engine"
        self.emulator_log = self.path / "emulator.log"
        self.supervisor_log = self.path / "supervisor.log"
        self._lock = self.path / "lock"

    @classmethod
    def chosen(cls, given: str | None) -> "StateDir":
        """Return the folder from `--state-dir`, else from ORDERS_LOCAL_DIR, else `.local` in the repository."""
        return cls(Path(given or os.environ.get(STATE_VARIABLE) or ROOT / ".local"))

    def make(self) -> None:
        """Make a folder that only its owner can open. If an older version left it open to all users, close it."""
        private_folder(self.path)
        if self._lock.exists():
            self.path.chmod(0o700)

    @property
    def option(self) -> str:
        """Return the `--state-dir` that a command needs for this instance; empty if this folder is the default."""
        return "" if self.path == StateDir.chosen(None).path else f" --state-dir {shlex.quote(str(self.path))}"

    @contextlib.contextmanager
    def held(self) -> Iterator[int]:
        """Lock the folder for this process, and for each process that inherits the yielded file descriptor.

        The kernel releases the lock when all of them have ended, so a crash leaves no stale lock.
        Raises `AlreadyRunningError`.
        """
        self.make()
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._acquire(descriptor)
            yield descriptor
        finally:
            os.close(descriptor)

    def _acquire(self, descriptor: int) -> None:
        started = time.monotonic()
        while not _try_lock(descriptor):
            instance = self.read_instance()
            alive = instance is None or _alive(instance.supervisor_pid)
            if time.monotonic() > started + (_PROBE_SECONDS if alive else _HANDOVER_SECONDS):
                raise AlreadyRunningError(_already(self, instance))
            time.sleep(0.05)

    @property
    def is_held(self) -> bool:
        """Return whether an instance, or the guard that cleans up after one, has locked the folder."""
        if not self._lock.exists():
            return False
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CLOEXEC)
        try:
            return not _try_lock(descriptor)
        finally:
            os.close(descriptor)

    def wait_until_free(self, seconds: float) -> bool:
        """Wait until no process has locked the folder. Return whether that happened in time."""
        deadline = time.monotonic() + seconds
        while self.is_held:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def clean(self) -> None:
        """Remove the files of a former instance. Only the process that has locked the folder may call this."""
        self.forget()
        for folder in (self.scratch, self.engine):
            remove_tree(folder)

    def forget(self) -> None:
        """Remove the files that describe a running instance."""
        for path in (self.outputs, self.resources, self.instance):
            path.unlink(missing_ok=True)

    def read_instance(self) -> Instance | None:
        """Return the record of the instance; `None` if there is none."""
        try:
            return Instance.model_validate_json(self.instance.read_text())
        except FileNotFoundError:
            return None

    def running(self) -> Instance:
        """Return the running instance. Raises `NotRunningError`."""
        instance = self.read_instance()
        if instance is None or not self.is_held or not _alive(instance.supervisor_pid):
            raise NotRunningError(
                f"Nothing is running in {self.path}. Start it: python -m local up --detach (with --state-dir DIR "
                "or ORDERS_LOCAL_DIR for another folder)."
            )
        return instance

    def read_outputs(self) -> Outputs:
        """Return the outputs of the running instance. Raises `NotRunningError`, also while the instance is starting."""
        self.running()
        try:
            return Outputs.model_validate_json(self.outputs.read_text())
        except FileNotFoundError:
            raise NotRunningError(f"The instance in {self.path} is still starting. Try again in a moment.") from None

    def write_instance(self, instance: Instance) -> None:
        """Write the record of the running instance."""
        write_atomically(self.instance, instance.model_dump_json(indent=2))

    def write_outputs(self, outputs: Outputs, resources: list[dict[str, Any]]) -> None:
        """Write the resources, then the outputs. The outputs come last: their file means that the instance is ready."""
        write_atomically(self.resources, json.dumps(resources, indent=2))
        write_atomically(self.outputs, outputs.model_dump_json(indent=2))


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _already(state: StateDir, instance: Instance | None) -> str:
    what = f"running at {instance.endpoint_url} (process {instance.supervisor_pid})" if instance else "starting"
    return (
        f"An instance is already {what} with the state folder {state.path}. "
        f"Stop it: python -m local down{state.option}. Or start a second one beside it: --state-dir DIR."
    )
