"""Tests the rules about policy documents.

Each case is a statement that obeys a rule, and one change that makes the statement break it.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.policy.test_rules import (
    BY_NAME,
    QUEUE,
    QUEUE_POLICY,
    TLS_ONLY,
    link,
    make,
    messages,
    policy,
    with_queue,
)

_EVERYBODY: dict[str, Any] = {"Principal": {"AWS": "*"}}
# Rule, arguments of `policy` for a statement that keeps the rule, and the change that breaks the rule.
ONE_CHANGE: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("no-wildcard-actions", {"effect": "Deny", "action": "sqs:*"}, {"effect": "Allow"}),
    ("no-wildcard-actions", {"action": ["sqs:SendMessage"]}, {"action": ["sqs:SendMessage", "sqs:Get*"]}),
    ("no-wildcard-actions", {}, {"NotAction": "sqs:DeleteQueue"}),
    ("no-wildcard-resources", {"effect": "Deny", "resource": "*"}, {"effect": "Allow"}),
    ("no-wildcard-resources", {"resource": ["arn:aws:sqs:::q"]}, {"resource": ["arn:aws:sqs:::q", "*"]}),
    ("no-wildcard-resources", {}, {"NotResource": "arn:aws:sqs:::q"}),
    (
        "no-wildcard-resources",
        {"action": ["xray:PutTraceSegments"], "resource": "*"},
        {"action": ["xray:PutTraceSegments", "sqs:SendMessage"]},
    ),
    ("no-public-resource-policies", {"effect": "Deny", **_EVERYBODY}, {"effect": "Allow"}),
    ("no-public-resource-policies", {**_EVERYBODY, "Condition": {"Bool": {}}}, {"Condition": {}}),
    (
        "no-public-resource-policies",
        {"Principal": {"AWS": ["123456789012"]}},
        {"Principal": {"AWS": ["123456789012", "*"]}},
    ),
    ("no-public-resource-policies", {"Principal": {"AWS": "123456789012"}}, {"Principal": "*"}),
]


HARMLESS: dict[str, Any] = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:::q"}
SHAPES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "in a list": lambda statement: [statement],
    "without a list": lambda statement: statement,
    "after another statement": lambda statement: [HARMLESS, statement],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "statement", "change"), ONE_CHANGE)
def test_one_change_of_a_statement_breaks_the_rule(
    name: str, statement: dict[str, Any], change: dict[str, Any], shape: str
) -> None:
    # GIVEN / WHEN
    kept, broken = (
        messages(BY_NAME[name], [make(QUEUE_POLICY, {"policy": json.dumps({"Statement": SHAPES[shape](each)})})])
        for each in (json.loads(policy(**given))["Statement"][0] for given in (statement, {**statement, **change}))
    )

    # THEN
    assert kept == []
    assert len(broken) == 1


def test_the_rule_on_tls_accepts_the_required_statement_alone_or_in_a_list_or_after_another_statement() -> None:
    # GIVEN
    statement = json.loads(TLS_ONLY)["Statement"][0]
    documents = [json.dumps({"Statement": SHAPES[shape](statement)}) for shape in SHAPES]

    # WHEN / THEN
    for each in documents:
        assert (
            messages(
                BY_NAME["queues-and-topics-take-tls-only"], with_queue(link(QUEUE_POLICY, "queueUrl", each, QUEUE))
            )
            == []
        )


@pytest.mark.parametrize(
    "change", [{"Effect": "Allow"}, {"Condition": {}}, {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}]
)
def test_one_change_of_the_statement_about_tls_breaks_the_rule(change: dict[str, Any]) -> None:
    # GIVEN
    statement = {**json.loads(TLS_ONLY)["Statement"][0], **change}
    text = json.dumps({"Statement": [statement]})

    # WHEN / THEN
    assert messages(BY_NAME["queues-and-topics-take-tls-only"], with_queue(link(QUEUE_POLICY, "queueUrl", text, QUEUE)))
