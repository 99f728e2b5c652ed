"""Tests a batch: parallel and isolated runs, and the report of failed messages."""

import threading
from typing import Any

import pytest

from runtime.handlers.powertools.batch import on_threads
from tests.unit.worker.conftest import KilledError, WorkerAccount, killed, refused
from tests.unit.worker.factories import NEWER, content, context, event, order_id, record


def test_only_messages_that_failed_temporarily_are_reported(world: WorkerAccount) -> None:
    # GIVEN ten messages, of which one fails temporarily and one permanently
    world.stock(SKU_1=100)
    sent = [record(content(number)) for number in range(1, 9)]
    sent += [record(content(9, schema_version=NEWER)), record("nonsense", attributes={"order_id": order_id(10)})]
    # WHEN they are processed
    failed = world.run(*sent)
    # THEN the temporary failure is reported, the permanent one is dead-lettered, and every other order is settled once
    assert failed == [sent[8]["messageId"]]
    assert [world.status(number) for number in range(1, 9)] == ["CONFIRMED"] * 8
    assert (world.status(10), len(world.dead_letters()), world.available("SKU-1")) == ("FAILED", 1, 84)
    assert world.counted["OrderConfirmed"] == 8


def test_every_message_of_a_batch_is_reported_if_all_fail(world: WorkerAccount) -> None:
    # GIVEN a dependency that is down
    world.disturb("transact_write_items", *[refused("InternalServerError")] * 3)
    # WHEN two messages are processed
    sent = [record(content(1)), record(content(2))]
    # THEN both are reported, and no error is raised, because an error would fail the whole invocation
    assert sorted(world.run(*sent)) == sorted(one["messageId"] for one in sent)


def test_new_messages_run_on_several_threads(world: WorkerAccount) -> None:
    # GIVEN five messages that wait for each other
    world.stock(SKU_1=100)
    together = threading.Barrier(5, timeout=10)

    def wait_for_all(perform: Any) -> dict[str, Any]:
        together.wait()
        answer: dict[str, Any] = perform()
        return answer

    world.disturb("publish", *[wait_for_all] * 5)
    # WHEN they are processed
    # THEN they run at the same time
    assert world.run(*(record(content(number)) for number in range(1, 6))) == []


def test_the_first_calls_of_a_process_all_use_the_same_hash(world: WorkerAccount) -> None:
    # GIVEN a new worker, whose threads all use its idempotency layer for the first time
    world.stock(SKU_1=100)
    # WHEN they process a batch
    world.run(*(record(content(number)) for number in range(1, 11)))
    # THEN the id of every idempotency record ends with a SHA-256, not with the MD5 that Powertools uses by default
    assert {len(kept["id"]["S"]) for kept in world.records()} == {len("process-order#") + 64}


def test_an_isolated_batch_settles_and_deletes_each_message_before_the_next_one_starts(
    world: WorkerAccount,
) -> None:
    # GIVEN two new messages and one that has been received before
    world.stock(SKU_1=100)
    sent = [record(content(1)), record(content(2), receives=2), record(content(3))]
    # WHEN they are processed
    assert world.run(*sent) == []
    # THEN each was settled and deleted before the next one started
    steps = [
        call.get("ReceiptHandle", "settled")
        for name, call in world.calls
        if name in {"transact_write_items", "delete_message"}
    ]
    receipts = [sent[index]["receiptHandle"] for index in (1, 0, 2)]
    assert steps == ["settled", receipts[0], "settled", receipts[1], "settled", receipts[2]]
    assert world.counted["BatchIsolated"] == 1


def test_the_worker_deletes_no_message_if_all_messages_of_a_batch_are_new(world: WorkerAccount) -> None:
    # GIVEN a batch of new messages
    world.stock(SKU_1=100)
    # WHEN it is processed
    world.run(record(content(1)), record(content(2)))
    # THEN the worker does not isolate the batch and deletes no message
    assert world.called("delete_message") == []
    assert world.counted.get("BatchIsolated") is None


