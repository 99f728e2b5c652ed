"""Tests the dead-letter queue of a bus with a customer managed key: its retention, its only sender and its alarm."""

import json

import pytest

from lab.recording.fake_outputs import arn, url
from lab.simulation.cloudwatch.evaluator_alarm import State
from lab.simulation.cloudwatch.metrics_data import AWS_METRICS, find
from lab.simulation.cloudwatch.registered import metric_alarms
from tests.infra.test_events_target import BUS, QUEUE, QUEUE_POLICY, SUBSCRIPTIONS, alarm_resources, on_bus


@pytest.mark.parametrize(
    "subscriptions",
    [json.dumps(SUBSCRIPTIONS), "[]", '["{name: dlq, protocol: sqs}"]'],
    ids=["three subscribers", "no subscriber", "a subscriber called dlq"],
)
def test_events_that_fail_because_of_the_key_are_kept_for_14_days(subscriptions: str) -> None:
    # GIVEN
    recording = on_bus(encryption="customer", subscriptions=subscriptions)

    # WHEN
    queue = recording.one(QUEUE, "events-dlq").inputs

    # THEN
    assert recording.one(BUS, "events").inputs["deadLetterConfig"] == {"arn": arn("sqs", "orders-prod-events-dlq")}
    assert queue["name"] == "orders-prod-events-dlq"
    assert queue["messageRetentionSeconds"] == 14 * 86_400
    assert queue["tags"]["Stack"] == "prod"
    assert "fifoQueue" not in queue


def test_the_bus_s_dead_letter_queue_does_not_use_the_customer_managed_key() -> None:
    # GIVEN / WHEN
    queue = on_bus(encryption="customer").one(QUEUE, "events-dlq").inputs

    # THEN
    assert queue["sqsManagedSseEnabled"] is True
    assert "kmsMasterKeyId" not in queue


def test_only_this_bus_may_send_to_the_queue_and_only_by_tls() -> None:
    # GIVEN
    recording = on_bus(encryption="customer")

    # WHEN
    policy = recording.one(QUEUE_POLICY, "events-dlq-policy")
    by_effect = {each["Effect"]: each for each in policy.document("policy")["Statement"]}

    # THEN
    assert policy.inputs["queueUrl"] == url("orders-prod-events-dlq")
    assert by_effect["Allow"] == {
        "Sid": "NamedSource",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": ["sqs:SendMessage"],
        "Resource": arn("sqs", "orders-prod-events-dlq"),
        "Condition": {"ArnEquals": {"aws:SourceArn": arn("events", "event-bus/orders-prod-events")}},
    }
    assert by_effect["Deny"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("subscriptions", [json.dumps(SUBSCRIPTIONS), "[]"], ids=["three subscribers", "no subscriber"])
def test_one_message_in_the_bus_s_dead_letter_queue_raises_an_alarm_of_tier_page(subscriptions: str) -> None:
    # GIVEN
    alarmed = alarm_resources(encryption="customer", subscriptions=subscriptions)

    # WHEN
    (alarm,) = [each for each in metric_alarms(alarmed) if each.name.endswith("-bus-dead-letter-queue-not-empty")]

    # THEN
    assert {dict(each.key.dimensions)["QueueName"] for each in alarm.metrics.values()} == {"orders-prod-events-dlq"}
    assert all(find(each.key, AWS_METRICS) for each in alarm.metrics.values())
    assert (alarm.comparison, alarm.threshold) == ("GreaterThanOrEqualToThreshold", 1)
    assert alarm.actions[State.ALARM] == (arn("sns", "orders-prod-alarms-page"),)


def test_there_is_no_alarm_on_a_dead_letter_queue_of_the_bus_if_the_stack_has_no_key() -> None:
    # GIVEN / WHEN
    names = {each.name for each in alarm_resources()}

    # THEN
    assert names
    assert not [name for name in names if "bus-dead-letter" in name]
