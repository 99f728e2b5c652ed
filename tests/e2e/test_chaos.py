"""Tests the guarantees under many faults at once: repeated requests, broken connections, failing dependencies, killed
workers and scarce stock."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.chaos.scenario import Plan, chaos_stack, run
from local.client import LocalStack

pytestmark = [pytest.mark.e2e, pytest.mark.long]


PLAN = Plan(orders=200, clients=12, kills=3, outage_seconds=4)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[LocalStack]:
    with chaos_stack(tmp_path, PLAN) as stack:
        yield stack


def test_no_order_is_lost_or_doubled_under_many_faults(stack: LocalStack) -> None:
    # GIVEN two hundred orders, each of which a client sends until it is accepted; different callers use the same keys

    # WHEN connections break, dependencies fail, workers are killed, and dead letters are redriven
    verdict = run(stack, PLAN)

    # THEN each order has one effect, one answer and its event, and only the order's caller can read the order (G6)
    assert verdict.problems == []
    assert (verdict.numbers["lost"], verdict.numbers["doubled"]) == (0, 0)
    assert verdict.numbers["shared_keys"] == PLAN.orders // PLAN.callers
    assert "G6" in {finding.name for finding in verdict.findings}
