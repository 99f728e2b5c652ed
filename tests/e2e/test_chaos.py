"""Everything at once: blind clients, broken connections, failing dependencies, killed workers, stock that runs out."""

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


def test_nothing_is_lost_or_doubled_in_a_storm(stack: LocalStack) -> None:
    # GIVEN hundreds of orders of clients that repeat them until they are accepted, of callers with the same keys

    # WHEN connections break, dependencies fail and workers are killed meanwhile, and dead letters are redriven
    verdict = run(stack, PLAN)

    # THEN each order has one effect, one answer and its event, counted from the AWS APIs, and only its caller finds it
    assert verdict.problems == []
    assert (verdict.numbers["lost"], verdict.numbers["doubled"]) == (0, 0)
    assert verdict.numbers["shared_keys"] == PLAN.orders // PLAN.callers
    assert "G6" in {finding.name for finding in verdict.findings}
