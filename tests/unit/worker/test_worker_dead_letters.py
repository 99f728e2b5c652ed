"""Tests permanent failures, which no retry can repair."""

from typing import Any

import pytest

from runtime.models.fields import SCHEMA_VERSION
from tests.unit.worker.conftest import (
    KilledError,
    WorkerAccount,
    killed,
    refused,
)
from tests.unit.worker.factories import attribute, content, order_id, record

SECRET = "s3cr3t"


def test_a_permanent_failure_is_dead_lettered_without_a_retry_and_with_its_reason(world: WorkerAccount) -> None:
    # GIVEN a message that fails permanently
    sent = record(
        f"{{{SECRET}",
        receives=3,
        attributes={"order_id": order_id(1), "schema_version": SCHEMA_VERSION, "correlation_id": "c-1"},
    )
    # WHEN it is processed
    failed = world.run(sent)
    # THEN it does not return to its queue. It is in the dead-letter queue, with its body, its attributes and the reason
    assert failed == []
    (letter,) = world.dead_letters()
    assert letter["Body"] == f"{{{SECRET}"
    assert {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()} == {
        "order_id": order_id(1),
        "schema_version": str(SCHEMA_VERSION),
        "correlation_id": "c-1",
        "error_type": "MALFORMED_BODY",
        "error": "The body is not JSON.",
        "original_message_id": sent["messageId"],
        "attempt": "3",
    }
    assert letter["MessageAttributes"]["attempt"]["DataType"] == "Number"
    # AND its order is marked with the same reason
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
def test_no_order_is_marked_if_a_dead_lettered_message_names_no_order_or_two_orders(
    world: WorkerAccount, sent: dict[str, Any], error_type: str
) -> None:
    # GIVEN a message that fails permanently and whose order is not certain
    # WHEN it is processed
    failed = world.run(sent)
    # THEN it is in the dead-letter queue, and no order was written
    assert failed == []
    (letter,) = world.dead_letters()
    assert letter["MessageAttributes"]["error_type"]["StringValue"] == error_type
    assert (world.status(1), world.status(2)) == (None, None)


@pytest.mark.parametrize("status", ["CONFIRMED", "DISCARDED"])
def test_an_unreadable_message_of_a_final_order_does_not_change_the_order(world: WorkerAccount, status: str) -> None:
    # GIVEN a final order
    world.put_order(order_id=order_id(1), status=status)
    # WHEN an unreadable message names it
    world.run(record("nonsense", attributes={"order_id": order_id(1)}))
    # THEN the message is dead-lettered, and the order is unchanged
    assert len(world.dead_letters()) == 1
    assert world.status() == status


def test_a_message_whose_dead_letter_cannot_be_sent_is_retried(world: WorkerAccount) -> None:
    # GIVEN a dead-letter queue that fails
    world.disturb("send_message", refused("InternalError"))
    # WHEN an unreadable message is processed
    sent = record("nonsense", attributes={"order_id": order_id(1)})
    failed = world.run(sent)
    # THEN it is reported as failed, and hidden for the backoff time of its first receive
    assert failed == [sent["messageId"]]
    assert world.delays() == [23]
    assert world.counted == {"AttemptFailed": 1}


def test_the_next_run_sends_the_dead_letter_if_the_first_run_crashed(world: WorkerAccount) -> None:
    # GIVEN a process that dies before the dead letter is sent
    world.disturb("send_message", killed)
    with pytest.raises(KilledError):
        world.run(record("nonsense", attributes={"order_id": order_id(1)}))
    # WHEN the message is received again
    marked = world.status()
    failed = world.run(record("nonsense", attributes={"order_id": order_id(1)}, receives=2))
    # THEN the order was already FAILED, and there is one dead letter
    assert (marked, failed) == ("FAILED", [])
    assert len(world.dead_letters()) == 1


def test_a_message_whose_order_cannot_be_marked_is_not_dead_lettered(world: WorkerAccount) -> None:
    # GIVEN an orders table that is busy
    world.disturb("update_item", refused("ThrottlingException"))
    # WHEN an unreadable message is processed
    failed = world.run(record("nonsense", attributes={"order_id": order_id(1)}))
    # THEN it is reported for a retry, because its order must be marked before the dead letter is sent
    assert len(failed) == 1
    assert world.dead_letters() == []


def test_a_second_dead_letter_keeps_the_original_message_id(world: WorkerAccount) -> None:
    # GIVEN a message that was dead-lettered before and redriven under a new id
    attributes = {"order_id": order_id(1), "original_message_id": "first", "error_type": "OLD", "error": "old"}
    # WHEN it fails again
    world.run(record("nonsense", attributes=attributes))
    # THEN the new dead letter has the new reason. It keeps the first id, so that tools recognise copies of a message
    (letter,) = world.dead_letters()
    assert letter["MessageAttributes"]["original_message_id"]["StringValue"] == "first"
    assert letter["MessageAttributes"]["error_type"]["StringValue"] == "MALFORMED_BODY"


def test_a_dead_letter_leaves_out_broken_attributes_before_it_leaves_out_any_valid_one(
    world: WorkerAccount,
) -> None:
    # GIVEN eight attributes, of which one is binary and two are broken
    attributes = {f"a{number}": "x" for number in range(6)} | {
        "schema_version": SCHEMA_VERSION,
        "order_id": order_id(1),
    }
    sent = record("nonsense", attributes=attributes)
    sent["messageAttributes"]["a0"] = {"dataType": "Binary", "binaryValue": "AAEC"}
    sent["messageAttributes"]["a1"] = {"dataType": "String"}
    sent["messageAttributes"]["a2"] = {**attribute("x"), "dataType": None}
    # WHEN it is dead-lettered
    world.run(sent)
    # THEN the dead letter has ten attributes, the limit of SQS. The worker adds four, and keeps the six of the message
    # that are not broken
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
