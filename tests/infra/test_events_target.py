"""Tests a stack that publishes to an event bus: its rules, targets, permissions and alarms."""

import json
from functools import cache
from typing import Any

import pytest

from components.component import Scope
from components.event_bus import EventBus, EventBusArgs
from components.subscription_args import SubscriptionArgs
from lab.recording.fake_outputs import ACCOUNT, arn, url
from lab.recording.recording import Recorded, Recording, record, record_stack
from lab.simulation.cloudwatch.metrics_data import AWS_METRICS, find
from lab.simulation.cloudwatch.registered import composite_alarms, metric_alarms
from pipeline.config import ConfigError, parse_config
from pipeline.config.loader import MAX_BUS_PREFIX
from tests.infra.config_factory import VALID, parsed, refused

BUS, RULE, TARGET = (f"aws:cloudwatch/event{kind}:Event{kind}" for kind in ("Bus", "Rule", "Target"))
QUEUE, QUEUE_POLICY = "aws:sqs/queue:Queue", "aws:sqs/queuePolicy:QueuePolicy"
BILLING = "arn:aws:sqs:eu-west-1:123456789012:billing"
PATTERN_OF_BILLING = "{detail: {data: {currency: [EUR], total: [{exists: true}]}}}"
SUBSCRIPTIONS = [
    "{name: own, protocol: sqs}",
    "{name: rejections, protocol: sqs, raw_message_delivery: true, event_pattern: {detail-type: [order.rejected]}}",
    f"{{name: billing, protocol: sqs, endpoint: '{BILLING}', event_pattern: {PATTERN_OF_BILLING}}}",
]
ON = {"events_target": "bus"}


@cache
def on_bus(stack: str = "prod", **more: str) -> Recording:
    given = {**ON, "subscriptions": json.dumps(SUBSCRIPTIONS), **more}
    return record_stack(stack, {f"orders:{key}": value for key, value in given.items()})


def alarm_resources(**more: str) -> tuple[Recorded, ...]:
    """Return the resources of the alarms for people, without the alarms for CodeDeploy."""
    return tuple(each for each in on_bus(**more).resources if each.name.startswith("alarms-"))


def rule_arn(name: str, stack: str = "prod") -> str:
    return arn("events", f"rule/orders-{stack}-events/orders-{stack}-events-{name}")


def test_the_bus_has_its_name_and_tags() -> None:
    # GIVEN / WHEN
    (bus,) = on_bus().of_type(BUS)

    # THEN
    assert bus.inputs["name"] == "orders-prod-events"
    assert bus.inputs["tags"]["Stack"] == "prod"
    assert "kmsKeyIdentifier" not in bus.inputs


def test_a_rule_matches_only_events_of_this_stack_that_fit_the_subscription_s_pattern() -> None:
    # GIVEN / WHEN
    patterns = {each.name: each.document("eventPattern") for each in on_bus().of_type(RULE)}

    # THEN
    source = {"source": ["/orders-prod"]}
    assert patterns == {
        "events-own": source,
        "events-rejections": {**source, "detail-type": ["order.rejected"]},
        "events-billing": {**source, "detail": {"data": {"currency": ["EUR"], "total": [{"exists": True}]}}},
    }
    assert {each.inputs["eventBusName"] for each in on_bus().of_type(RULE)} == {"orders-prod-events"}
    assert all(each.inputs["tags"]["Stack"] == "prod" for each in on_bus().of_type(RULE))


def test_a_rule_retries_a_send_for_a_day_and_then_uses_the_dead_letter_queue() -> None:
    # GIVEN
    ends = {"own": arn("sqs", "orders-prod-events-own-queue"), "billing": BILLING}

    for name, queue in ends.items():
        # WHEN
        target = on_bus().one(TARGET, f"events-{name}-target").inputs

        # THEN
        assert target["arn"] == queue
        assert target["rule"] == f"orders-prod-events-{name}"
        assert target["eventBusName"] == "orders-prod-events"
        assert target["retryPolicy"] == {"maximumEventAgeInSeconds": 86_400, "maximumRetryAttempts": 185}
        assert target["deadLetterConfig"] == {"arn": arn("sqs", f"orders-prod-events-{name}-dlq")}
        assert "inputPath" not in target


def test_raw_delivery_sends_only_the_document() -> None:
    # GIVEN / WHEN / THEN
    assert on_bus().one(TARGET, "events-rejections-target").inputs["inputPath"] == "$.detail"


@pytest.mark.parametrize(("queue", "rule"), [("own-dlq", "own"), ("own-queue", "own"), ("billing-dlq", "billing")])
def test_only_a_queue_s_own_rule_may_send_to_it(queue: str, rule: str) -> None:
    # GIVEN / WHEN
    policy = on_bus().one(QUEUE_POLICY, f"events-{queue}-policy").document("policy")

    # THEN
    (statement,) = [each for each in policy["Statement"] if each["Effect"] == "Allow"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] == ["sqs:SendMessage"]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": rule_arn(rule)}}
    assert statement["Resource"] == arn("sqs", f"orders-prod-events-{queue}")


