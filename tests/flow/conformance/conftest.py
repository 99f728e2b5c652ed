"""Fixtures of the three implementations of DynamoDB and SQS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flow.conformance.backends import Backend, FakeBackend, ministack_backend, moto_backend


@pytest.fixture(scope="package")
def backends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Backend]]:
    """Yield every implementation by name."""
    with moto_backend() as moto, ministack_backend(tmp_path_factory.mktemp("ministack")) as emulator:
        yield {"fake": FakeBackend(), "moto": moto, "ministack": emulator}


@pytest.fixture
def backend(backends: dict[str, Backend], implementation: str) -> Backend:
    """Return the implementation for this case of the test."""
    return backends[implementation]
