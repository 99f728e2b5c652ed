"""Tests what the worker is put together from: each setting, and each client, where it belongs."""

import time
from typing import Any

from runtime.handlers import process_order
from tests.unit.store.clients import Recording
from tests.unit.worker.conftest import WorkerAccount
from tests.unit.worker.factories import NEWER, content, context, event, record


def swallowed(_: Any) -> dict[str, Any]:
    """A call that succeeds and does nothing: the emulated queues and topic keep no order."""
    return {}


def test_a_worker_that_keeps_order_names_groups_in_all_that_it_sends(world: WorkerAccount) -> None:
    # GIVEN a worker whose queues and topic keep order
    world.stock(SKU_1=5)
    world.disturb("publish", swallowed)
    world.disturb("send_message", swallowed)
    # WHEN it settles an order and dead-letters a message
    unreadable = record("nonsense")
    world.run(record(), unreadable, orders_queue_fifo=True)
    # THEN the event is in its caller's group, the dead letter in its own
    (published,), (letter,) = world.called("publish"), world.called("send_message")
    assert published["MessageGroupId"] == "c" * 64
    assert letter["MessageGroupId"] == unreadable["messageId"]


def test_messages_are_given_back_and_deleted_by_the_client_for_the_last_seconds(world: WorkerAccount) -> None:
    # GIVEN a worker with a client of its own for that
    brief: Any = Recording()
    patient: Any = Recording()
    worker = process_order.build(
        dynamodb=world.dynamodb, sqs=patient, brief_sqs=brief, sns=world.sns, settings=world.settings
    )
    # WHEN one message is dead-lettered and another comes back
    worker.run(event(record("nonsense", receives=2), record(content(1, schema_version=NEWER))), context())
    # THEN the brief client tells SQS, and the patient one sends what must not be lost
    assert sorted(name for name, _ in brief.calls) == ["change_message_visibility", "delete_message"]
    assert [name for name, _ in patient.calls] == ["send_message"]


def test_an_order_settled_before_it_was_accepted_by_another_clock_took_no_time(world: WorkerAccount) -> None:
    # GIVEN an order that a function accepted whose clock is ahead
    world.stock(SKU_1=5)
    # WHEN it is settled
    world.run(record(content(accepted_at="2026-01-31T13:00:00.000Z")))
    # THEN no negative time spoils the statistics
    assert world.counted == {"OrderConfirmed": 1, "AcceptedToSettledLatency": 0}


def test_a_record_lives_as_long_as_a_message_can(world: WorkerAccount) -> None:
    # GIVEN a worker whose records live thirty days
    world.stock(SKU_1=5)
    # WHEN it processes an order
    world.run(record())
    # THEN the record of it expires then
    (kept,) = world.records()
    assert abs(int(kept["expiration"]["N"]) - time.time() - 30 * 86_400) < 60
