"""Starts the embedded AWS with nothing deployed in it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.emulator import Emulator, EmulatorOptions, start_emulator
from local.environment import ensure_environment
from local.instance import StateDir
from local.services.aws import Aws


@contextmanager
def emulator_behind_its_gate(folder: Path, region: str, *, iam: bool = False) -> Iterator[Emulator]:
    """Run the emulator behind its gate (local/proxy/gate.py) until the context ends. Its state is in `folder`."""
    state = StateDir(folder)
    with state.held() as lock:
        options = EmulatorOptions(ensure_environment(lambda _: None), 0, region, iam, secrets.token_hex(8))
        emulator = start_emulator(state, options, lock)
        try:
            emulator.wait_until_healthy()
            yield emulator
        finally:
            emulator.stop()


@contextmanager
def emulated_aws(folder: Path, region: str) -> Iterator[Aws]:
    """Run an embedded AWS and yield its clients."""
    with emulator_behind_its_gate(folder, region) as emulator:
        yield Aws(emulator.endpoint_url, region, emulator.keys)
