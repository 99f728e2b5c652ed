"""How the engine's values reach the rules."""

from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policy.engine import plain, to_policy
from policy.model import UNKNOWN
from policy.rules import RULES


def test_unknown_values_are_seen_and_not_stumbled_over() -> None:
    # GIVEN properties as the engine hands them over, some not known in a preview
    props = unknown_checking_proxy({"a": UNKNOWN_STRING_VALUE, "b": {"c": [1, UNKNOWN_STRING_VALUE]}, "d": "text"})
    # WHEN they are made plain
    seen = plain(props)
    # THEN the known ones are there and the others are marked
    assert seen == {"a": UNKNOWN, "b": {"c": [1, UNKNOWN]}, "d": "text"}


def test_every_rule_becomes_a_policy_of_its_level() -> None:
    # WHEN the pack is put together
    policies = [to_policy(rule) for rule in RULES]
    # THEN names and levels are those of the rules
    assert [policy.name for policy in policies] == [rule.name for rule in RULES]
    assert [policy.enforcement_level and policy.enforcement_level.value for policy in policies] == [
        rule.level for rule in RULES
    ]
