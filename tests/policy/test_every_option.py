"""The policy pack over every pair of values of any two options, not over the three stacks only."""

import pytest

from policy.rules import RULES
from tests.infra.test_option_combinations import recorded_combinations
from tests.policy.test_rules import as_rules_see

pytestmark = pytest.mark.long


LOOSE = {"production-tables-are-protected", "production-tables-are-recoverable"}


def test_no_option_breaks_a_mandatory_rule_but_tables_that_production_may_lose() -> None:
    # GIVEN
    stacks = [(each, as_rules_see(recording)) for each, recording in recorded_combinations()]

    # WHEN
    broken = [
        {
            rule.name
            for rule in RULES
            if rule.level == "mandatory" and next(iter(rule.violations(list(resources))), None) is not None
        }
        for _, resources in stacks
    ]

    # THEN those are what the pack refuses where the configuration does not
    careless = [each["environment"] == "production" and each["data"] == "loose" for each, _ in stacks]
    assert any(careless)
    assert broken == [LOOSE if each else set() for each in careless]
