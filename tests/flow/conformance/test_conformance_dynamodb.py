"""DynamoDB: the fake, moto and MiniStack do what AWS documents, but for the deviations listed."""

from __future__ import annotations

import pytest

from tests.flow.conformance import dynamodb_expressions, dynamodb_requests
from tests.flow.conformance.backends import Backend
from tests.flow.conformance.deviations import expected_of
from tests.flow.conformance.scenario import IMPLEMENTATIONS, Scenario

pytestmark = pytest.mark.long

SCENARIOS = [*dynamodb_expressions.SCENARIOS, *dynamodb_requests.SCENARIOS]


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_dynamodb_does_what_is_documented(scenario: Scenario, implementation: str, backend: Backend) -> None:
    # GIVEN the implementation and what AWS (or the listed deviation) shows
    expected = expected_of(scenario, implementation)
    # WHEN the scenario runs
    observed = scenario.observe(backend)
    # THEN it shows just that
    assert observed == expected, f"AWS: {scenario.expected!r}, see {scenario.docs}"
