"""The three implementations as fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flow.conformance.backends import Backend, FakeBackend, ministack_backend, moto_backend
from tests.flow.conformance.emulator import ministack


@pytest.fixture(scope="package")
def ministack_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running MiniStack."""
    with ministack(tmp_path_factory.mktemp("ministack")) as url:
        yield url


@pytest.fixture(scope="package")
def backends(ministack_url: str) -> Iterator[dict[str, Backend]]:
    """Every implementation by name."""
    with moto_backend() as moto, ministack_backend(ministack_url) as emulator:
        yield {"fake": FakeBackend(), "moto": moto, "ministack": emulator}


@pytest.fixture
def backend(backends: dict[str, Backend], implementation: str) -> Backend:
    """The implementation that the test is parametrized with."""
    return backends[implementation]
