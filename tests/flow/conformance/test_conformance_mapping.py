"""The event source mapping: the model and MiniStack's real one do what AWS documents, but for the deviations listed."""

from __future__ import annotations

import pytest

from tests.flow.conformance import mapping_reports
from tests.flow.conformance.backends import Backend
from tests.flow.conformance.deviations import expected_of
from tests.flow.conformance.scenario import Scenario

pytestmark = pytest.mark.long


# moto runs functions in Docker only: it has no part in this.
@pytest.mark.parametrize("implementation", ["fake", "ministack"])
@pytest.mark.parametrize("scenario", mapping_reports.SCENARIOS, ids=lambda one: one.name)
def test_mapping_does_what_is_documented(scenario: Scenario, implementation: str, backend: Backend) -> None:
    # GIVEN a queue, a function that answers with this report, and a mapping between them
    expected = expected_of(scenario, implementation)
    # WHEN a message is delivered
    observed = scenario.observe(backend)
    # THEN it is deleted or kept, just as documented
    assert observed == expected, f"AWS: {scenario.expected!r}, see {scenario.docs}"