def test_a_target_is_created_after_the_policies_of_its_queues() -> None:
    # GIVEN / WHEN
    waited_for = on_bus().one(TARGET, "events-own-target").depends_on

    # THEN
    assert {urn.rsplit("::", 1)[1] for urn in waited_for} >= {"events-own-dlq-policy", "events-own-queue-policy"}


def test_outputs_name_the_bus_and_the_queues_that_the_stack_creates() -> None:
    # GIVEN / WHEN
    outputs = on_bus().outputs

    # THEN
    assert outputs["notifications_bus_arn"] == arn("events", "event-bus/orders-prod-events")
    assert outputs["notifications_bus_name"] == "orders-prod-events"
    assert outputs["subscriber_queue_urls"] == {
        name: url(f"orders-prod-events-{name}-queue") for name in ("own", "rejections")
    }


def test_the_queue_urls_leave_out_a_subscriber_with_an_endpoint() -> None:
    # GIVEN
    made: list[EventBus] = []
    both = (
        SubscriptionArgs(name="own", protocol="sqs"),
        SubscriptionArgs(name="billing", protocol="sqs", endpoint=BILLING),
    )
    args = EventBusArgs(source="/orders-test", subscriptions=both)

    # WHEN
    record(lambda: made.append(EventBus("events", Scope(prefix="orders-test", tags={}), args)))

    # THEN
    assert [*made[0].subscriber_queue_urls] == ["own"]


def test_removing_one_subscription_leaves_the_others_as_they_are() -> None:
    # GIVEN
    before = on_bus("dev")

    # WHEN
    after = on_bus("dev", subscriptions=json.dumps(SUBSCRIPTIONS[1:]))

    # THEN
    gone = [each for each in before.resources if each not in after.resources]
    added = [each.name for each in after.resources if each not in before.resources]
    assert [name for name in added if "dashboard" not in name] == []
    assert [each.name for each in gone if "events-own" not in each.urn and "dashboard" not in each.name] == []


def test_new_queues_get_new_names_if_the_events_target_changes() -> None:
    # GIVEN a stack that changes its target but not its subscriptions
    same = {"orders:subscriptions": '["{name: own, protocol: sqs}"]'}
    before, after = record_stack("dev", same), record_stack("dev", {**same, "orders:events_target": "bus"})

    # WHEN
    stay = {f"orders-dev-orders-queue{suffix}" for suffix in ("", "-dlq")}
    deleted = {each.inputs["name"] for each in before.of_type(QUEUE)} - stay
    urns = {each.urn for each in before.resources}
    made = {each.inputs["name"] for each in after.of_type(QUEUE) if each.urn not in urns}

    # THEN the names differ, because SQS refuses a deleted queue's name for 60 s
    assert deleted == {"orders-dev-notifications-own-queue", "orders-dev-notifications-own-dlq"}
    assert made.isdisjoint(deleted)


class TestCustomerManagedKey:
    def statements(self) -> dict[str, Any]:
        key = on_bus(encryption="customer").one("aws:kms/key:Key", "key")
        return {each["Sid"]: each for each in key.document("policy")["Statement"]}

    def test_the_key_encrypts_the_bus_and_all_queues_except_those_for_undelivered_events(self) -> None:
        # GIVEN
        recording = on_bus(encryption="customer")
        key = recording.state("aws:kms/key:Key", "key")["arn"]

        # WHEN
        configs = [each.inputs["deadLetterConfig"] for kind in (BUS, TARGET) for each in recording.of_type(kind)]
        failures = {config["arn"] for config in configs}
        queues = {recording.state(QUEUE, each.name)["arn"]: each.inputs for each in recording.of_type(QUEUE)}

        # THEN
        assert recording.one(BUS, "events").inputs["kmsKeyIdentifier"] == key
        assert {arn for arn, each in queues.items() if each.get("sqsManagedSseEnabled")} == failures
        assert {each["kmsMasterKeyId"] for arn, each in queues.items() if arn not in failures} == {key}

    def test_eventbridge_may_use_the_key_for_this_stack_s_bus_and_rules_only(self) -> None:
        # GIVEN / WHEN
        statement = self.statements()["BusesIntoQueues"]

        # THEN
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
        sources = [arn("events", f"{kind}/orders-prod-*") for kind in ("event-bus", "rule")]
        assert statement["Condition"] == {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": sources},
        }
        assert rule_arn("own").startswith(sources[1].removesuffix("*"))
        assert self.statements()["BusesCheckTheKey"]["Action"] == ["kms:DescribeKey"]

    def test_eventbridge_may_not_use_the_key_if_the_stack_has_no_bus(self) -> None:
        # GIVEN / WHEN
        key = record_stack("prod", {"orders:encryption": "customer"}).one("aws:kms/key:Key", "key")

        # THEN
        assert "events.amazonaws.com" not in key.inputs["policy"]


