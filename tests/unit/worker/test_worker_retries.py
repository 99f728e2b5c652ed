"""Tests temporary failures: when the message is received again, and what is counted."""

import pytest

from tests.unit.worker.conftest import (
    WorkerAccount,
    cancelled,
    refused,
)
from tests.unit.worker.factories import NEWER, content, record


@pytest.mark.parametrize(("receives", "delay"), [(1, 23), (2, 45), (3, 90), (6, 675), (7, 675)])
def test_a_failed_message_is_retried_after_its_backoff(world: WorkerAccount, receives: int, delay: int) -> None:
    # GIVEN a dependency that fails
    world.disturb("transact_write_items", refused("InternalServerError"))
    # WHEN a message is processed for the n-th time
    sent = record(receives=receives)
    failed = world.run(sent)
    # THEN it is reported as failed and hidden for the delay, and no record is left
    assert failed == [sent["messageId"]]
    assert world.delays() == [delay]
    assert world.records() == []
    assert world.counted["AttemptFailed"] == 1
    assert "LastAttemptFailed" not in world.counted


def test_a_message_of_a_newer_version_is_retried_and_its_order_is_not_changed(world: WorkerAccount) -> None:
    # GIVEN a message of the next version
    sent = record(content(schema_version=NEWER))
    # WHEN it is processed
    failed = world.run(sent)
    # THEN it is retried and not dead-lettered, and its order is not marked FAILED
    assert failed == [sent["messageId"]]
    assert world.dead_letters() == []
    assert world.status() is None


def test_conflicts_are_retried_in_the_same_receive(world: WorkerAccount) -> None:
    # GIVEN a SKU for which transactions conflict three times
    world.stock(SKU_1=5)
    world.disturb("transact_write_items", *[cancelled("None", "TransactionConflict")] * 3)
    # WHEN an order for it is processed
    failed = world.run(record())
    # THEN the order is settled in this receive
    assert failed == []
    assert world.counted["TransactionConflict"] == 3


def test_a_failed_message_is_reported_as_failed_even_if_it_cannot_be_hidden(world: WorkerAccount) -> None:
    # GIVEN a dependency that fails, and a queue that refuses to hide messages
    world.disturb("transact_write_items", refused("InternalServerError"))
    world.disturb("change_message_visibility", refused("ReceiptHandleIsInvalid"))
    # WHEN a message is processed
    sent = record()
    # THEN it is reported as failed, and SQS delivers it again after the queue's visibility timeout
    assert world.run(sent) == [sent["messageId"]]


def test_a_message_waits_until_the_lease_of_its_twin_has_ended_and_no_failure_is_counted(world: WorkerAccount) -> None:
    # GIVEN a running twin with a lease of 60 s
    world.run_in_progress()
    # WHEN a message of the same order is received
    sent = record()
    failed = world.run(sent, remaining=60)
    # THEN it is hidden for one second more than the longest possible lease. No failure is counted
    assert failed == [sent["messageId"]]
    assert world.delays() == [61]
    assert world.counted == {"AttemptDeferred": 1}


def test_the_wait_for_a_twin_is_never_shorter_than_the_backoff(world: WorkerAccount) -> None:
    # GIVEN a message that has failed often, and a twin
    world.run_in_progress(seconds=20)
    # WHEN it is received again
    world.run(record(receives=5), remaining=20)
    # THEN it is hidden for the backoff of its fifth receive. The lease lasts only 20 s. If the message waited only for
    # the lease, it would use up its receives too early
    assert world.delays() == [360]


@pytest.mark.parametrize("operation", ["put_item", "update_item", "delete_item"], ids=["begin", "end", "undo"])
def test_if_the_record_cannot_be_written_the_message_waits_until_the_lease_of_this_run_has_ended(
    world: WorkerAccount, operation: str
) -> None:
    # GIVEN an idempotency table that refuses one operation
    world.stock(SKU_1=5)
    world.disturb(operation, refused("InternalServerError"))
    # AND for `delete_item`, a topic that refuses the event, so that the attempt fails and the
    # worker tries to delete the record
    if operation == "delete_item":
        world.disturb("publish", refused("InternalError"))
    # WHEN a message is processed with 40 s left
    failed = world.run(record(), remaining=40)
    # THEN it is hidden until the lease of this run has ended
    assert len(failed) == 1
    assert world.delays() == [41]


def test_no_attempt_starts_without_enough_time(world: WorkerAccount) -> None:
    # GIVEN less time than `item_budget_seconds` plus `time_margin_seconds`
    world.stock(SKU_1=5)
    # WHEN two messages are received
    sent = [record(content(1)), record(content(2))]
    failed = world.run(*sent, remaining=11.9)
    # THEN no attempt starts, both messages are reported as failed, and no failed attempt is counted
    assert sorted(failed) == sorted(one["messageId"] for one in sent)
    assert {name for name, _ in world.calls} == {"change_message_visibility"}
    assert world.counted == {"AttemptDeferred": 2}


def test_an_attempt_starts_with_just_enough_time(world: WorkerAccount) -> None:
    # GIVEN exactly `item_budget_seconds` plus `time_margin_seconds`
    world.stock(SKU_1=5)
    # WHEN a message is received
    # THEN it is settled
    assert world.run(record(), remaining=12) == []
