"""Tests the policy pack on stacks that together have every allowed pair of option values.

test_rules.py tests it on the stacks whose configuration is in the repository.
"""

import pytest

from policy.rules import RULES
from tests.infra.test_option_combinations import recorded_combinations
from tests.policy.test_rules import policy_resources

pytestmark = pytest.mark.long


LOOSE = {"production-tables-are-protected", "production-tables-are-recoverable"}


def test_only_unprotected_production_tables_break_a_mandatory_rule() -> None:
    # GIVEN
    stacks = [(each, policy_resources(recording)) for each, recording in recorded_combinations()]

    # WHEN
    broken = [
        {
            rule.name
            for rule in RULES
            if rule.level == "mandatory" and next(iter(rule.violations(list(resources))), None) is not None
        }
        for _, resources in stacks
    ]

    # THEN production stacks with unprotected tables break the two rules on production's tables, and no other mandatory
    # rule. Other stacks break none
    unprotected = [each["environment"] == "production" and each["data"] == "loose" for each, _ in stacks]
    assert any(unprotected)
    assert broken == [LOOSE if each else set() for each in unprotected]
