"""Failures that a later attempt may heal: when they come back, and what is counted."""

import pytest

from tests.unit.worker.conftest import (
    WorkerAccount,
    cancelled,
    refused,
)
from tests.unit.worker.factories import NEWER, content, record


@pytest.mark.parametrize(("receives", "delay"), [(1, 23), (2, 45), (3, 90), (6, 675), (7, 675)])
def test_a_failed_attempt_comes_back_after_its_backoff(world: WorkerAccount, receives: int, delay: int) -> None:
    # GIVEN a dependency that fails
    world.disturb("transact_write_items", refused("InternalServerError"))
    # WHEN a message is processed for the n-th time
    sent = record(receives=receives)
    failed = world.run(sent)
    # THEN it is reported, hidden for a while, and leaves no record behind
    assert failed == [sent["messageId"]]
    assert world.delays() == [delay]
    assert world.records() == []
    assert world.counted["AttemptFailed"] == 1
    assert "LastAttemptFailed" not in world.counted


def test_a_message_of_a_newer_version_waits_and_its_order_is_left_alone(world: WorkerAccount) -> None:
    # GIVEN a message of the next version
    sent = record(content(schema_version=NEWER))
    # WHEN it is processed
    failed = world.run(sent)
    # THEN it is retried, neither dead-lettered nor marked
    assert failed == [sent["messageId"]]
    assert world.dead_letters() == []
    assert world.status() is None


def test_conflicts_are_counted_and_cost_no_receive(world: WorkerAccount) -> None:
    # GIVEN a popular SKU
    world.stock(SKU_1=5)
    world.disturb("transact_write_items", *[cancelled("None", "TransactionConflict")] * 3)
    # WHEN an order for it is processed
    failed = world.run(record())
    # THEN it is done in this receive
    assert failed == []
    assert world.counted["TransactionConflict"] == 3


def test_a_message_that_cannot_be_hidden_is_reported_all_the_same(world: WorkerAccount) -> None:
    # GIVEN a dependency that fails, and SQS too
    world.disturb("transact_write_items", refused("InternalServerError"))
    world.disturb("change_message_visibility", refused("ReceiptHandleIsInvalid"))
    # WHEN a message is processed
    sent = record()
    # THEN it is reported; it comes back after the queue's own time
    assert world.run(sent) == [sent["messageId"]]


def test_a_running_twin_is_waited_for_past_its_lease_and_is_no_failure(world: WorkerAccount) -> None:
    # GIVEN a twin, in a function that may run for 60 s
    world.run_in_progress()
    # WHEN its message comes
    sent = record()
    failed = world.run(sent, remaining=60)
    # THEN it comes back when no lease can hold any more, and nobody is alarmed
    assert failed == [sent["messageId"]]
    assert world.delays() == [61]
    assert world.counted == {"AttemptDeferred": 1}


def test_the_wait_for_a_twin_is_never_shorter_than_the_backoff(world: WorkerAccount) -> None:
    # GIVEN a message that has failed often, and a twin
    world.run_in_progress(seconds=20)
    # WHEN it comes again
    world.run(record(receives=5), remaining=20)
    # THEN it waits as long as after any failure: the retry horizon holds
    assert world.delays() == [360]


@pytest.mark.parametrize("operation", ["put_item", "update_item", "delete_item"], ids=["begin", "end", "undo"])
def test_a_record_that_may_be_left_behind_is_waited_for(world: WorkerAccount, operation: str) -> None:
    # GIVEN an idempotency table that fails at some point, and an attempt that fails if it must
    world.stock(SKU_1=5)
    world.disturb(operation, refused("InternalServerError"))
    if operation == "delete_item":
        world.disturb("publish", refused("InternalError"))
    # WHEN a message is processed with 40 s left
    failed = world.run(record(), remaining=40)
    # THEN it comes back when our own lease cannot hold any more
    assert len(failed) == 1
    assert world.delays() == [41]


def test_without_time_nothing_is_started(world: WorkerAccount) -> None:
    # GIVEN less time than one item may take, and the margin
    world.stock(SKU_1=5)
    # WHEN two messages come
    sent = [record(content(1)), record(content(2))]
    failed = world.run(*sent, remaining=11.9)
    # THEN both come back, neither was tried, and no attempt of ours has failed
    # (in the order in which the threads came to it)
    assert sorted(failed) == sorted(one["messageId"] for one in sent)
    assert {name for name, _ in world.calls} == {"change_message_visibility"}
    assert world.counted == {"AttemptDeferred": 2}


def test_with_just_enough_time_an_item_is_started(world: WorkerAccount) -> None:
    # GIVEN exactly what one item may take, and the margin
    world.stock(SKU_1=5)
    # WHEN a message comes
    # THEN it is done
    assert world.run(record(), remaining=12) == []
