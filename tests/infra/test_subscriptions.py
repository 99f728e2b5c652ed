"""Tests which endpoints receive events, and which queues receive failed deliveries."""

import json

import pytest

from lab.recording.fake_outputs import arn, url
from lab.recording.recording import record_stack
from lab.recording.stacks import recorded
from tests.infra.config_factory import refused

QUEUE = "aws:sqs/queue:Queue"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"


class TestSubscriptions:
    def test_each_subscription_keeps_failed_deliveries_in_its_own_queue(self) -> None:
        # GIVEN
        items = [
            "{name: ops, protocol: email, endpoint: ops@example.com}",
            "{name: hook, protocol: https, endpoint: 'https://example.com/events'}",
            "{name: billing, protocol: sqs, endpoint: 'arn:aws:sqs:eu-west-1:123456789012:billing'}",
            "{name: own, protocol: sqs}",
        ]

        # WHEN
        recording = record_stack("prod", {"orders:subscriptions": json.dumps(items)})

        # THEN
        topic = recording.state("aws:sns/topic:Topic", "notifications")["arn"]
        endpoints = {}
        for each in recording.of_type(SUBSCRIPTION):
            dead = recording.state(QUEUE, f"{each.name}-dlq")
            assert each.inputs["topic"] == topic
            assert each.document("redrivePolicy") == {"deadLetterTargetArn": dead["arn"]}
            policy = recording.one(QUEUE_POLICY, f"{each.name}-dlq-policy")
            assert policy.inputs["queueUrl"] == dead["id"]
            source = next(item for item in policy.document("policy")["Statement"] if item["Sid"] == "NamedSource")
            assert source["Principal"] == {"Service": "sns.amazonaws.com"}
            assert source["Condition"] == {"ArnEquals": {"aws:SourceArn": topic}}
            assert source["Action"] == ["sqs:SendMessage"]
            assert source["Resource"] == dead["arn"]
            endpoints[each.name] = each.inputs["endpoint"]
        assert endpoints == {
            "notifications-ops": "ops@example.com",
            "notifications-hook": "https://example.com/events",
            "notifications-billing": "arn:aws:sqs:eu-west-1:123456789012:billing",
            "notifications-own": arn("sqs", "orders-prod-notifications-own-queue"),
        }

    def test_a_dead_letter_queue_keeps_messages_at_least_ten_days_longer_than_the_subscriber_s_queue(self) -> None:
        # GIVEN
        items = ["{name: ops, protocol: email, endpoint: ops@example.com}", "{name: own, protocol: sqs}"]
        recording = record_stack("prod", {"orders:subscriptions": json.dumps(items)})

        # WHEN
        own, failed = (
            recording.one(QUEUE, f"notifications-own-{kind}").inputs["messageRetentionSeconds"]
            for kind in ("queue", "dlq")
        )

        # THEN
        assert failed - own >= 10 * 86_400
        # AND the output `subscriber_queue_urls` has only the queue that this stack creates
        assert recording.outputs["subscriber_queue_urls"] == {"own": url("orders-prod-notifications-own-queue")}

    def test_a_filter_policy_lists_values_and_applies_to_message_attributes(self) -> None:
        # GIVEN
        recording = recorded("local")

        # WHEN
        filtered = recording.one(SUBSCRIPTION, "notifications-rejections")
        unfiltered = recording.one(SUBSCRIPTION, "notifications-everything")

        # THEN
        assert filtered.document("filterPolicy") == {"event_type": ["order.rejected"]}
        assert filtered.inputs["filterPolicyScope"] == "MessageAttributes"
        assert filtered.inputs["rawMessageDelivery"] is True
        assert "filterPolicy" not in unfiltered.inputs

    def test_removing_one_subscription_leaves_the_others_as_they_are(self) -> None:
        # GIVEN
        items = [f"{{name: s{index}, protocol: sqs}}" for index in range(3)]
        before = record_stack("prod", {"orders:subscriptions": json.dumps(items)})

        # WHEN
        after = record_stack("prod", {"orders:subscriptions": json.dumps(items[1:])})

        # THEN
        gone = [each for each in before.resources if each not in after.resources]
        assert [each for each in after.resources if each not in before.resources] == []
        assert gone
        assert all("notifications-s0" in each.urn for each in gone)

    @pytest.mark.parametrize("value", ["{foo: bar}", "{}", "{prefix: a, suffix: b}", ".nan"])
    def test_the_error_for_a_filter_that_sns_would_refuse_lists_the_allowed_forms(self, value: str) -> None:
        # GIVEN
        item = f"{{name: own, protocol: sqs, filter_policy: {{event_type: [{value}]}}}}"

        # WHEN
        (problem,) = refused(subscriptions=json.dumps([item])).problems

        # THEN
        assert "in filter_policy" in problem.given
        assert "{anything-but: …}" in problem.allowed
