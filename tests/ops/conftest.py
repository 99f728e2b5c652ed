"""A simulated world for tests of `python -m ops`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.simulation.world import Deployment, World, simulated
from tests.ops.mock_stack import MockStack, account


@pytest.fixture
def world() -> Iterator[World]:
    """A world with stock, in which SQS dead-letters a message after two receives."""
    with simulated(World(seed=5, deployment=Deployment(max_receive_count=2))) as made:
        made.stock_up("SKU-1", 1000)
        yield made


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockStack]:
    """A stack on moto that the tests of a module share."""
    with account(tmp_path_factory.mktemp("stack")) as made:
        yield made
