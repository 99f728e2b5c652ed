"""Tests the last attempt at a message."""

import pytest

from runtime.logic import delivery
from runtime.logic.message import read_message
from runtime.models.order import OrderMessage
from tests.unit.worker.conftest import (
    KilledError,
    WorkerAccount,
    killed,
    refused,
)
from tests.unit.worker.factories import NEWER, content, message, record


def test_an_order_is_marked_failed_before_its_last_attempt_starts(world: WorkerAccount) -> None:
    # GIVEN a message that kills the process on its last attempt
    world.stock(SKU_1=5)
    world.disturb("transact_write_items", killed)
    # WHEN it is processed
    with pytest.raises(KilledError):
        world.run(record(receives=8))
    # THEN the order is already FAILED before its message is a dead letter
    order = world.order()
    assert order is not None
    assert (order.status, order.error and order.error["error_type"]) == ("FAILED", "LAST_ATTEMPT")
    assert order.lines == message().lines


def test_a_failed_last_attempt_stores_its_error_and_makes_the_message_visible_without_delay(
    world: WorkerAccount,
) -> None:
    # GIVEN a dependency that fails
    world.disturb("transact_write_items", refused("InternalServerError", "TransactWriteItems"))
    # WHEN a message is processed for the last time
    failed = world.run(record(receives=8))
    # THEN the order has the reason, its message is visible without delay, and a metric with an alarm counts the failure
    assert len(failed) == 1
    order = world.order()
    assert order is not None
    assert order.error == {
        "error_type": "InternalServerError",
        "error": "TransactWriteItems was refused: InternalServerError",
        "attempt": 8,
    }
    assert world.delays() == [0]
    assert world.counted == {"BatchIsolated": 1, "AttemptFailed": 1, "LastAttemptFailed": 1}


def test_a_last_attempt_that_succeeds_leaves_no_error(world: WorkerAccount) -> None:
    # GIVEN stock
    world.stock(SKU_1=5)
    # WHEN a message is processed for the last time
    failed = world.run(record(receives=8))
    # THEN the order is confirmed
    order = world.order()
    assert failed == []
    assert order is not None
    assert (order.status, order.error) == ("CONFIRMED", None)


def test_a_last_attempt_is_made_even_if_its_order_cannot_be_marked_failed(world: WorkerAccount) -> None:
    # GIVEN an order that cannot be marked FAILED, because another transaction uses its row
    world.stock(SKU_1=5)
    world.disturb("update_item", refused("TransactionConflictException"))
    # WHEN a message is processed for the last time
    # THEN the order is settled
    assert world.run(record(receives=8)) == []
    assert world.status() == "CONFIRMED"


def test_a_last_attempt_that_fails_to_publish_does_not_change_the_outcome(world: WorkerAccount) -> None:
    # GIVEN a topic that fails
    world.stock(SKU_1=5)
    world.disturb("publish", refused("InternalError"))
    # WHEN a message is processed for the last time
    failed = world.run(record(receives=8))
    # THEN the order is still confirmed, and only its notification is missing
    assert len(failed) == 1
    assert world.status() == "CONFIRMED"
    assert world.published() == []


def test_a_last_attempt_without_enough_time_counts_as_failed_and_marks_the_order_failed(world: WorkerAccount) -> None:
    # GIVEN an invocation with too little time for an attempt
    # WHEN a message has its last receive
    world.run(record(receives=8), remaining=1)
    # THEN its order is FAILED, and a metric with an alarm counts the attempt
    assert world.status() == "FAILED"
    assert world.counted == {"BatchIsolated": 1, "AttemptDeferred": 1, "LastAttemptFailed": 1}


def test_the_last_attempt_of_a_newer_schema_version_marks_the_order_failed(world: WorkerAccount) -> None:
    # GIVEN a message of a newer version, which no worker can read yet
    # WHEN it is processed for the last time
    world.run(record(content(schema_version=NEWER), receives=8))
    # THEN its order is marked FAILED with this reason
    order = world.order()
    assert order is not None
    assert (order.status, order.error and order.error["error_type"]) == ("FAILED", "NewerSchemaError")


@pytest.mark.parametrize("receives", [9, 100])
def test_a_receive_beyond_max_receive_count_is_treated_as_a_last_attempt(world: WorkerAccount, receives: int) -> None:
    # GIVEN a queue whose limit of receives is higher than the worker's `max_receive_count`
    world.disturb("transact_write_items", refused("InternalServerError"))
    # WHEN a message is received more often than `max_receive_count`
    world.run(record(receives=receives))
    # THEN its order is marked FAILED
    assert world.status() == "FAILED"


def test_no_order_is_marked_failed_if_an_unreadable_message_has_no_order_id(world: WorkerAccount) -> None:
    # GIVEN an unreadable message without an order id, and a dead-letter queue that fails
    world.disturb("send_message", refused("InternalError"))
    # WHEN it is processed for the last time
    failed = world.run(record("nonsense", attributes={}, receives=8))
    # THEN the message is visible without delay, so that SQS moves it, and no order row is written
    assert len(failed) == 1
    assert world.called("update_item") == []
    assert world.delays() == [0]


def test_the_body_of_a_record_is_read_only_once(world: WorkerAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a message whose last attempt fails, and an unreadable one; the worker needs both bodies several times
    reads: list[str] = []

    def counted(body: str, *, order_id: str | None, schema_version: str | None) -> OrderMessage:
        reads.append(body)
        return read_message(body, order_id=order_id, schema_version=schema_version)

    monkeypatch.setattr(delivery, "read_message", counted)
    world.disturb("transact_write_items", refused("InternalServerError", "TransactWriteItems"))
    sent = [record(receives=8), record("nonsense", receives=8)]
    # WHEN they are processed
    world.run(*sent)
    # THEN each body was read once
    assert sorted(reads) == sorted(each["body"] for each in sent)
