"""Tests every rule of the policy pack.

The stacks of this repository obey the mandatory rules. Each rule also has a small stack that
obeys it, and one that breaks it.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from lab.recording.recording import STACKS, Recording
from lab.recording.stacks import recorded
from policy.model import UNKNOWN, Resource, Rule
from policy.rules import RULES
from policy.rules.tags import REQUIRED, TAGGABLE

ROOT = Path(__file__).resolve().parents[2]
QUEUE = "aws:sqs/queue:Queue"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
EVENT_BUS = "aws:cloudwatch/eventBus:EventBus"
TABLE = "aws:dynamodb/table:Table"
FUNCTION = "aws:lambda/function:Function"
BY_NAME = {rule.name: rule for rule in RULES}
PRODUCTION = {"Environment": "production"}


@cache
def resources_of(stack: str) -> tuple[Resource, ...]:
    """Return the resources that the stack registers, in the form that rules read."""
    return policy_resources(recorded(stack))


def policy_resources(recording: Recording) -> tuple[Resource, ...]:
    """Convert recorded resources to the form that rules read."""
    return tuple(
        Resource(each.type, each.name, each.urn, each.inputs, each.references, each.protect)
        for each in recording.resources
    )


def make(token: str, props: Mapping[str, Any] | None = None, **more: Any) -> Resource:
    """Return a single resource."""
    return Resource(
        token, "thing", f"urn:pulumi:test::orders::{token}::{more.pop('name', 'thing')}", props or {}, **more
    )


def policy(
    effect: str = "Allow", action: Any = "sqs:SendMessage", resource: Any = "arn:aws:sqs:::q", **more: Any
) -> str:
    """Return a policy document with one statement."""
    statement = {"Sid": "Only", "Effect": effect, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


TLS_ONLY = policy("Deny", "sqs:*", Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}})


def with_queue(*others: Resource, **props: Any) -> list[Resource]:
    """Return a queue with these properties, and the other resources of its stack."""
    return [make(QUEUE, props), *others]


def link(token: str, prop: str, text: Any, target: str) -> Resource:
    """Return a resource with a property that refers to the resource of type `target`."""
    urn = make(target).urn
    return make(token, {prop: "made", "policy": text}, references={prop: frozenset({urn})}, name="other")


@dataclass(frozen=True)
class Case:
    """A stack that keeps the rule, a stack that breaks it, and a part of the rule's message."""

    kept: list[Resource]
    broken: list[Resource]
    text: str


ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
STAGE = "aws:apigatewayv2/stage:Stage"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
TAGS = dict.fromkeys(REQUIRED, "given")

