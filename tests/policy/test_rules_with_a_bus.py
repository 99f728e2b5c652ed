"""Rules of the policy pack on a stack with a bus: kept with and without a key of its own, and noticed when broken."""

import json
from dataclasses import replace

import pytest

from lab.recording.stacks import recorded_with
from policy.model import Rule
from policy.rules import RULES
from tests.policy.test_rules import BY_NAME, EVENT_BUS, TARGET, as_rules_see, messages

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
def test_a_stack_with_a_bus_keeps_the_rules_too(rule: Rule, encryption: str) -> None:
    # GIVEN prod with a bus, a queue made here and one of somebody else
    resources = as_rules_see(recorded_with("prod", {**BUS, "orders:encryption": encryption}))
    # THEN nothing of it breaks a rule
    assert [(v.resource.name, v.message) for v in rule.violations(list(resources))] == []


@pytest.mark.parametrize(
    ("loser", "rule"),
    [
        (TARGET, "event-targets-have-a-dead-letter-queue"),
        (EVENT_BUS, "encrypted-event-buses-have-a-dead-letter-queue"),
    ],
)
def test_who_loses_its_queue_of_failures_is_noticed(loser: str, rule: str) -> None:
    # GIVEN the same under a key of its own, without the dead-letter queues of the targets or the bus
    resources = [
        replace(each, props={**each.props, "deadLetterConfig": None}, references={}) if each.type == loser else each
        for each in as_rules_see(recorded_with("prod", {**BUS, "orders:encryption": "customer"}))
    ]
    # THEN two rules are broken: the resource's, and that of the queue which gets no messages any more
    for name in (rule, "queues-have-a-dead-letter-queue"):
        assert messages(BY_NAME[name], resources)
