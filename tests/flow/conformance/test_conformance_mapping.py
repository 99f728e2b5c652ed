"""Tests that the event source mapping in the fake and in MiniStack behaves as AWS documents, except
for the listed deviations."""

from __future__ import annotations

import pytest

from tests.flow.conformance import mapping_reports
from tests.flow.conformance.backends import Backend
from tests.flow.conformance.deviations import expected_of
from tests.flow.conformance.scenario import Scenario

pytestmark = pytest.mark.long


# moto is left out, because it runs functions only in Docker.
@pytest.mark.parametrize("implementation", ["fake", "ministack"])
@pytest.mark.parametrize("scenario", mapping_reports.SCENARIOS, ids=lambda one: one.name)
def test_mapping_behaves_as_documented(scenario: Scenario, implementation: str, backend: Backend) -> None:
    # GIVEN a queue, a function that returns the scenario's report, and a mapping between them
    expected = expected_of(scenario, implementation)
    # WHEN the scenario's messages are delivered
    observed = scenario.observe(backend)
    # THEN they are deleted or kept, as expected
    assert observed == expected, f"AWS: {scenario.expected!r}, see {scenario.docs}"