CASES: dict[str, Case] = {
    "no-wildcard-actions": Case(
        [make(ROLE_POLICY, {"policy": policy()})], [make(ROLE_POLICY, {"policy": policy(action="sqs:*")})], "'sqs:*'"
    ),
    "no-wildcard-resources": Case(
        [make(ROLE_POLICY, {"policy": policy(action=["xray:PutTraceSegments"], resource="*")})],
        [make(ROLE_POLICY, {"policy": policy(resource="*")})],
        "sqs:SendMessage",
    ),
    "no-public-resource-policies": Case(
        [make(QUEUE_POLICY, {"policy": policy(Principal={"Service": "sns.amazonaws.com"})})],
        [make(QUEUE_POLICY, {"policy": policy(Principal={"AWS": "*"})})],
        "allows everybody",
    ),
    "alarms-tell-when-they-are-over": Case(
        [make(ALARM, {"alarmActions": ["topic"], "okActions": ["topic"]})],
        [make(ALARM, {"alarmActions": ["topic"], "okActions": []})],
        "okActions",
    ),
    "alarms-say-what-to-do": Case([make(ALARM, {"alarmDescription": "see"})], [make(ALARM)], "no description"),
    "production-tables-are-protected": Case(
        [make(TABLE, {"tags": PRODUCTION, "deletionProtectionEnabled": True}, protect=True)],
        [make(TABLE, {"tags": PRODUCTION, "deletionProtectionEnabled": True})],
        "set protect to true",
    ),
    "production-tables-are-recoverable": Case(
        [make(TABLE, {"tags": PRODUCTION, "ttl": {"enabled": True}})],
        [make(TABLE, {"tags": PRODUCTION})],
        "set point_in_time_recovery to true",
    ),
    "logs-have-a-retention": Case(
        [make("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 7})],
        [make("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 0})],
        "retentionInDays",
    ),
    "public-endpoints-are-throttled": Case(
        [make(STAGE, {"defaultRouteSettings": {"throttlingRateLimit": 1, "throttlingBurstLimit": 1}})],
        [make(STAGE, {"defaultRouteSettings": {"throttlingRateLimit": 1}})],
        "throttlingBurstLimit",
    ),
    "routes-have-an-authorizer": Case(
        [make("aws:apigatewayv2/route:Route", {"authorizationType": "JWT"})],
        [make("aws:apigatewayv2/route:Route")],
        "anybody can call it",
    ),
    "no-public-function-urls": Case(
        [make("aws:lambda/functionUrl:FunctionUrl", {"authorizationType": "AWS_IAM"})],
        [make("aws:lambda/functionUrl:FunctionUrl", {"authorizationType": "NONE"})],
        "bypasses the API",
    ),
    "functions-have-an-alias": Case(
        [make(FUNCTION), link("aws:lambda/alias:Alias", "functionName", None, FUNCTION)],
        [make(FUNCTION), make("aws:lambda/alias:Alias")],
        "no alias",
    ),
    "functions-have-a-log-group": Case(
        [make(FUNCTION, {"loggingConfig": {"logGroup": "ours"}})], [make(FUNCTION, {"loggingConfig": {}})], "logGroup"
    ),
    "queue-consumers-report-item-failures": Case(
        [
            make(
                "aws:lambda/eventSourceMapping:EventSourceMapping",
                {"functionResponseTypes": ["ReportBatchItemFailures"]},
            )
        ],
        [make("aws:lambda/eventSourceMapping:EventSourceMapping")],
        "deletes every message",
    ),
    "queues-have-a-dead-letter-queue": Case(
        with_queue(link(QUEUE, "redrivePolicy", None, QUEUE)), with_queue(), "is no dead-letter queue itself"
    ),
    "subscriptions-have-a-dead-letter-queue": Case(
        [make("aws:sns/topicSubscription:TopicSubscription", {"protocol": "email"})],
        [make("aws:sns/topicSubscription:TopicSubscription", {"protocol": "https"})],
        "redrivePolicy",
    ),
    "event-targets-have-a-dead-letter-queue": Case(
        [make(TARGET, {"deadLetterConfig": {"arn": "arn:aws:sqs:::dlq"}})], [make(TARGET)], "deadLetterConfig"
    ),
    "encrypted-event-buses-have-a-dead-letter-queue": Case(
        [
            make(EVENT_BUS),
            make(EVENT_BUS, {"kmsKeyIdentifier": UNKNOWN, "deadLetterConfig": {"arn": UNKNOWN}}, name="encrypted"),
        ],
        [make(EVENT_BUS, {"kmsKeyIdentifier": UNKNOWN})],
        "deadLetterConfig",
    ),
    "queues-are-encrypted": Case(with_queue(sqsManagedSseEnabled=True), with_queue(), "not encrypted"),
    "topics-are-encrypted": Case(
        [make("aws:sns/topic:Topic", {"kmsMasterKeyId": "alias/ours"})], [make("aws:sns/topic:Topic")], "not encrypted"
    ),
    "queues-and-topics-take-tls-only": Case(
        with_queue(link(QUEUE_POLICY, "queueUrl", TLS_ONLY, QUEUE)),
        with_queue(link(QUEUE_POLICY, "queueUrl", policy(), QUEUE)),
        "without TLS",
    ),
    "resources-have-the-required-tags": Case(
        [make(QUEUE, {"tags": TAGS})], [make(QUEUE, {"tags": {**TAGS, "Owner": ""}})], "Owner"
    ),
}


def messages(rule: Rule, resources: list[Resource]) -> list[str]:
    """Return the rule's messages about a stack."""
    return [violation.message for violation in rule.violations(resources)]


def test_names_are_unique_and_every_rule_has_a_case() -> None:
    assert len(BY_NAME) == len(RULES)
    assert set(CASES) == set(BY_NAME)


def test_all_rules_are_mandatory_except_the_rule_on_authorizers() -> None:
    # GIVEN / WHEN
    advisory = {rule.name for rule in RULES if rule.level == "advisory"}

    # THEN
    assert advisory == {"routes-have-an-authorizer"}


@pytest.mark.parametrize("name", CASES)
def test_a_stack_that_keeps_the_rule_passes(name: str) -> None:
    assert messages(BY_NAME[name], CASES[name].kept) == []


@pytest.mark.parametrize("name", CASES)
def test_a_stack_that_breaks_the_rule_gets_the_rules_message(name: str) -> None:
    # GIVEN a stack that breaks the rule
    case = CASES[name]
    # WHEN the rule checks it
    found = messages(BY_NAME[name], case.broken)
    # THEN one of its messages has the text of the case
    assert found
    assert any(case.text in message for message in found)


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.level == "mandatory"], ids=lambda rule: rule.name)
def test_every_stack_keeps_every_mandatory_rule(rule: Rule, stack: str) -> None:
    # GIVEN the resources of the committed stack
    resources = list(resources_of(stack))
    # THEN no resource breaks the rule
    assert [(v.resource.name, v.message) for v in rule.violations(resources)] == []


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.level == "advisory"], ids=lambda rule: rule.name)
def test_production_keeps_the_advisory_rules_too(rule: Rule) -> None:
    assert messages(rule, list(resources_of("prod"))) == []