def test_suspects_run_last_and_in_the_sequence_in_which_their_leases_ended(world: WorkerAccount) -> None:
    # GIVEN two suspects whose leases ended 5 s and 50 s ago, and one other message
    world.stock(SKU_1=100)
    world.run_in_progress(1, seconds=-5)
    world.run_in_progress(2, seconds=-50)
    # WHEN they are in one batch
    world.run(*(record(content(number), receives=2) for number in (1, 2, 3)))
    # THEN the other message runs first, and the suspect whose lease ended last runs last
    confirmed = [
        call["TransactItems"][0]["Update"]["Key"]["order_id"]["S"] for call in world.called("transact_write_items")
    ]
    assert confirmed == [order_id(3), order_id(2), order_id(1)]


def test_a_message_runs_after_others_but_before_suspects_if_its_idempotency_record_cannot_be_read(
    world: WorkerAccount,
) -> None:
    # GIVEN a suspect, a message without a record, and one whose record cannot be read
    world.stock(SKU_1=100)
    world.run_in_progress(1, seconds=-5)
    answer_once: list[Any] = [lambda perform: perform(), refused("ThrottlingException")]
    world.disturb("get_item", *answer_once)
    # WHEN they are in one batch
    world.run(*(record(content(number), receives=2) for number in (1, 2, 3)), batch_threads=1)
    # THEN the one whose record cannot be read runs second
    confirmed = [
        call["TransactItems"][0]["Update"]["Key"]["order_id"]["S"] for call in world.called("transact_write_items")
    ]
    assert confirmed == [order_id(3), order_id(2), order_id(1)]


def test_other_messages_are_settled_if_the_only_suspect_of_a_batch_is_a_killer(world: WorkerAccount) -> None:
    # GIVEN a suspect that kills the process again
    world.stock(SKU_1=100)
    world.run_in_progress(1, seconds=-5)
    world.disturb("transact_write_items", *[lambda perform: perform()] * 2, killed)
    sent = [record(content(number), receives=2) for number in (1, 2, 3)]
    # WHEN it is in a batch with two others
    with pytest.raises(KilledError):
        world.run(*sent)
    # THEN the others are settled and deleted, so that they are not received again
    assert [world.status(number) for number in (1, 2, 3)] == [None, "CONFIRMED", "CONFIRMED"]
    assert len(world.called("delete_message")) == 2


def test_orders_on_their_last_attempt_are_marked_failed_before_the_batch_runs(
    world: WorkerAccount,
) -> None:
    # GIVEN two messages on their last attempt, the first of which kills the process
    world.disturb("transact_write_items", killed)
    # WHEN they are in one batch
    with pytest.raises(KilledError):
        world.run(record(content(1), receives=8), record(content(2), receives=8))
    # THEN the order whose attempt never started is marked too
    assert [world.status(number) for number in (1, 2)] == ["FAILED", "FAILED"]


def test_an_unreadable_message_of_an_isolated_batch_is_deleted_as_soon_as_it_is_dead_lettered(
    world: WorkerAccount,
) -> None:
    # GIVEN an unreadable message that was received before
    sent = record("nonsense", receives=2)
    # WHEN it is processed
    world.run(sent)
    # THEN the message is deleted. Otherwise a second dead letter would be sent if a later message killed the worker
    assert [call["ReceiptHandle"] for call in world.called("delete_message")] == [sent["receiptHandle"]]


def test_a_message_that_the_worker_cannot_delete_is_not_reported(world: WorkerAccount) -> None:
    # GIVEN a queue that refuses to delete
    world.stock(SKU_1=100)
    world.disturb("delete_message", refused("InternalError"))
    # WHEN an isolated batch is processed
    # THEN no message is reported, so Lambda deletes the message
    assert world.run(record(receives=2)) == []


