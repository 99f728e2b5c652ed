"""Tests that a message is processed completely, even if an earlier run failed or was killed."""

import json

import pytest

from tests.unit.worker.conftest import (
    IDEMPOTENCY,
    Fault,
    KilledError,
    WorkerAccount,
    answer_lost,
    killed,
    killed_after,
    refused,
)
from tests.unit.worker.factories import content, order_id, record


def test_the_event_of_a_confirmed_order_has_attributes_for_filters(world: WorkerAccount) -> None:
    # GIVEN stock
    world.stock(SKU_1=5)
    # WHEN a message is processed
    failed = world.run(record())
    # THEN the order's event is published once
    assert failed == []
    (publish,) = world.called("publish")
    sent = {name: value["StringValue"] for name, value in publish["MessageAttributes"].items()}
    assert sent == {
        "event_type": "order.confirmed",
        "event_id": f"{order_id(1)}:order.confirmed",
        "currency": "EUR",
    }
    assert json.loads(publish["Message"])["subject"] == order_id(1)


def test_outcomes_are_counted_and_timed(world: WorkerAccount) -> None:
    # GIVEN stock for one of two orders
    world.stock(SKU_1=2)
    # WHEN both are processed, one after the other
    world.run(record(content(1)))
    world.run(record(content(2)))
    # THEN each outcome is counted, and the latency metric has the time from acceptance to settlement of each order
    assert world.counted == {"OrderConfirmed": 1, "OrderRejected": 1, "AcceptedToSettledLatency": 3000}


def test_a_second_message_of_a_processed_order_is_not_processed(world: WorkerAccount) -> None:
    # GIVEN an order that was processed
    world.stock(SKU_1=5)
    world.run(record())
    world.calls.clear()
    # WHEN another message of the same order is received
    failed = world.run(record())
    # THEN the only call is the conditional write of the order's idempotency record
    assert failed == []
    assert [name for name, _ in world.calls] == ["put_item"]
    assert world.counted["OrderConfirmed"] == 1


def test_an_idempotency_record_is_kept_for_weeks_and_its_id_depends_only_on_the_order_id(world: WorkerAccount) -> None:
    # GIVEN an order
    world.stock(SKU_1=5)
    # WHEN it is processed
    world.run(record())
    # THEN its record's id has this hash of the order id, and the record is kept for more than 29 days
    (kept,) = world.records()
    assert kept["id"]["S"] == "process-order#" + "5f9a2a773cfc46c2a716bd10ab0e14c6745f845f3ae5912a625bde51cc9c3c98"
    assert json.loads(kept["data"]["S"]) == {"order_id": order_id(1), "status": "CONFIRMED"}
    assert int(kept["expiration"]["N"]) * 1000 - int(kept["in_progress_expiration"]["N"]) > 29 * 86_400_000


def test_a_discarded_order_is_not_settled_and_no_event_is_published(world: WorkerAccount) -> None:
    # GIVEN an order that a person discarded
    world.stock(SKU_1=5)
    world.put_order(order_id=order_id(1), status="DISCARDED")
    # WHEN its message is processed
    failed = world.run(record())
    # THEN the message is not reported as failed, the order is not changed, and no event is published
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
def test_the_next_run_finishes_an_order_and_never_publishes_a_different_event(
    world: WorkerAccount, operation: str, fault: Fault
) -> None:
    # GIVEN stock for one order, and a run that fails or is killed
    world.stock(SKU_1=2)
    world.disturb(operation, fault)
    try:
        assert len(world.run(record(), remaining=15)) == 1
    except KilledError:
        world.clock.sleep(3600)
    # WHEN the message is received again, after the lease
    for left in world.records():
        world.dynamodb.put_item(TableName=IDEMPOTENCY, Item={**left, "in_progress_expiration": {"N": "1"}})
    failed = world.run(record(receives=2))
    # THEN the order is confirmed once, and every event was the same
    assert failed == []
    assert (world.status(), world.available("SKU-1")) == ("CONFIRMED", 0)
    assert len(set(world.published())) == 1
    assert world.counted["OrderConfirmed"] == 1
