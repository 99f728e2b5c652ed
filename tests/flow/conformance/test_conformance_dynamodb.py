"""Tests that the fake, moto and MiniStack behave as AWS documents DynamoDB, except for the listed deviations."""

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
def test_dynamodb_behaves_as_documented(scenario: Scenario, implementation: str, backend: Backend) -> None:
    # GIVEN an implementation and its expected result
    expected = expected_of(scenario, implementation)
    # WHEN the scenario runs
    observed = scenario.observe(backend)
    # THEN the result is the expected one
    assert observed == expected, f"AWS: {scenario.expected!r}, see {scenario.docs}"
