"""Tests settling and publishing on the DynamoDB of moto. Errors that moto never raises are injected."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from runtime.logic.failures import CorruptDataError
from runtime.models.order import Reason
from tests.unit.worker.conftest import ORDERS, WorkerAccount, answer_lost, cancelled, refused
from tests.unit.worker.factories import content, lines, message, order_id, record
from tests.unit.worker.settling import settle, settler


def test_an_order_with_stock_is_confirmed_and_its_stock_taken(world: WorkerAccount) -> None:
    # GIVEN stock for both lines and an accepted order
    world.stock(SKU_1=5, SKU_2=5)
    order = message(lines=lines("SKU-1", "SKU-2", quantity=2))
    world.accept(order)
    # WHEN it is settled
    written = settler(world).settle(order, lambda: None)
    # THEN it is confirmed by this run, with the time of the transaction
    assert written.by_us
    assert written.order == world.order()
    assert (written.order.status, written.order.settled_at) == ("CONFIRMED", "2026-01-31T12:00:01.500Z")
    assert (world.available("SKU-1"), world.available("SKU-2")) == (3, 3)


def test_the_worker_may_settle_an_order_before_the_api_stores_it(world: WorkerAccount) -> None:
    # GIVEN a message whose order the API has not stored yet
    world.stock(SKU_1=5)
    order = message(reference="mine")
    # WHEN the order is settled, and then the API stores it
    settler(world).settle(order, lambda: None)
    settled = world.order()
    world.accept(order)
    # THEN the whole order is stored, and the API's write changes nothing
    assert settled is not None
    assert settled.model_dump(exclude={"status", "settled_at", "reason", "error"}) == order.model_dump()
    assert world.order() == settled


def test_a_late_write_of_the_api_adds_nothing_to_a_settled_order(world: WorkerAccount) -> None:
    # GIVEN an order that was settled without a trace context
    world.stock(SKU_1=5)
    settle(world)
    settled = world.order()
    # WHEN the client sends its request again with a trace context, and the API stores the order
    world.accept(message(traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
    # THEN the order still has exactly the fields from which its event was built
    assert world.order() == settled


def test_the_result_is_the_order_that_was_stored_first(world: WorkerAccount) -> None:
    # GIVEN an order that the API stored, and a second message of the same order from the client's retry
    world.stock(SKU_1=5)
    world.accept(message(accepted_at="2026-01-31T11:59:59.000Z", correlation_id="first"))
    # WHEN the second message is settled
    written = settle(world, correlation_id="second")
    # THEN the result is the stored order, not that of the message
    assert (written.order.accepted_at, written.order.correlation_id) == ("2026-01-31T11:59:59.000Z", "first")
    assert written.order == world.order()


@pytest.mark.parametrize(
    ("stock", "reason"),
    [
        ({"SKU_1": 1, "SKU_2": 9}, {"code": "OUT_OF_STOCK", "skus": ("SKU-1",)}),
        ({"SKU_1": 1, "SKU_2": 0}, {"code": "OUT_OF_STOCK", "skus": ("SKU-1", "SKU-2")}),
        ({"SKU_1": 9}, {"code": "UNKNOWN_SKU", "skus": ("SKU-2",)}),
        ({"SKU_1": 0}, {"code": "UNKNOWN_SKU", "skus": ("SKU-2",)}),
    ],
)
def test_an_order_without_stock_is_rejected_with_its_reason(
    world: WorkerAccount, stock: dict[str, int], reason: dict[str, Any]
) -> None:
    # GIVEN an article with too little stock or without a stock row
    world.stock(**stock)
    # WHEN the order is settled
    written = settle(world, lines=lines("SKU-1", "SKU-2", quantity=2))
    # THEN it is rejected. The reason has the unknown articles or, if all are known, the articles
    # with too little stock
    # AND no stock has changed
    assert written.by_us
    assert written.order == world.order()
    assert written.order.status == "REJECTED"
    assert written.order.reason == Reason.model_validate(reason)
    assert {sku: world.available(sku.replace("_", "-")) for sku in stock} == stock


@pytest.mark.parametrize("status", ["CONFIRMED", "REJECTED", "DISCARDED"])
def test_a_final_order_does_not_change_even_if_no_stock_is_left(world: WorkerAccount, status: str) -> None:
    # GIVEN a final order, and an article of which no stock is left
    world.stock(SKU_1=0)
    world.put_order(order_id=order_id(1), status=status, settled_at="2026-01-01T00:00:00.000Z")
    # WHEN it is settled again
    written = settle(world)
    # THEN the result is the stored order, which this run has not written
    assert not written.by_us
    assert (written.order.status, written.order.settled_at) == (status, "2026-01-01T00:00:00.000Z")
    assert world.order() == written.order


@pytest.mark.parametrize(("stored", "by_us"), [("2026-01-31T12:00:00.000Z", True), ("2026-01-31T12:00:01.000Z", False)])
def test_a_final_order_counts_as_settled_by_this_run_if_it_has_the_time_of_a_transaction_of_this_run(
    world: WorkerAccount, stored: str, by_us: bool
) -> None:
    # GIVEN a final order, and an earlier transaction of this run that may have settled this order
    # together with other orders
    world.put_order(order_id=order_id(1), status="CONFIRMED", settled_at=stored)
    # WHEN `settle` gets the order and the time of that transaction
    written = settler(world).settle(message(), lambda: None, "2026-01-31T12:00:00.000Z")
    # THEN the order counts as settled by this run only if its `settled_at` is that time
    assert written.by_us is by_us


def test_a_failed_order_is_settled_and_its_error_is_removed(world: WorkerAccount) -> None:
    # GIVEN an order that was marked FAILED and whose message was redriven
    world.stock(SKU_1=2)
    settler(world).store.mark_failed(order_id(1), {"error_type": "X", "error": "Y", "attempt": 8}, message())
    # WHEN it is settled
    settle(world)
    # THEN it is confirmed and has no error
    order = world.order()
    assert order is not None
    assert (order.status, order.error, world.available("SKU-1")) == ("CONFIRMED", None, 0)


def test_an_order_that_a_twin_makes_final_before_our_rejection_keeps_the_twins_outcome(world: WorkerAccount) -> None:
    # GIVEN no stock, and a twin that confirms the order between our transaction and our rejection
    def twin(perform: Any) -> dict[str, Any]:
        world.put_order(order_id=order_id(1), status="CONFIRMED", settled_at="2026-01-01T00:00:00.000Z")
        answer: dict[str, Any] = perform()
        return answer

    world.stock(SKU_1=0)
    world.disturb("update_item", twin)
    # WHEN the order is settled
    written = settle(world)
    # THEN the result is the twin's outcome
    assert (written.order.status, written.by_us) == ("CONFIRMED", False)
    assert world.status() == "CONFIRMED"


def test_a_final_order_is_read_from_the_table_if_the_transactions_answer_lacks_its_row(world: WorkerAccount) -> None:
    # GIVEN a settled order, and a cancelled transaction whose answer does not contain the order's row
    world.put_order(order_id=order_id(1), status="REJECTED")
    world.disturb("transact_write_items", cancelled("ConditionalCheckFailed", "None"))
    # WHEN it is settled again
    # THEN the stored row is read
    assert settle(world).order.status == "REJECTED"


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (cancelled("ValidationError", "None"), "ValidationError"),
        (cancelled("None"), "1 cancellation reasons for 2 items"),
        (refused("TransactionCanceledException"), "0 cancellation reasons for 2 items"),
    ],
)
def test_a_cancellation_with_unknown_or_missing_reasons_is_an_error(
    world: WorkerAccount, fault: Any, text: str
) -> None:
    # GIVEN a cancellation with a reason other than a failed condition or contention, or with fewer reasons than items
    world.disturb("transact_write_items", fault)
    # WHEN the order is settled
    # THEN the error names the problem, and there is no retry
    with pytest.raises(CorruptDataError, match=text):
        settle(world)
    assert world.clock.slept == []


def test_an_access_denied_error_of_dynamodb_is_raised_unchanged(world: WorkerAccount) -> None:
    # GIVEN a role without permission
    world.disturb("transact_write_items", refused("AccessDeniedException"))
    # WHEN the order is settled
    # THEN the error is that of AWS, and there is no retry
    with pytest.raises(ClientError, match="AccessDenied"):
        settle(world)
    assert len(world.called("transact_write_items")) == 1


def test_a_settlement_whose_answer_was_lost_takes_stock_only_once(world: WorkerAccount) -> None:
    # GIVEN a transaction that took effect but whose answer was lost
    world.stock(SKU_1=2)
    world.disturb("transact_write_items", answer_lost)
    with pytest.raises(TimeoutError):
        settle(world)
    # WHEN the order is settled again
    written = settle(world)
    # THEN the order is confirmed although no stock is left, and stock was taken once
    assert (written.order.status, written.by_us, world.available("SKU-1")) == ("CONFIRMED", False, 0)


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({}, "not in the orders table"),
        ({"Item": {"order_id": {"S": order_id(1)}, "status": {"S": "SHIPPED"}}}, "/status"),
        ({"Item": {"order_id": {"S": order_id(1)}, "status": {"S": "ACCEPTED"}}}, "is ACCEPTED"),
        (
            {"Item": {"order_id": {"S": order_id(1)}, "status": {"S": "CONFIRMED"}, "lines": {"L": [{"N": "1"}]}}},
            "lines are unreadable",
        ),
    ],
)
def test_a_settled_order_that_cannot_be_read_back_is_an_error(world: WorkerAccount, item: Any, text: str) -> None:
    # GIVEN an order that somebody deletes or rewrites immediately after its settlement
    world.stock(SKU_1=5)
    world.disturb("get_item", lambda _: item)
    # WHEN it is settled
    # THEN this is an error, so the message is not deleted
    with pytest.raises(CorruptDataError, match=text):
        settle(world)


def test_attributes_and_line_fields_of_a_newer_version_are_ignored(world: WorkerAccount) -> None:
    # GIVEN a settled order that a newer version wrote
    line = {"sku": {"S": "SKU-1"}, "quantity": {"N": "2"}, "unit_price": {"S": "1"}, "gift": {"BOOL": True}}
    world.dynamodb.put_item(
        TableName=ORDERS,
        Item={
            "order_id": {"S": order_id(1)},
            "status": {"S": "CONFIRMED"},
            "lines": {"L": [{"M": line}]},
            "weight": {"N": "1.5"},
        },
    )
    # WHEN it is settled again
    written = settle(world)
    # THEN the fields that this worker knows are read
    assert [known.quantity for known in written.order.lines] == [2]


def test_the_api_adds_its_fields_to_an_order_that_the_worker_already_marked_failed(world: WorkerAccount) -> None:
    # GIVEN an order that the API has not stored yet. The worker marked it FAILED, because its message was unreadable
    settler(world).store.mark_failed(order_id(1), {"error_type": "X", "error": "Y", "attempt": 1}, None)
    # WHEN the API stores it
    marked = world.order()
    world.accept(message())
    # THEN the order is complete, and still FAILED
    assert marked is not None
    assert (marked.caller, marked.error) == (None, {"error_type": "X", "error": "Y", "attempt": 1})
    order = world.order()
    assert order is not None
    assert (order.caller, order.status) == ("c" * 64, "FAILED")


@pytest.mark.parametrize("status", ["CONFIRMED", "REJECTED", "DISCARDED"])
def test_a_final_order_does_not_change_if_the_worker_tries_to_mark_it_failed(world: WorkerAccount, status: str) -> None:
    # GIVEN a final order
    world.put_order(order_id=order_id(1), status=status)
    before = world.order()
    # WHEN it is marked FAILED
    settler(world).store.mark_failed(order_id(1), {"error_type": "X"}, message())
    # THEN it is unchanged
    assert world.order() == before


def test_fifty_lines_fit_into_one_settlement(world: WorkerAccount) -> None:
    # GIVEN stock for fifty lines
    skus = [f"SKU-{number}" for number in range(50)]
    world.stock(**{sku.replace("-", "_"): 1 for sku in skus})
    # WHEN an order with these fifty lines is processed
    failed = world.run(record(content(lines=lines(*skus))))
    # THEN it is confirmed in one transaction and published whole
    assert failed == []
    assert len(world.called("transact_write_items")[0]["TransactItems"]) == 51
    assert len(json.loads(world.published()[0])["data"]["lines"]) == 50
