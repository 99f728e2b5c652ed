"""One message: its attempt, and the route of each kind of failure."""

import json
from typing import Any

import pytest

from runtime.observability import logger
from runtime.store.processed_orders import ProcessedOrders
from tests.unit.worker.conftest import (
    IDEMPOTENCY,
    Fault,
    KilledError,
    World,
    answer_lost,
    cancelled,
    killed,
    killed_after,
    refused,
)
from tests.unit.worker.factories import attribute, content, context, message, order_id, record

SECRET = "s3cr3t"


def visibility(world: World) -> list[int]:
    """The delays that were asked for."""
    return [call["VisibilityTimeout"] for call in world.called("change_message_visibility")]


def run_in_progress(world: World, number: int = 1, *, seconds: float = 60) -> None:
    """A twin that is running with a lease of `seconds`."""
    records = ProcessedOrders(world.dynamodb, IDEMPOTENCY, 3600)
    records.register(context(remaining=seconds))
    records._layer.save_inprogress(order_id(number), int(seconds * 1000))  # type: ignore[arg-type]


# --- done ---


def test_a_confirmed_order_is_published_with_the_attributes_to_filter_by(world: World) -> None:
    # GIVEN stock
    world.stock(SKU_1=5)
    # WHEN a message is processed
    failed = world.run(record())
    # THEN the order's event is published, once
    assert failed == []
    (publish,) = world.called("publish")
    sent = {name: value["StringValue"] for name, value in publish["MessageAttributes"].items()}
    assert sent == {
        "event_type": "order.confirmed",
        "event_id": f"{order_id(1)}:order.confirmed",
        "currency": "EUR",
    }
    assert json.loads(publish["Message"])["subject"] == order_id(1)


def test_outcomes_are_counted_and_timed(world: World) -> None:
    # GIVEN stock for one of two orders
    world.stock(SKU_1=2)
    # WHEN both are processed, one after the other
    world.run(record(content(1)))
    world.run(record(content(2)))
    # THEN each outcome is counted, with its time since it was accepted
    assert world.counted == {"OrderConfirmed": 1, "OrderRejected": 1, "AcceptedToSettledLatency": 3000}


def test_a_redelivered_message_does_nothing_again(world: World) -> None:
    # GIVEN an order that was processed
    world.stock(SKU_1=5)
    world.run(record())
    world.calls.clear()
    # WHEN its message comes again, under another message id
    failed = world.run(record())
    # THEN one look at its record is all that happens
    assert failed == []
    assert [name for name, _ in world.calls] == ["put_item"]
    assert world.counted["OrderConfirmed"] == 1


def test_the_record_is_keyed_on_the_order_id_and_outlives_the_dead_letter_queue(world: World) -> None:
    # GIVEN an order
    world.stock(SKU_1=5)
    # WHEN it is processed
    world.run(record())
    # THEN its record's id is known to tools, and depends on nothing but the order
    (kept,) = world.records()
    assert kept["id"]["S"] == "process-order#" + "5f9a2a773cfc46c2a716bd10ab0e14c6745f845f3ae5912a625bde51cc9c3c98"
    assert json.loads(kept["data"]["S"]) == {"order_id": order_id(1), "status": "CONFIRMED"}
    assert int(kept["expiration"]["N"]) * 1000 - int(kept["in_progress_expiration"]["N"]) > 29 * 86_400_000


