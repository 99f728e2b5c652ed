"""Rules of the policy pack on one resource that keeps them, and the same with one thing changed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from policy.model import UNKNOWN
from policy.rules.tags import REQUIRED
from tests.policy.test_rules import (
    ALARM,
    BY_NAME,
    CASES,
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
    policy,
    with_queue,
)

_TOPIC = "aws:sns/topic:Topic"
_TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
_SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
_TEST = {"tags": {"Environment": "test"}}
_LIMITS = {"throttlingRateLimit": 1, "throttlingBurstLimit": 1}
_ON, _OFF = {"enabled": True}, {"enabled": False}
_PROD: dict[str, Any] = {"tags": PRODUCTION}
# Rule, type, inputs that keep the rule (the table is protected), and the change that breaks it.
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
    ("production-functions-are-traced", FUNCTION, _TEST, _PROD),
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
_QUEUES_AND_TOPICS = ("aws:sqs/queuePolicy:QueuePolicy", "aws:sns/topicPolicy:TopicPolicy")
_IDENTITIES = ("aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy", "aws:iam/userPolicy:UserPolicy")
_ALARMS = ("aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/compositeAlarm:CompositeAlarm")
# Of rules about several types.
TYPES = {
    "no-wildcard-actions": (*_IDENTITIES, *_QUEUES_AND_TOPICS),
    "no-wildcard-resources": (*_IDENTITIES, *_QUEUES_AND_TOPICS),
    "no-public-resource-policies": _QUEUES_AND_TOPICS,
    "alarms-tell-when-they-are-over": _ALARMS,
    "alarms-say-what-to-do": _ALARMS,
}
_PLAIN = {"Bool": {"aws:SecureTransport": "true"}}
_HTTP_ONLY: dict[str, Any] = {"Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}


@pytest.mark.parametrize(("name", "token", "kept", "change"), DIFFERENCES)
def test_one_change_breaks_the_rule(name: str, token: str, kept: Mapping[str, Any], change: Mapping[str, Any]) -> None:
    # GIVEN / WHEN
    before, after = (
        messages(BY_NAME[name], [make(token, each, protect=token == TABLE)]) for each in (kept, {**kept, **change})
    )

    # THEN
    assert (before, len(after)) == ([], 1)


@pytest.mark.parametrize(("name", "token"), [(name, token) for name, types in TYPES.items() for token in types])
def test_a_rule_holds_for_each_of_its_types(name: str, token: str) -> None:
    # GIVEN what breaks it, as each type that it is about
    broken = [replace(each, type=token) for each in CASES[name].broken]

    # WHEN / THEN
    assert messages(BY_NAME[name], broken)


@pytest.mark.parametrize(
    ("kind", "policies", "prop"), [(QUEUE, QUEUE_POLICY, "queueUrl"), (_TOPIC, _TOPIC_POLICY, "arn")]
)
@pytest.mark.parametrize(
    ("text", "is_kept"),
    [
        (TLS_ONLY, True),
        (UNKNOWN, True),
        (policy("Allow", "sqs:*", **_HTTP_ONLY), False),
        (policy("Deny", "sqs:*", **{**_HTTP_ONLY, "Condition": _PLAIN}), False),
        (policy("Deny", "sqs:*", Principal="*"), False),
        (None, False),
    ],
    ids=["denied", "unknown", "allowed", "https denied", "all denied", "no policy"],
)
def test_only_a_denial_of_plain_http_on_itself_is_enough(
    kind: str, policies: str, prop: str, text: Any, is_kept: bool
) -> None:
    # GIVEN a queue or topic with a policy of its own, or with the policy of another
    rule, thing = BY_NAME["queues-and-topics-take-tls-only"], make(kind)
    own = link(policies, prop, text, kind)

    # WHEN / THEN
    assert (messages(rule, [thing, own]) == []) is is_kept
    assert messages(rule, [thing, replace(own, references={})])


def test_a_policy_that_is_not_there_says_nothing() -> None:
    # GIVEN
    empty = [make("aws:iam/rolePolicy:RolePolicy"), *with_queue(make(QUEUE_POLICY))]

    # WHEN / THEN
    assert [rule for rule in BY_NAME if "wildcard" in rule and messages(BY_NAME[rule], empty)] == []
