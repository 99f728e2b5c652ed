"""SQS: the fake, moto and MiniStack do what AWS documents, but for the deviations listed."""

from __future__ import annotations

import pytest

from tests.flow.conformance import dynamodb_expressions, dynamodb_requests, mapping_reports, sqs_requests
from tests.flow.conformance.backends import Backend
from tests.flow.conformance.deviations import DEVIATIONS, expected_of
from tests.flow.conformance.scenario import IMPLEMENTATIONS, Scenario

pytestmark = pytest.mark.long


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("scenario", sqs_requests.SCENARIOS, ids=lambda one: one.name)
def test_sqs_does_what_is_documented(scenario: Scenario, implementation: str, backend: Backend) -> None:
    # GIVEN the implementation and what AWS (or the listed deviation) shows
    expected = expected_of(scenario, implementation)
    # WHEN the scenario runs
    observed = scenario.observe(backend)
    # THEN it shows just that
    assert observed == expected, f"AWS: {scenario.expected!r}, see {scenario.docs}"


def test_every_deviation_is_of_a_scenario_and_not_ours() -> None:
    # GIVEN all scenarios
    modules = (dynamodb_expressions, dynamodb_requests, sqs_requests, mapping_reports)
    names = [scenario.name for module in modules for scenario in module.SCENARIOS]
    # WHEN the table is compared with them
    known = [(one.implementation, one.scenario) for one in DEVIATIONS]
    # THEN names are unique, each row is of a scenario, and the fake has no excuse
    assert len(names) == len(set(names))
    assert len(known) == len(set(known))
    assert {scenario for _, scenario in known} <= set(names)
    assert {implementation for implementation, _ in known} <= {"moto", "ministack"}
