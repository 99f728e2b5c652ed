"""An emulator without a stack, for tests of single resources."""

from collections.abc import Iterator

import pytest

from local.emulator import EmulatorOptions, start_emulator
from local.environment import ensure_environment
from local.instance import StateDir
from local.ports import free_port
from local.services.aws import Aws


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    state = StateDir(tmp_path_factory.mktemp("emulator"))
    interpreter = ensure_environment(lambda _: None)
    with state.held() as lock:
        options = EmulatorOptions(interpreter, free_port(), "us-east-1", iam=False, instance_id="handlers")
        emulator = start_emulator(state, options, lock)
        try:
            emulator.wait_until_healthy()
            yield Aws(emulator.endpoint_url, "us-east-1")
        finally:
            emulator.stop()
