"""Tests the policy pack on a stack with a bus, with and without a customer managed key."""

import json
from dataclasses import replace

import pytest

from lab.recording.stacks import recorded_with
from policy.model import Rule
from policy.rules import RULES
from tests.policy.test_rules import BY_NAME, EVENT_BUS, TARGET, messages, policy_resources

BUS = {
    "orders:events_target": "bus",
    "orders:subscriptions": json.dumps(
        [
            "{name: own, protocol: sqs}",
            "{name: theirs, protocol: sqs, endpoint: 'arn:aws:sqs:eu-west-1:123456789012:q'}",
        ]
    ),
}


@pytest.mark.parametrize("encryption", ["aws", "customer"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_stack_with_a_bus_breaks_no_policy_rule(rule: Rule, encryption: str) -> None:
    # GIVEN prod with a bus, a subscribed queue of the stack and a subscribed queue of another owner
    resources = policy_resources(recorded_with("prod", {**BUS, "orders:encryption": encryption}))
    # THEN no resource breaks the rule
    assert [(v.resource.name, v.message) for v in rule.violations(list(resources))] == []


@pytest.mark.parametrize(
    ("resource_type", "rule"),
    [
        (TARGET, "event-targets-have-a-dead-letter-queue"),
        (EVENT_BUS, "encrypted-event-buses-have-a-dead-letter-queue"),
    ],
)
def test_a_missing_reference_to_a_dead_letter_queue_breaks_two_rules(resource_type: str, rule: str) -> None:
    # GIVEN prod with a bus and a customer managed key. The targets, or the bus, do not refer to their dead-letter queue
    resources = [
        replace(each, props={**each.props, "deadLetterConfig": None}, references={})
        if each.type == resource_type
        else each
        for each in policy_resources(recorded_with("prod", {**BUS, "orders:encryption": "customer"}))
    ]
    # THEN the rule on these resources is broken. The rule on queues is broken too: nothing refers to the dead-letter
    # queue, so it counts as an ordinary queue. An ordinary queue needs a dead-letter queue
    for name in (rule, "queues-have-a-dead-letter-queue"):
        assert messages(BY_NAME[name], resources)
