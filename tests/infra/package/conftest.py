"""Fixtures of the package tests."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache for tests that are not about installing. The first of them installs the dependencies for all."""
    return tmp_path_factory.mktemp("cache")
