"""An emulator without a stack, for tests of single resources."""

from collections.abc import Iterator

import pytest

from local.services.aws import Aws
from tests.emulated import emulated_aws


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with emulated_aws(tmp_path_factory.mktemp("emulator"), "us-east-1") as aws:
        yield aws
