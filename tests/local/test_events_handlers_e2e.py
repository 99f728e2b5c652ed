"""Tests EventBridge's resources on the emulator: they are created, changed in place and deleted, and deliver events."""

import json
import time
from typing import Any

import pytest

from local.deploy.resources import DeployError
from local.services.aws import Aws
from tests.local.made import Made

pytestmark = pytest.mark.e2e

REJECTED, CONFIRMED = "order.rejected", "order.confirmed"


def put(aws: Aws, bus: str, kind: str) -> None:
    answer = aws.events.put_events(
        Entries=[{"EventBusName": bus, "Source": "/orders", "DetailType": kind, "Detail": json.dumps({"type": kind})}]
    )
    assert answer["FailedEntryCount"] == 0


def received(aws: Aws, url: str) -> list[Any]:
    found, deadline = list[Any](), time.monotonic() + 3
    while not found and time.monotonic() < deadline:
        messages = aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        found += [json.loads(each["Body"]) for each in messages]
    return found


def test_a_bus_delivers_the_events_that_match_a_rule(emulated: Aws) -> None:
    # GIVEN a bus with a rule for rejections, and the rule's target
    queue = Made(emulated, "Queue", "q", name="routed")
    bus = Made(emulated, "EventBus", "b", name="news", tags={"a": "b"})
    rule = Made(
        emulated,
        "EventRule",
        "r",
        name="rejections",
        eventBusName=bus.id,
        eventPattern=json.dumps({"detail-type": [REJECTED]}),
        tags={"a": "b"},
    )
    target = Made(
        emulated,
        "EventTarget",
        "t",
        rule="rejections",
        eventBusName=bus.id,
        targetId="queue",
        arn=queue.state["arn"],
        deadLetterConfig={"arn": queue.state["arn"]},
        retryPolicy={"maximumRetryAttempts": 185, "maximumEventAgeInSeconds": 86_400},
    )

    # WHEN events of two types are put on the bus
    put(emulated, bus.id, CONFIRMED)
    put(emulated, bus.id, REJECTED)

    # THEN the matching event is delivered, in EventBridge's envelope
    (envelope,) = received(emulated, queue.id)
    assert (envelope["source"], envelope["detail-type"], envelope["detail"]) == (
        "/orders",
        REJECTED,
        {"type": REJECTED},
    )

    # WHEN the bus, the rule and the target are changed in place
    bus.change(tags={"Stack": "local"})
    rule.change(eventPattern=json.dumps({"detail-type": [CONFIRMED]}), tags={"Stack": "local"})
    target.change(inputPath="$.detail")
    put(emulated, bus.id, CONFIRMED)
    put(emulated, bus.id, REJECTED)

    # THEN the event of the other type is delivered, without the envelope, and only the new tags are left
    assert received(emulated, queue.id) == [{"type": CONFIRMED}]
    for arn in (bus.state["arn"], rule.state["arn"]):
        assert emulated.events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "Stack", "Value": "local"}]

    # WHEN all resources are deleted, and then once more
    for _ in range(2):
        for each in (target, rule, bus, queue):
            each.delete()

    # THEN only the account's default bus is left
    assert [each["Name"] for each in emulated.events.list_event_buses()["EventBuses"]] == ["default"]


def test_the_dead_letter_queue_of_a_bus_can_be_set_and_removed(emulated: Aws) -> None:
    # GIVEN a bus with a dead-letter queue
    queue = Made(emulated, "Queue", "q", name="failed")
    bus = Made(emulated, "EventBus", "b", name="kept", deadLetterConfig={"arn": queue.state["arn"]})

    # THEN EventBridge returns the queue with the bus
    assert emulated.events.describe_event_bus(Name="kept")["DeadLetterConfig"] == {"Arn": queue.state["arn"]}

    # WHEN another property changes
    bus.change(description="news")

    # THEN the bus still has the queue
    assert emulated.events.describe_event_bus(Name="kept")["DeadLetterConfig"] == {"Arn": queue.state["arn"]}

    # WHEN the queue is removed from the bus
    bus.change(description="news", deadLetterConfig=None)

    # THEN the bus has no dead-letter queue
    assert not emulated.events.describe_event_bus(Name="kept").get("DeadLetterConfig")
    bus.delete()
    queue.delete()


def test_an_invalid_pattern_is_refused(emulated: Aws) -> None:
    # GIVEN a bus
    bus = Made(emulated, "EventBus", "b", name="strict")

    # WHEN a rule is created, and its pattern has a text where EventBridge requires a list
    with pytest.raises(DeployError, match="InvalidEventPattern"):
        Made(emulated, "EventRule", "r", name="r", eventBusName=bus.id, eventPattern='{"source": "a"}')

    # THEN there is no rule
    assert emulated.events.list_rules(EventBusName=bus.id)["Rules"] == []
    bus.delete()