def sabotage(types: frozenset[str], change: Callable[[Resource], Resource]) -> list[Resource]:
    """Return the prod stack with every resource of these types changed."""
    return [change(each) if each.type in types else each for each in resources_of("prod")]


@pytest.mark.parametrize(
    "name",
    sorted(
        set(BY_NAME)
        # Left out: rules on resources that prod does not have. This test removes the properties, so it also leaves out
        # rules that can be broken only if a property is present (a policy statement, an alarm's actions).
        - {"no-public-function-urls", "no-wildcard-actions", "no-wildcard-resources", "no-public-resource-policies"}
        - {"alarms-tell-when-they-are-over", "subscriptions-have-a-dead-letter-queue"}
        - {"event-targets-have-a-dead-letter-queue", "encrypted-event-buses-have-a-dead-letter-queue"}
    ),
)
def test_the_rule_checks_prods_real_resources(name: str) -> None:
    # GIVEN prod's resources without properties. Only the production tag is kept, except in the test of the rule on tags
    rule = BY_NAME[name]
    kept = {"tags": PRODUCTION} if name != "resources-have-the-required-tags" else {}
    emptied = sabotage(rule.types, lambda each: replace(each, props=kept, references={}, protect=False))
    if name == "functions-have-an-alias":
        emptied = [replace(each, references={}) for each in emptied]
    if name == "queues-and-topics-take-tls-only":
        emptied = [each for each in emptied if not each.type.endswith("Policy")]
    # THEN the resources violate the rule, so the rule checks at least one of their types
    assert messages(rule, emptied)


def test_topics_of_alarms_may_be_unencrypted() -> None:
    # GIVEN a topic that an alarm publishes to
    stack = [make("aws:sns/topic:Topic"), link(ALARM, "alarmActions", None, "aws:sns/topic:Topic")]
    # THEN the rule allows it, because CloudWatch cannot publish to a topic encrypted with an AWS managed key
    assert messages(BY_NAME["topics-are-encrypted"], stack) == []


@pytest.mark.parametrize(
    "name",
    # Two rules are left out, because they refuse unknown values too. An unknown value could allow public access, or the
    # loss of messages that SNS cannot deliver.
    sorted(set(CASES) - {"no-public-function-urls", "subscriptions-have-a-dead-letter-queue"}),
)
def test_unknown_values_break_no_rule(name: str) -> None:
    # GIVEN a first preview, in which the properties are unknown
    unknown = [replace(each, props=dict.fromkeys(each.props, UNKNOWN)) for each in CASES[name].kept]
    # THEN the rule reports no violation
    assert messages(BY_NAME[name], unknown) == []


COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
POLICIES = {ROLE_POLICY, QUEUE_POLICY, TOPIC_POLICY, "aws:iam/policy:Policy", "aws:iam/userPolicy:UserPolicy"}
# The types that a rule checks in addition to those of its entry in CASES. The rule on tags is left out.
ALSO = {
    "no-wildcard-actions": POLICIES - {ROLE_POLICY},
    "no-wildcard-resources": POLICIES - {ROLE_POLICY},
    "no-public-resource-policies": {TOPIC_POLICY},
    "alarms-tell-when-they-are-over": {COMPOSITE},
    "alarms-say-what-to-do": {COMPOSITE},
    "queues-and-topics-take-tls-only": {"aws:sns/topic:Topic"},
}


def test_a_rule_checks_the_types_of_its_case_and_the_listed_other_types() -> None:
    # GIVEN / WHEN
    of_cases = {name: {each.type for each in case.broken} for name, case in CASES.items()}
    others = {name: rule.types - of_cases[name] for name, rule in BY_NAME.items() if rule.types != TAGGABLE}

    # THEN
    assert [name for name, rule in BY_NAME.items() if not rule.types & of_cases[name]] == []
    assert {name: types for name, types in others.items() if types} == ALSO


@pytest.mark.parametrize(("name", "other"), [(name, other) for name, types in ALSO.items() for other in sorted(types)])
def test_a_rule_also_checks_the_types_that_its_case_does_not_have(name: str, other: str) -> None:
    # GIVEN
    rule = BY_NAME[name]
    broken = [replace(each, type=other) if each.type in rule.types else each for each in CASES[name].broken]
    # WHEN / THEN
    assert any(CASES[name].text in message for message in messages(rule, broken))


def test_the_rule_on_tags_checks_every_type_with_tags() -> None:
    # GIVEN every resource type of the provider that the program uses
    text = "".join(path.read_text() for each in ("components", "pipeline") for path in (ROOT / each).rglob("*.py"))
    named = {getattr(getattr(aws, service), kind) for service, kind in re.findall(r"\baws\.(\w+)\.([A-Z]\w+)", text)}
    resources: set[Any] = {each for each in named if isinstance(each, type) and issubclass(each, pulumi.CustomResource)}
    # WHEN the types with tags are selected
    tagged = {each.pulumi_type for each in resources if hasattr(each, "tags")}
    # THEN they are the types that the rule on tags checks
    assert tagged == TAGGABLE
