"""Lets Python code start, use and stop a local stack.

>>> with LocalStack.started(tmp_path, config={"retry_base_seconds": "1"}) as stack:
...     stack.outputs["api_url"], stack.aws.sqs
...     with stack.fault("sqs", "SendMessage", FaultKind.RESET, count=2):
...         ...
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from local.cli.common import connect
from local.cli.down import stop
from local.control import Control
from local.errors import LocalError
from local.instance import ROOT, STATE_VARIABLE, Instance, Outputs, StateDir
from local.proxy.faults import FaultKind, FaultRule, FaultStatus
from local.services.aws import Aws
from local.workers import Worker, kill_workers, worker_processes

_START_SECONDS = 300


class LocalStack:
    """A running instance."""

    def __init__(self, state: StateDir) -> None:
        self.state = state

    @classmethod
    def attach(cls, state_dir: Path | None = None) -> Self:
        """Return the instance that runs in `state_dir`. Raises `NotRunningError` if none runs, or if it is starting.

        The default is ORDERS_LOCAL_DIR, else `.local` in the repository.
        """
        stack = cls(StateDir.chosen(str(state_dir) if state_dir else None))
        stack.state.read_outputs()
        return stack

    @classmethod
    def start(
        cls,
        state_dir: Path,
        *,
        iam: bool = False,
        port: int = 0,
        warm_workers: int = 3,
        config: Mapping[str, str] | None = None,
    ) -> Self:
        """Start an instance, as `up --detach` does. Raises `LocalError` with the error message of `up`."""
        command = [sys.executable, "-m", "local", "up", "--detach", "--json", "--state-dir", str(state_dir)]
        command += ["--port", str(port), "--warm", str(warm_workers), *(["--iam"] if iam else [])]
        for key, value in (config or {}).items():
            command += ["-c", f"{key}={value}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_START_SECONDS, check=False)
        if done.returncode:
            raise LocalError(done.stderr.strip())
        return cls(StateDir(state_dir))

    @classmethod
    @contextmanager
    def started(
        cls, state_dir: Path, *, iam: bool = False, warm_workers: int = 3, config: Mapping[str, str] | None = None
    ) -> Iterator[Self]:
        """Start an instance and stop it afterwards."""
        stack = cls.start(state_dir, iam=iam, warm_workers=warm_workers, config=config)
        try:
            yield stack
        finally:
            stack.stop()

    def stop(self) -> None:
        """Stop the instance and remove its files except the logs. Does nothing if the instance is already stopped."""
        stop(self.state)

    @cached_property
    def instance(self) -> Instance:
        """Return the processes and addresses of the instance."""
        return self.state.running()

    @cached_property
    def outputs(self) -> Outputs:
        """Return the addresses and keys; `outputs["name"]` is an output of the stack."""
        return self.state.read_outputs()

    @cached_property
    def aws(self) -> Aws:
        """Return AWS clients with the credentials of the root user. Fault rules do not apply to their calls."""
        return connect(self.outputs).connect()

    @cached_property
    def resources(self) -> list[dict[str, Any]]:
        """Return every deployed resource: urn, type, name, id, state."""
        resources: list[dict[str, Any]] = json.loads(self.state.resources.read_text())
        return resources

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run `python -m` with these arguments, as from a shell. `ops` commands use this stack."""
        environment = {**os.environ, "ORDERS_STACK": "local", STATE_VARIABLE: str(self.state.path)}
        command = [sys.executable, "-m", *words]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_START_SECONDS, check=False
        )

    def redrive(self, *words: str, by: str, reason: str) -> str:
        """Run `ops dlq redrive` with `--yes` and return its output. Raises `LocalError` with the command's message."""
        done = self.run("ops", "dlq", "redrive", *words, "--by", by, "--reason", reason, "--yes")
        if done.returncode:
            raise LocalError(f"The redrive failed: {done.stderr.strip()}")
        return done.stdout

    def add_fault(self, service: str, operation: str | None, kind: FaultKind, **limits: Any) -> FaultStatus:
        """Add a rule that makes the functions' calls fail, as `fault add` does. `limits` are fields of `FaultRule`."""
        return Control(self.instance).add_fault(FaultRule(service=service, operation=operation, kind=kind, **limits))

    def faults(self) -> list[FaultStatus]:
        """Return the fault rules, each with the number of calls that failed because of it."""
        return Control(self.instance).faults()

    def clear_faults(self) -> int:
        """Remove all rules and return their number."""
        return Control(self.instance).clear_faults()

    @contextmanager
    def fault(self, service: str, operation: str | None, kind: FaultKind, **limits: Any) -> Iterator[FaultStatus]:
        """Add a rule as `add_fault` does, and remove all rules at the end of the block."""
        status = self.add_fault(service, operation, kind, **limits)
        try:
            yield status
        finally:
            self.clear_faults()

    def workers(self) -> list[Worker]:
        """Return the Lambda worker processes that are alive."""
        return worker_processes(self.instance)

    def kill_workers(self, function: str) -> int:
        """Kill the workers of one function (physical name) and return their number."""
        return kill_workers(self.instance, function)
