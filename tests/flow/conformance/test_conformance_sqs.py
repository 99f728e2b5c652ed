"""Tests that the fake, moto and MiniStack behave as AWS documents SQS, except for the listed deviations."""

from __future__ import annotations

import pytest

from tests.flow.conformance import dynamodb_expressions, dynamodb_requests, mapping_reports, sqs_requests
from tests.flow.conformance.backends import Backend
from tests.flow.conformance.deviations import DEVIATIONS, expected_of
from tests.flow.conformance.scenario import IMPLEMENTATIONS, Scenario

pytestmark = pytest.mark.long


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("scenario", sqs_requests.SCENARIOS, ids=lambda one: one.name)
def test_sqs_behaves_as_documented(scenario: Scenario, implementation: str, backend: Backend) -> None:
    # GIVEN an implementation and its expected result
    expected = expected_of(scenario, implementation)
    # WHEN the scenario runs
    observed = scenario.observe(backend)
    # THEN the result is the expected one
    assert observed == expected, f"AWS: {scenario.expected!r}, see {scenario.docs}"


def test_every_deviation_names_a_scenario_and_an_emulator() -> None:
    # GIVEN all scenarios and the table of deviations
    modules = (dynamodb_expressions, dynamodb_requests, sqs_requests, mapping_reports)
    names = [scenario.name for module in modules for scenario in module.SCENARIOS]
    # WHEN the two are compared
    known = [(one.implementation, one.scenario) for one in DEVIATIONS]
    # THEN scenarios and deviations are unique. Each deviation names a scenario and an emulator. The fake has none
    assert len(names) == len(set(names))
    assert len(known) == len(set(known))
    assert {scenario for _, scenario in known} <= set(names)
    assert {implementation for implementation, _ in known} <= {"moto", "ministack"}
