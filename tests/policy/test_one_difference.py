"""Tests rules of the policy pack on a resource that keeps the rule, and on the same resource with one change."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from policy.model import UNKNOWN
from policy.rules.tags import REQUIRED
from tests.policy.test_rules import (
    ALARM,
    BY_NAME,
    EVENT_BUS,
    FUNCTION,
    PRODUCTION,
    QUEUE,
    QUEUE_POLICY,
    STAGE,
    TABLE,
    TAGS,
    TLS_ONLY,
    link,
    make,
    messages,
    with_queue,
)

_SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
_TEST = {"tags": {"Environment": "test"}}
_LIMITS = {"throttlingRateLimit": 1, "throttlingBurstLimit": 1}
_ON, _OFF = {"enabled": True}, {"enabled": False}
_PROD: dict[str, Any] = {"tags": PRODUCTION}
# Rule, resource type, inputs that keep the rule, and the change that breaks it. Every table also has Pulumi's option
# `protect`.
DIFFERENCES: list[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]] = [
    ("alarms-tell-when-they-are-over", ALARM, {"alarmActions": [], "okActions": []}, {"alarmActions": ["topic"]}),
    (
        "production-tables-are-protected",
        TABLE,
        {**_PROD, "deletionProtectionEnabled": True},
        {"deletionProtectionEnabled": False},
    ),
    ("production-tables-are-protected", TABLE, _TEST, _PROD),
    ("production-tables-are-recoverable", TABLE, _TEST, _PROD),
    ("production-tables-are-recoverable", TABLE, {**_PROD, "ttl": _ON}, {"ttl": _OFF}),
    ("production-tables-are-recoverable", TABLE, {**_PROD, "pointInTimeRecovery": _ON}, {"pointInTimeRecovery": _OFF}),
    (
        "production-tables-are-recoverable",
        TABLE,
        {**_PROD, "pointInTimeRecovery": UNKNOWN},
        {"pointInTimeRecovery": {}},
    ),
    ("public-endpoints-are-throttled", STAGE, {"defaultRouteSettings": UNKNOWN}, {"defaultRouteSettings": None}),
    *(
        (
            "public-endpoints-are-throttled",
            STAGE,
            {"defaultRouteSettings": _LIMITS},
            {"defaultRouteSettings": {**_LIMITS, limit: 0}},
        )
        for limit in _LIMITS
    ),
    (
        "routes-have-an-authorizer",
        "aws:apigatewayv2/route:Route",
        {"authorizationType": "AWS_IAM"},
        {"authorizationType": "NONE"},
    ),
    ("functions-have-a-log-group", FUNCTION, {"loggingConfig": UNKNOWN}, {"loggingConfig": None}),
    ("encrypted-event-buses-have-a-dead-letter-queue", EVENT_BUS, {}, {"kmsKeyIdentifier": "key"}),
    ("subscriptions-have-a-dead-letter-queue", _SUBSCRIPTION, {"protocol": "email-json"}, {"protocol": "sms"}),
    (
        "subscriptions-have-a-dead-letter-queue",
        _SUBSCRIPTION,
        {"protocol": "sqs", "redrivePolicy": "{}"},
        {"redrivePolicy": ""},
    ),
    ("queues-are-encrypted", QUEUE, {"kmsMasterKeyId": "key"}, {"kmsMasterKeyId": ""}),
    ("queues-are-encrypted", QUEUE, {"sqsManagedSseEnabled": True}, {"sqsManagedSseEnabled": False}),
    ("resources-have-the-required-tags", QUEUE, {"tags": UNKNOWN}, {"tags": None}),
    *(("resources-have-the-required-tags", QUEUE, {"tags": TAGS}, {"tags": {**TAGS, tag: ""}}) for tag in REQUIRED),
]


@pytest.mark.parametrize(("name", "token", "kept", "change"), DIFFERENCES)
def test_one_change_breaks_the_rule(name: str, token: str, kept: Mapping[str, Any], change: Mapping[str, Any]) -> None:
    # GIVEN / WHEN
    before, after = (
        messages(BY_NAME[name], [make(token, each, protect=token == TABLE)]) for each in (kept, {**kept, **change})
    )

    # THEN
    assert (before, len(after)) == ([], 1)


def test_a_queue_needs_its_own_tls_policy_and_a_policy_without_a_document_breaks_no_wildcard_rule() -> None:
    # GIVEN a role's policy and the queue's policy, both without a document, and a TLS policy of
    # another queue
    role, own = make("aws:iam/rolePolicy:RolePolicy"), link(QUEUE_POLICY, "queueUrl", None, QUEUE)
    others = replace(link(QUEUE_POLICY, "queueUrl", TLS_ONLY, QUEUE), references={})

    # WHEN / THEN the policies without a document break no rule on wildcards. The queue breaks the
    # rule on TLS in both cases: if its policy has no document, and if the TLS policy belongs to
    # another queue
    assert [rule for rule in BY_NAME if "wildcard" in rule and messages(BY_NAME[rule], [role, own])] == []
    for policy in (own, others):
        assert messages(BY_NAME["queues-and-topics-take-tls-only"], with_queue(policy))