def test_a_discarded_order_is_done_and_nobody_is_told(world: World) -> None:
    # GIVEN an order that a person gave up
    world.stock(SKU_1=5)
    world.put_order(order_id=order_id(1), status="DISCARDED")
    # WHEN its message comes
    failed = world.run(record())
    # THEN it is done, untouched and unpublished
    assert failed == []
    assert world.published() == []
    assert (world.status(), world.available("SKU-1"), world.counted) == ("DISCARDED", 5, {})


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("publish", killed),
        ("publish", killed_after),
        ("publish", answer_lost),
        ("publish", refused("Throttled")),
        ("get_item", killed),
        ("transact_write_items", killed_after),
        ("transact_write_items", answer_lost),
        ("update_item", killed),
        ("update_item", refused("ThrottlingException")),
    ],
)
def test_a_run_that_broke_off_is_finished_with_the_same_event(world: World, operation: str, fault: Fault) -> None:
    # GIVEN stock for one order, and a run that breaks off
    world.stock(SKU_1=2)
    world.disturb(operation, fault)
    try:
        assert len(world.run(record(), remaining=15)) == 1
    except KilledError:
        world.clock.sleep(3600)
    # WHEN the message comes again, after the lease
    dynamodb = world.dynamodb.scan(TableName=IDEMPOTENCY)["Items"]
    for left in dynamodb:
        world.dynamodb.put_item(TableName=IDEMPOTENCY, Item={**left, "in_progress_expiration": {"N": "1"}})
    failed = world.run(record(receives=2))
    # THEN the order is confirmed once, and every event was the same
    assert failed == []
    assert (world.status(), world.available("SKU-1")) == ("CONFIRMED", 0)
    assert len(set(world.published())) == 1
    assert world.counted["OrderConfirmed"] == 1


# --- retryable ---


@pytest.mark.parametrize(("receives", "delay"), [(1, 23), (2, 45), (3, 90), (6, 675), (7, 675)])
def test_a_failed_attempt_comes_back_after_its_backoff(world: World, receives: int, delay: int) -> None:
    # GIVEN a dependency that fails
    world.disturb("transact_write_items", refused("InternalServerError"))
    # WHEN a message is processed for the n-th time
    sent = record(receives=receives)
    failed = world.run(sent)
    # THEN it is reported, hidden for a while, and leaves no record behind
    assert failed == [sent["messageId"]]
    assert visibility(world) == [delay]
    assert world.records() == []
    assert world.counted["AttemptFailed"] == 1
    assert "LastAttemptFailed" not in world.counted


def test_a_message_of_a_newer_version_waits_and_its_order_is_left_alone(world: World) -> None:
    # GIVEN a message of version 2
    sent = record(content(schema_version=2))
    # WHEN it is processed
    failed = world.run(sent)
    # THEN it is retried, neither dead-lettered nor marked
    assert failed == [sent["messageId"]]
    assert world.dead_letters() == []
    assert world.status() is None


def test_conflicts_are_counted_and_cost_no_receive(world: World) -> None:
    # GIVEN a popular SKU
    world.stock(SKU_1=5)
    world.disturb("transact_write_items", *[cancelled("None", "TransactionConflict")] * 3)
    # WHEN an order for it is processed
    failed = world.run(record())
    # THEN it is done in this receive
    assert failed == []
    assert world.counted["TransactionConflict"] == 3


def test_a_message_that_cannot_be_hidden_is_reported_all_the_same(world: World) -> None:
    # GIVEN a dependency that fails, and SQS too
    world.disturb("transact_write_items", refused("InternalServerError"))
    world.disturb("change_message_visibility", refused("ReceiptHandleIsInvalid"))
    # WHEN a message is processed
    sent = record()
    # THEN it is reported; it comes back after the queue's own time
    assert world.run(sent) == [sent["messageId"]]


def test_a_running_twin_is_waited_for_past_its_lease_and_is_no_failure(world: World) -> None:
    # GIVEN a twin, in a function that may run for 60 s
    run_in_progress(world)
    # WHEN its message comes
    sent = record()
    failed = world.run(sent, remaining=60)
    # THEN it comes back when no lease can hold any more, and nobody is alarmed
    assert failed == [sent["messageId"]]
    assert visibility(world) == [61]
    assert world.counted == {"AttemptDeferred": 1}


def test_the_wait_for_a_twin_is_never_shorter_than_the_backoff(world: World) -> None:
    # GIVEN a message that has failed often, and a twin
    run_in_progress(world, seconds=20)
    # WHEN it comes again
    world.run(record(receives=5), remaining=20)
    # THEN it waits as long as after any failure: the retry horizon holds
    assert visibility(world) == [360]


@pytest.mark.parametrize(
    ("operation", "skipped"), [("put_item", 0), ("update_item", 0), ("delete_item", 0)], ids=["begin", "end", "undo"]
)
def test_a_record_that_may_be_left_behind_is_waited_for(world: World, operation: str, skipped: int) -> None:
    # GIVEN an idempotency table that fails at some point, and an attempt that fails if it must
    world.stock(SKU_1=5)
    world.disturb(operation, refused("InternalServerError"))
    if operation == "delete_item":
        world.disturb("publish", refused("InternalError"))
    # WHEN a message is processed with 40 s left
    failed = world.run(record(), remaining=40)
    # THEN it comes back when our own lease cannot hold any more
    assert len(failed) == 1
    assert visibility(world) == [41]


