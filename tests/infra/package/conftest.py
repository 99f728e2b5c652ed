"""Fixtures of the package tests."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache for all tests that are not about the installation of dependencies.

    The first test that uses the cache installs the dependencies into it.
    """
    return tmp_path_factory.mktemp("cache")
