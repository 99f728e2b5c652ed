"""Tests that the worker is built with its settings and its clients."""

import time
from typing import Any

from runtime.handlers import process_order
from tests.unit.store.clients import Recording
from tests.unit.worker.conftest import WorkerAccount
from tests.unit.worker.factories import NEWER, content, context, event, record


def without_effect(_: Any) -> dict[str, Any]:
    """Return an empty answer instead of calling the emulated queue or topic.

    The worker has the settings for FIFO, but this queue and this topic are not FIFO.
    """
    return {}


def test_a_worker_with_fifo_queues_sends_every_message_in_a_group(world: WorkerAccount) -> None:
    # GIVEN a worker with the settings for FIFO queues and a FIFO topic
    world.stock(SKU_1=5)
    world.disturb("publish", without_effect)
    world.disturb("send_message", without_effect)
    # WHEN it settles an order and dead-letters a message
    unreadable = record("nonsense")
    world.run(record(), unreadable, orders_queue_fifo=True)
    # THEN the event is in its caller's group, and the dead letter is in the group of its message id
    (published,), (letter,) = world.called("publish"), world.called("send_message")
    assert published["MessageGroupId"] == "c" * 64
    assert letter["MessageGroupId"] == unreadable["messageId"]


def test_messages_are_hidden_and_deleted_with_a_separate_client(world: WorkerAccount) -> None:
    # GIVEN a worker with a separate client for the last seconds of an invocation
    brief: Any = Recording()
    ordinary: Any = Recording()
    worker = process_order.build(
        dynamodb=world.dynamodb, sqs=ordinary, brief_sqs=brief, sns=world.sns, settings=world.settings
    )
    # WHEN one message is dead-lettered and another is retried
    worker.run(event(record("nonsense", receives=2), record(content(1, schema_version=NEWER))), context())
    # THEN the separate client hides and deletes messages, and the ordinary client sends the dead letter
    assert sorted(name for name, _ in brief.calls) == ["change_message_visibility", "delete_message"]
    assert [name for name, _ in ordinary.calls] == ["send_message"]


def test_the_latency_of_an_order_is_zero_if_the_clock_of_the_api_is_ahead(world: WorkerAccount) -> None:
    # GIVEN an order that was accepted by a function whose clock is ahead
    world.stock(SKU_1=5)
    # WHEN it is settled
    world.run(record(content(accepted_at="2026-01-31T13:00:00.000Z")))
    # THEN its latency is zero, not negative
    assert world.counted == {"OrderConfirmed": 1, "AcceptedToSettledLatency": 0}


def test_the_idempotency_record_of_an_order_expires_after_the_configured_time(world: WorkerAccount) -> None:
    # GIVEN a worker whose idempotency records expire after thirty days
    world.stock(SKU_1=5)
    # WHEN it processes an order
    world.run(record())
    # THEN the order's idempotency record expires after thirty days
    (kept,) = world.records()
    assert abs(int(kept["expiration"]["N"]) - time.time() - 30 * 86_400) < 60