class TestAlarms:
    def test_every_rule_has_alarms_on_metrics_that_exist(self) -> None:
        # GIVEN
        watched = {query.key: query for each in metric_alarms(alarm_resources()) for query in each.metrics.values()}

        # WHEN
        found = {(key.name, dict(key.dimensions)["RuleName"]) for key in watched if key.namespace == "AWS/Events"}

        # THEN
        names = ("FailedInvocations", "InvocationsSentToDlq", "InvocationsFailedToBeSentToDlq")
        rules = {each.inputs["name"] for each in on_bus().of_type(RULE)}
        assert found == {(name, rule) for name in names for rule in rules}
        assert {dict(key.dimensions)["EventBusName"] for key in watched if key.namespace == "AWS/Events"} == {
            "orders-prod-events"
        }
        assert all(find(key, AWS_METRICS) for key in watched if key.namespace == "AWS/Events")
        assert not [key for key in watched if key.namespace == "AWS/SNS"]

    def test_one_composite_alarm_covers_failed_and_dead_lettered_events_of_every_rule(self) -> None:
        # GIVEN / WHEN
        (composite,) = [each for each in composite_alarms(alarm_resources()) if each.name.endswith("-undelivered")]

        # THEN
        assert composite.alarms() == {
            f"orders-prod-notifications-{what}-{rule}"
            for what in ("failed", "redriven")
            for rule in ("own", "rejections", "billing")
        }

    def test_a_bus_without_subscribers_has_no_alarms_on_notifications(self) -> None:
        # GIVEN / WHEN
        names = {each.name for each in alarm_resources(subscriptions="[]")}

        # THEN
        assert names
        assert not [name for name in names if "notifications" in name]

    def test_the_dashboard_shows_every_rule(self) -> None:
        # GIVEN / WHEN
        body = on_bus().one("aws:cloudwatch/dashboard:Dashboard", "dashboard").inputs["dashboardBody"]

        # THEN
        assert all(each.inputs["name"] in body for each in on_bus().of_type(RULE))
        assert "AWS/SNS" not in body


def test_the_longest_rule_name_fits_the_limit_of_aws() -> None:
    # GIVEN the longest names of project and stack that are accepted with a bus
    longest = {"project": "orders", "stack": "s" * (MAX_BUS_PREFIX - len("orders-"))}
    named = {**VALID, **ON, "subscriptions": json.dumps([f"{{name: {'n' * 20}, protocol: sqs}}"])}

    # WHEN / THEN
    assert parse_config(named, **longest).subscriptions[0].name == "n" * 20
    assert len(f"orders-{longest['stack']}-events-{'n' * 20}") == 64
    with pytest.raises(ConfigError, match="at most 36 characters together"):
        parse_config(named, project="orders", stack=longest["stack"] + "s")


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("{event_type: [order.rejected]}", "order fields are under detail"),
        ("{detail-type: order.rejected}", "a list with at least one value"),
        ("{detail-type: []}", "a list with at least one value"),
        ("{source: {prefix: a}}", "a list with at least one value"),
        ("{detail: {data: {}}}", "at least one field"),
        ("{detail: {data: {total: [{more: 1}]}}}", "{prefix: …}"),
        ("{detail: {data: {total: [[1]]}}}", "a text, a number"),
        ("{detail-type: [order.rejected, {more: 1}]}", "{prefix: …}"),
        ("{detail: {data: {total: [.inf]}}}", "a text, a number"),
        ("{$or: [{source: [a]}]}", "at least two patterns"),
        ("{$or: [{source: [a]}, {}]}", "at least two patterns"),
        ("{$or: [{source: [a]}, {source: b}]}", "a list with at least one value"),
        (f"{{source: [{'a' * 1900}]}}", "at most 1900"),
        ("{detail: {1: [a]}}", ""),
    ],
)
def test_the_error_names_the_place_of_a_pattern_that_is_invalid_or_never_matches(pattern: str, words: str) -> None:
    # GIVEN
    item = f"{{name: own, protocol: sqs, event_pattern: {pattern}}}"

    # WHEN
    error = refused(events_target="bus", subscriptions=json.dumps([item]))

    # THEN
    (problem,) = error.problems
    assert problem.keys[0].startswith("subscriptions[0]")
    assert words in problem.allowed


@pytest.mark.parametrize(
    "pattern",
    [
        "{detail-type: [order.rejected, order.confirmed]}",
        "{detail: {data: {currency: [{anything-but: EUR}], reference: [null, {prefix: web-}]}}}",
        "{$or: [{detail-type: [order.rejected]}, {detail: {data: {total: [{wildcard: '1???.*'}]}}}]}",
    ],
)
def test_a_pattern_that_eventbridge_accepts_is_accepted(pattern: str) -> None:
    # GIVEN
    item = f"{{name: own, protocol: sqs, event_pattern: {pattern}}}"

    # WHEN
    config = parsed(events_target="bus", subscriptions=json.dumps([item]))

    # THEN
    assert config.subscriptions[0].event_pattern
