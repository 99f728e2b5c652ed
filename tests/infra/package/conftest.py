"""Fixtures of the package tests."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache for tests that do not test installing. The first of these tests installs the dependencies."""
    return tmp_path_factory.mktemp("cache")