def test_without_time_nothing_is_started(world: World) -> None:
    # GIVEN less time than one item may take, and the margin
    world.stock(SKU_1=5)
    # WHEN two messages come
    sent = [record(content(1)), record(content(2))]
    failed = world.run(*sent, remaining=11.9)
    # THEN both come back, neither was tried, and no attempt of ours has failed
    assert failed == [one["messageId"] for one in sent]
    assert {name for name, _ in world.calls} == {"change_message_visibility"}
    assert world.counted == {"AttemptDeferred": 2}


def test_with_just_enough_time_an_item_is_started(world: World) -> None:
    # GIVEN exactly what one item may take, and the margin
    world.stock(SKU_1=5)
    # WHEN a message comes
    # THEN it is done
    assert world.run(record(), remaining=12) == []


# --- the last attempt ---


def test_the_last_attempt_says_failed_before_it_starts(world: World) -> None:
    # GIVEN a message that kills the process on its last attempt
    world.stock(SKU_1=5)
    world.disturb("transact_write_items", killed)
    # WHEN it is processed
    with pytest.raises(KilledError):
        world.run(record(receives=8))
    # THEN what the dead-letter queue gets next has an order that says so
    order = world.order()
    assert order is not None
    assert (order.status, order.error and order.error["error_type"]) == ("FAILED", "LAST_ATTEMPT")
    assert order.lines == message().lines


def test_the_last_attempt_adds_its_error_and_goes_to_the_dead_letter_queue_at_once(world: World) -> None:
    # GIVEN a dependency that fails
    world.disturb("transact_write_items", refused("InternalServerError", "TransactWriteItems"))
    # WHEN a message is processed for the last time
    failed = world.run(record(receives=8))
    # THEN the order tells why, SQS moves the message now, and on-call hears of it
    assert len(failed) == 1
    order = world.order()
    assert order is not None
    assert order.error == {
        "error_type": "InternalServerError",
        "error": "TransactWriteItems was refused: InternalServerError",
        "attempt": 8,
    }
    assert visibility(world) == [0]
    assert world.counted == {"BatchIsolated": 1, "AttemptFailed": 1, "LastAttemptFailed": 1}


def test_a_last_attempt_that_succeeds_leaves_no_trace_of_failure(world: World) -> None:
    # GIVEN stock
    world.stock(SKU_1=5)
    # WHEN a message is processed for the last time
    failed = world.run(record(receives=8))
    # THEN the order is confirmed
    order = world.order()
    assert failed == []
    assert order is not None
    assert (order.status, order.error) == ("CONFIRMED", None)


def test_a_last_attempt_that_cannot_be_marked_is_made_all_the_same(world: World) -> None:
    # GIVEN an order row that is busy when it should be marked
    world.stock(SKU_1=5)
    world.disturb("update_item", refused("TransactionConflictException"))
    # WHEN a message is processed for the last time
    # THEN the order gets its chance
    assert world.run(record(receives=8)) == []
    assert world.status() == "CONFIRMED"


def test_a_last_attempt_that_fails_to_publish_leaves_the_outcome(world: World) -> None:
    # GIVEN a topic that fails
    world.stock(SKU_1=5)
    world.disturb("publish", refused("InternalError"))
    # WHEN a message is processed for the last time
    failed = world.run(record(receives=8))
    # THEN the order is what it is; only its notification is missing
    assert len(failed) == 1
    assert world.status() == "CONFIRMED"


def test_a_last_attempt_that_was_not_started_is_marked_and_reported_as_last(world: World) -> None:
    # GIVEN no time left
    # WHEN a message has its last receive
    world.run(record(receives=8), remaining=1)
    # THEN its order says so, and on-call hears
    assert world.status() == "FAILED"
    assert world.counted == {"BatchIsolated": 1, "AttemptDeferred": 1, "LastAttemptFailed": 1}


