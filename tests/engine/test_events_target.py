"""Tests that the engine can replace a stack's topic with a bus, change back, and destroy a stack that has a bus."""

import json

import pytest

from lab.preview.memory_account import MemoryAccount
from tests.engine.conftest import Deployed, NewStack

pytestmark = pytest.mark.engine

CONFIG = {
    "environment": "development",
    "encryption": "customer",
    "protect": "false",
    "deletion_protection": "false",
    "alarms": "false",
    "subscriptions": '["{name: own, protocol: sqs, raw_message_delivery: true}"]',
}


@pytest.fixture
def on_topic(new_stack: NewStack) -> Deployed:
    account = MemoryAccount()
    workspace = new_stack("moving", account, CONFIG)
    done = workspace.up()
    assert done.code == 0, done.output
    return workspace, account


def names(account: MemoryAccount, token: str) -> set[str]:
    return {str(state.get("name")) for (kind, _), state in account.resources.items() if kind.startswith(token)}


def test_a_stack_can_change_to_a_bus_and_back(on_topic: Deployed) -> None:
    # GIVEN a deployed stack with a topic and a subscriber's queue
    workspace, account = on_topic
    before = set(account.resources)
    # WHEN it changes to a bus
    workspace.checked("config", "set", "--stack", "moving", "events_target", "bus")
    done = workspace.up()
    # THEN the bus, its rule and its queues exist; the topic and its queues are gone; the worker has the bus's name
    assert done.code == 0, done.output
    assert names(account, "aws:cloudwatch/event") >= {"orders-moving-events", "orders-moving-events-own"}
    assert not names(account, "aws:sns/topic:")
    queues = {name for name in names(account, "aws:sqs/queue:") if "orders-queue" not in name}
    of_the_subscriber = {"orders-moving-events-own-queue", "orders-moving-events-own-dlq"}
    assert queues == {"orders-moving-events-dlq"} | of_the_subscriber
    worker = account.resources["aws:lambda/function:Function", "orders-moving-process-order"]
    assert "NOTIFICATIONS_BUS_NAME" in json.dumps(worker["environment"])
    # AND a second deploy changes nothing
    assert workspace.up().changes == {}
    # WHEN it changes back to the topic
    workspace.checked("config", "set", "--stack", "moving", "events_target", "topic")
    done = workspace.up()
    # THEN it has the same resources as before
    assert done.code == 0, done.output
    assert set(account.resources) == before


def test_a_stack_with_a_bus_can_be_destroyed(new_stack: NewStack) -> None:
    # GIVEN a stack with a bus and a subscriber
    account = MemoryAccount()
    workspace = new_stack("going", account, {**CONFIG, "events_target": "bus"})
    assert workspace.up().code == 0
    # WHEN it is destroyed
    done = workspace.destroy()
    # THEN no resource is left
    assert done.code == 0, done.output
    assert account.resources == {}