def test_an_isolated_batch_stops_when_its_time_is_over(world: WorkerAccount) -> None:
    # GIVEN an invocation that has too little time for another record after the first one
    world.stock(SKU_1=100)
    invocation = context()
    started: list[Any] = world.calls
    invocation.get_remaining_time_in_millis = lambda: (  # type: ignore[method-assign] # a clock
        60_000 if not any(name == "publish" for name, _ in started) else 5_000
    )
    sent = [record(content(number), receives=2) for number in (1, 2, 3)]
    # WHEN three messages are processed
    failed = world.run(*sent, context=invocation)
    # THEN one is settled, and the others are reported without an attempt
    assert failed == [one["messageId"] for one in sent[1:]]
    assert [world.status(number) for number in (1, 2, 3)] == ["CONFIRMED", None, None]
    assert world.counted["AttemptDeferred"] == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"body": ...},
        {"body": None},
        {"attributes": ...},
        {"messageAttributes": ...},
        {"messageAttributes": {"order_id": "text"}},
        {"body": ..., "attributes": ..., "messageAttributes": ..., "receiptHandle": ...},
    ],
)
def test_a_malformed_record_does_no_harm_to_other_records(world: WorkerAccount, changes: dict[str, Any]) -> None:
    # GIVEN a record that SQS would not send, and a valid one
    world.stock(SKU_1=100)
    broken = {name: value for name, value in {**record(content(1)), **changes}.items() if value is not ...}
    # WHEN both are processed
    failed = world.run(broken, record(content(2)))
    # THEN the valid one is settled, and the malformed one is settled, dead-lettered or reported
    assert world.status(2) == "CONFIRMED"
    assert failed in ([], [broken["messageId"]])


@pytest.mark.parametrize("unnamed", [{}, {"messageId": ""}, {"messageId": 5}, "text", None])
def test_a_record_without_an_id_returns_the_whole_batch_to_the_queue(world: WorkerAccount, unnamed: Any) -> None:
    # GIVEN a record that cannot be reported, and a valid one
    world.stock(SKU_1=100)
    # WHEN both are processed
    failed = world.run(unnamed, record(content(1)))
    # THEN an empty identifier is reported, so that SQS delivers the whole batch again
    # AND the order of the valid record is settled
    assert failed == [""]
    assert world.status(1) == "CONFIRMED"


@pytest.mark.parametrize("given", [{}, {"Records": None}, {"Records": {}}, {"detail": 1}, []])
def test_an_event_that_is_not_from_sqs_is_refused(world: WorkerAccount, given: Any) -> None:
    # GIVEN an event of another service
    # WHEN the worker is called with it
    # THEN the error says that this is no SQS event
    with pytest.raises(ValueError, match="no SQS event"):
        world.worker().run(given, context())


def test_an_empty_batch_makes_no_call(world: WorkerAccount) -> None:
    # GIVEN no records
    # WHEN they are processed
    # THEN nothing is reported, and there is no call
    assert world.worker().run(event(), context()) == {"batchItemFailures": []}
    assert world.calls == []


@pytest.mark.parametrize("threads", [1, 2, 20])
def test_results_are_in_the_sequence_of_the_items(threads: int) -> None:
    # GIVEN more items than threads, or fewer
    # WHEN they are processed
    # THEN each result is at the place of its item
    assert on_threads(threads, lambda number: number * 2, range(10)) == list(range(0, 20, 2))


def test_a_message_whose_run_has_ended_is_no_suspect(world: WorkerAccount) -> None:
    # GIVEN a message whose order was settled, and a suspect
    world.stock(SKU_1=100)
    world.run(record(content(1)))
    world.run_in_progress(2, seconds=-5)
    # WHEN both are in one batch, the suspect first
    world.calls.clear()
    sent = [record(content(2), receives=2), record(content(1), receives=2)]
    world.run(*sent)
    # THEN the message of the settled order is deleted first
    receipts = [call["ReceiptHandle"] for call in world.called("delete_message")]
    assert receipts == [sent[1]["receiptHandle"], sent[0]["receiptHandle"]]