def test_a_last_attempt_at_a_newer_version_marks_the_order_that_it_names(world: World) -> None:
    # GIVEN a message of version 2 that nobody could read in time
    # WHEN it is processed for the last time
    world.run(record(content(schema_version=2), receives=8))
    # THEN the order says so
    order = world.order()
    assert order is not None
    assert (order.status, order.error and order.error["error_type"]) == ("FAILED", "NewerSchemaError")


@pytest.mark.parametrize("receives", [9, 100])
def test_a_receive_beyond_the_last_is_a_last_attempt_too(world: World, receives: int) -> None:
    # GIVEN a queue whose limit is higher than we were told
    world.disturb("transact_write_items", refused("InternalServerError"))
    # WHEN a message comes yet again
    world.run(record(receives=receives))
    # THEN its order is marked
    assert world.status() == "FAILED"


# --- permanent ---


def test_a_permanent_failure_is_dead_lettered_at_once_with_its_reason(world: World) -> None:
    # GIVEN a message that no retry can help
    sent = record(
        f"{{{SECRET}",
        receives=3,
        attributes={"order_id": order_id(1), "schema_version": 1, "correlation_id": "c-1"},
    )
    # WHEN it is processed
    failed = world.run(sent)
    # THEN it is done, and lies in the dead-letter queue with its body, its attributes and why
    assert failed == []
    (letter,) = world.dead_letters()
    assert letter["Body"] == f"{{{SECRET}"
    assert {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()} == {
        "order_id": order_id(1),
        "schema_version": "1",
        "correlation_id": "c-1",
        "error_type": "MALFORMED_BODY",
        "error": "The body is not JSON.",
        "original_message_id": sent["messageId"],
        "attempt": "3",
    }
    assert letter["MessageAttributes"]["attempt"]["DataType"] == "Number"
    # AND its order says so
    order = world.order()
    assert order is not None
    assert order.status == "FAILED"
    assert order.error == {"error_type": "MALFORMED_BODY", "error": "The body is not JSON.", "attempt": 3}
    assert world.counted["MessageDeadLettered"] == 1
    assert "AttemptFailed" not in world.counted


@pytest.mark.parametrize(
    ("sent", "error_type"),
    [
        (record("nonsense", attributes={}), "MALFORMED_BODY"),
        (record("nonsense", attributes={"order_id": "nonsense"}), "MALFORMED_BODY"),
        (record(content(1), attributes={"order_id": order_id(2)}), "ORDER_ID_MISMATCH"),
    ],
)
def test_a_message_that_names_no_order_reliably_is_dead_lettered_and_marks_none(
    world: World, sent: dict[str, Any], error_type: str
) -> None:
    # GIVEN a permanent failure of nobody knows which order
    # WHEN it is processed
    failed = world.run(sent)
    # THEN it is in the dead-letter queue, and no order was touched
    assert failed == []
    (letter,) = world.dead_letters()
    assert letter["MessageAttributes"]["error_type"]["StringValue"] == error_type
    assert (world.status(1), world.status(2)) == (None, None)


@pytest.mark.parametrize("status", ["CONFIRMED", "DISCARDED"])
def test_an_unreadable_message_of_a_final_order_changes_nothing_about_it(world: World, status: str) -> None:
    # GIVEN a final order
    world.put_order(order_id=order_id(1), status=status)
    # WHEN an unreadable message names it
    world.run(record("nonsense", attributes={"order_id": order_id(1)}))
    # THEN the message is dead-lettered, and the order stays
    assert len(world.dead_letters()) == 1
    assert world.status() == status


def test_a_dead_letter_that_cannot_be_sent_stays_in_the_queue(world: World) -> None:
    # GIVEN a dead-letter queue that fails
    world.disturb("send_message", refused("InternalError"))
    # WHEN an unreadable message is processed
    sent = record("nonsense", attributes={"order_id": order_id(1)})
    failed = world.run(sent)
    # THEN it comes back after a backoff, as after any failure
    assert failed == [sent["messageId"]]
    assert visibility(world) == [23]
    assert world.counted == {"AttemptFailed": 1}


def test_a_crash_between_mark_and_send_leaves_the_message_in_the_queue(world: World) -> None:
    # GIVEN a process that dies before the dead letter is sent
    world.disturb("send_message", killed)
    with pytest.raises(KilledError):
        world.run(record("nonsense", attributes={"order_id": order_id(1)}))
    # WHEN the message comes again
    marked = world.status()
    failed = world.run(record("nonsense", attributes={"order_id": order_id(1)}, receives=2))
    # THEN the order said FAILED all along, and the dead letter is there once
    assert (marked, failed) == ("FAILED", [])
    assert len(world.dead_letters()) == 1


def test_an_order_that_cannot_be_marked_keeps_its_message_out_of_the_dead_letter_queue(world: World) -> None:
    # GIVEN an orders table that is busy
    world.disturb("update_item", refused("ThrottlingException"))
    # WHEN an unreadable message is processed
    failed = world.run(record("nonsense", attributes={"order_id": order_id(1)}))
    # THEN it is tried again: no dead letter without its mark
    assert len(failed) == 1
    assert world.dead_letters() == []


def test_the_first_original_id_survives_a_redrive(world: World) -> None:
    # GIVEN a message that was dead-lettered before and redriven under a new id
    attributes = {"order_id": order_id(1), "original_message_id": "first", "error_type": "OLD", "error": "old"}
    # WHEN it fails again
    world.run(record("nonsense", attributes=attributes))
    # THEN copies can still be merged, and the reason is the new one
    (letter,) = world.dead_letters()
    assert letter["MessageAttributes"]["original_message_id"]["StringValue"] == "first"
    assert letter["MessageAttributes"]["error_type"]["StringValue"] == "MALFORMED_BODY"


def test_a_message_with_many_attributes_keeps_those_that_matter(world: World) -> None:
    # GIVEN ten attributes, of which one is binary and one is broken
    attributes = {f"a{number}": "x" for number in range(6)} | {"schema_version": 1, "order_id": order_id(1)}
    sent = record("nonsense", attributes=attributes)
    sent["messageAttributes"]["a0"] = {"dataType": "Binary", "binaryValue": "AAEC"}
    sent["messageAttributes"]["a1"] = {"dataType": "String"}
    sent["messageAttributes"]["a2"] = {**attribute("x"), "dataType": None}
    # WHEN it is dead-lettered
    world.run(sent)
    # THEN there are ten again, ours and the order's among them
    (letter,) = world.dead_letters()
    names = set(letter["MessageAttributes"])
    assert names == {
        "error_type",
        "error",
        "original_message_id",
        "attempt",
        "order_id",
        "schema_version",
        "a0",
        "a3",
        "a4",
        "a5",
    }
    assert letter["MessageAttributes"]["a0"]["BinaryValue"] == b"\x00\x01\x02"


# --- what is written about it ---


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(record(content(reference=SECRET, currency=SECRET)), id="permanent"),
        pytest.param(record(content(reference=SECRET)), id="retryable"),
        pytest.param(record(content(reference=SECRET), receives=8), id="last"),
    ],
)
def test_logs_say_where_it_failed_and_nothing_of_the_order(
    world: World, sent: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a dependency whose error text quotes the payload
    written: list[str] = []
    handler = logger.registered_handler
    monkeypatch.setattr(handler, "emit", lambda line: written.append(handler.format(line)))
    world.disturb("transact_write_items", refused("ValidationException", "TransactWriteItems"))
    # WHEN a message is processed
    world.run(sent)
    # THEN the log has the ids, the kind of failure and the lines of code, and nothing else of the message
    text = "\n".join(written)
    assert SECRET not in text
    assert "secret payload" not in text
    assert all(sent["messageId"] in line and order_id(1) in line for line in written)
    if "INVALID_MESSAGE" not in text:
        failed = next(json.loads(line) for line in written if "attempt failed" in line)
        assert "ValidationException" in failed["error_type"]
        assert any("transact_write_items" in frame for frame in failed["trace"])


def test_a_last_attempt_at_a_message_of_no_known_order_marks_none(world: World) -> None:
    # GIVEN an unreadable message without an order id, and a dead-letter queue that fails
    world.disturb("send_message", refused("InternalError"))
    # WHEN it is processed for the last time
    failed = world.run(record("nonsense", attributes={}, receives=8))
    # THEN SQS takes it from here, and no order was made up for it
    assert len(failed) == 1
    assert world.called("update_item") == []
    assert visibility(world) == [0]
