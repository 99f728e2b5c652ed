"""Tests the parameters of calls to AWS: if one were missing or wrong, an order could be lost or wrong."""

import json
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyKeyError

from runtime.handlers.powertools.idempotency import ApiIdempotency, WorkerIdempotency
from runtime.logic.delivery import Delivery
from runtime.models.fields import SCHEMA_VERSION
from runtime.models.order import OptionalFields, Reason, ReasonCode
from runtime.store.order_intake import OrderIntake
from runtime.store.order_lookup import OrderLookup
from runtime.store.order_queue import OrderQueue
from runtime.store.settlement import SettlementStore
from runtime.store.source_queue import SourceQueue
from tests.unit.store.clients import Recording
from tests.unit.worker.factories import ACCEPTED_AT, SETTLED_AT, message, order_id

STORED = {"order_id": {"S": order_id(1)}, "status": {"S": "CONFIRMED"}}
OPEN = {":open0": {"S": "ACCEPTED"}, ":open1": {"S": "FAILED"}}
CONDITION = "attribute_not_exists(#status) OR #status IN (:open0, :open1)"


def recording(**answer: Any) -> Any:
    """Return a client that returns this answer."""
    return Recording(**answer)


def assigned(update: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that an update sets.

    A value that is set only if the attribute does not exist yet (`if_not_exists`) is returned in a
    tuple.
    """
    names, values = update["ExpressionAttributeNames"], update["ExpressionAttributeValues"]
    found: dict[str, Any] = {}
    for part in update["UpdateExpression"].removeprefix("SET ").split(" REMOVE ")[0].split(", #"):
        name, _, value = ("#" + part.lstrip("#")).partition(" = ")
        if value.startswith("if_not_exists"):
            assert value.startswith(f"if_not_exists({name}, :")
            found[names[name]] = (values[value.partition(", ")[2].removesuffix(")")],)
        else:
            found[names[name]] = values[value]
    return found


def test_an_accepted_order_is_sent_whole_and_its_id_is_an_attribute_too() -> None:
    # GIVEN a queue
    client = recording()
    # WHEN an order is sent
    OrderQueue(client, "https://queue").send(message(reference="r"))
    # THEN the body is the order. The message attributes have the order's id, for programs that
    # cannot read the body
    assert json.loads(client.only["MessageBody"]) == message(reference="r").model_dump(mode="json", exclude_none=True)
    assert {name: value for name, value in client.only.items() if name != "MessageBody"} == {
        "QueueUrl": "https://queue",
        "MessageGroupId": message().caller,
        "MessageAttributes": {
            "order_id": {"DataType": "String", "StringValue": order_id(1)},
            "schema_version": {"DataType": "Number", "StringValue": str(SCHEMA_VERSION)},
            "correlation_id": {"DataType": "String", "StringValue": "correlation-1"},
        },
    }


def test_storing_an_accepted_order_overwrites_nothing() -> None:
    # GIVEN a table in which the order is already stored
    client = recording(Attributes={"accepted_at": {"S": "earlier"}})
    # WHEN the order is stored
    stored = OrderIntake(client, "orders").upsert_accepted(message())
    # THEN no existing value is overwritten, and the stored time is returned
    assert stored == "earlier"
    call = client.only
    assert (call["TableName"], call["Key"], call["ReturnValues"]) == (
        "orders",
        {"order_id": {"S": order_id(1)}},
        "ALL_NEW",
    )
    fields = assigned(call)
    assert fields["status"] == ({"S": "ACCEPTED"},)
    assert fields["accepted_at"] == ({"S": ACCEPTED_AT},)
    assert set(fields) == {*message().model_dump(exclude_none=True), "status"} - {"order_id"}


def test_a_lookup_reads_only_the_shown_fields_and_the_caller_of_the_order() -> None:
    # GIVEN a table
    client = recording()
    # WHEN an order that does not exist is looked up
    found = OrderLookup(client, "orders").get(order_id(1))
    # THEN the read is consistent. It fetches only the shown fields and the order's caller, because the endpoint
    # compares this caller with the caller of the request
    shown = [
        *("order_id", "status", "caller", "accepted_at", "settled_at", "reason", "total", "currency", "lines"),
        *OptionalFields.model_fields,
    ]
    assert found is None
    assert client.only == {
        "TableName": "orders",
        "Key": {"order_id": {"S": order_id(1)}},
        "ConsistentRead": True,
        "ProjectionExpression": ", ".join(f"#{name}" for name in shown),
        "ExpressionAttributeNames": {f"#{name}": name for name in shown},
    }


def test_one_transaction_takes_the_stock_and_settles_the_open_order() -> None:
    # GIVEN tables
    client = recording()
    # WHEN an order is confirmed
    SettlementStore(client, "orders", "stock").confirm([message()], settled_at=SETTLED_AT, token="token-1")
    # THEN it is one transaction with the given token
    order, stock = (item["Update"] for item in client.only["TransactItems"])
    assert client.only["ClientRequestToken"] == "token-1"
    assert stock == {
        "TableName": "stock",
        "Key": {"sku": {"S": "SKU-1"}},
        "ConditionExpression": "#available >= :quantity",
        "UpdateExpression": "SET #available = #available - :quantity",
        "ExpressionAttributeNames": {"#available": "available"},
        "ExpressionAttributeValues": {":quantity": {"N": "2"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    assert (order["TableName"], order["Key"]) == ("orders", {"order_id": {"S": order_id(1)}})
    assert order["ConditionExpression"] == CONDITION
    assert order["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
    assert order["ExpressionAttributeValues"].items() >= OPEN.items()
    # AND it sets status and time, removes an earlier error, keeps other values, and adds NULL for missing fields
    assert order["UpdateExpression"].endswith(" REMOVE #error")
    assert order["ExpressionAttributeNames"]["#error"] == "error"
    fields = assigned(order)
    assert (fields["status"], fields["settled_at"]) == ({"S": "CONFIRMED"}, {"S": SETTLED_AT})
    assert fields["accepted_at"] == ({"S": ACCEPTED_AT},)
    absent = ("traceparent", *OptionalFields.model_fields)
    assert {name: fields[name] for name in absent} == dict.fromkeys(absent, ({"NULL": True},))
    assert "reason" not in fields


def test_a_rejection_stores_its_reason() -> None:
    # GIVEN a table
    client = recording(Attributes={**STORED, "status": {"S": "REJECTED"}})
    # WHEN an order is rejected
    reason = Reason(code=ReasonCode.OUT_OF_STOCK, skus=("SKU-1",))
    written = SettlementStore(client, "orders", "stock").reject(message(), reason, settled_at=SETTLED_AT)
    # THEN the code and the articles are stored with the order
    assert (written.order.status, written.by_us) == ("REJECTED", True)
    assert client.only["ReturnValues"] == "ALL_NEW"
    assert assigned(client.only)["reason"] == {
        "M": {"code": {"S": "OUT_OF_STOCK"}, "skus": {"L": [{"S": "SKU-1"}]}},
    }


@pytest.mark.parametrize("known", [False, True])
def test_a_failed_order_is_marked_with_all_fields_that_are_known(known: bool) -> None:
    # GIVEN a table, and a message that can or cannot be read
    client = recording(Attributes=STORED)
    content = message() if known else None
    # WHEN its order is marked FAILED
    SettlementStore(client, "orders", "stock").mark_failed(order_id(1), {"error": "why", "attempt": 8}, content)
    # THEN the status and the error are replaced, and every other field keeps an existing value
    fields = assigned(client.only)
    assert (fields.pop("status"), fields.pop("error")) == (
        {"S": "FAILED"},
        {"M": {"error": {"S": "why"}, "attempt": {"N": "8"}}},
    )
    assert all(isinstance(value, tuple) for value in fields.values())
    assert set(fields) == ({*message().model_dump(exclude_none=True)} - {"order_id"} if known else set())
    assert client.only["ConditionExpression"] == CONDITION


def test_an_order_is_read_back_with_a_consistent_read() -> None:
    # GIVEN a table
    client = recording(Item=STORED)
    # WHEN an order is read
    SettlementStore(client, "orders", "stock").find(order_id(1))
    # THEN the read is consistent
    assert client.only == {"TableName": "orders", "Key": {"order_id": {"S": order_id(1)}}, "ConsistentRead": True}


def test_a_message_is_hidden_and_deleted_by_its_receipt_handle() -> None:
    # GIVEN a delivery
    client = recording()
    queue = SourceQueue(client, "https://queue")
    delivery = Delivery("m-1", "receipt-1", "body", {}, 1)
    # WHEN its message is hidden, and later deleted
    queue.hide(delivery, 30)
    queue.delete(delivery)
    # THEN both calls have the receipt handle of this delivery
    assert client.calls == [
        (
            "change_message_visibility",
            {"QueueUrl": "https://queue", "ReceiptHandle": "receipt-1", "VisibilityTimeout": 30},
        ),
        ("delete_message", {"QueueUrl": "https://queue", "ReceiptHandle": "receipt-1"}),
    ]


@pytest.mark.parametrize(
    ("kept", "lease_end"),
    [
        ({"status": {"S": "INPROGRESS"}, "in_progress_expiration": {"N": "1769860801500"}}, 1_769_860_801_500),
        ({"status": {"S": "INPROGRESS"}}, 0),
        ({"status": {"S": "COMPLETED"}, "in_progress_expiration": {"N": "1769860801500"}}, None),
    ],
)
def test_the_stored_end_of_a_lease_is_read_and_a_missing_end_is_read_as_0(
    kept: dict[str, Any], lease_end: int | None
) -> None:
    # GIVEN an order's record
    client = recording(Item={"id": {"S": "process-order#x"}, "expiration": {"N": "99999999999"}, **kept})
    client.meta = None
    # WHEN the worker reads the end of the order's lease
    # THEN it gets the stored end. It gets 0 if the record has no end, and None if no run is in progress
    assert WorkerIdempotency(client, "records", 60).in_progress_until(order_id(1)) == lease_end
    assert client.only["TableName"] == "records"
    assert client.only["ConsistentRead"] is True


def test_the_operation_does_not_run_without_an_idempotency_key() -> None:
    # GIVEN a store of answers
    answers = ApiIdempotency(recording(), "records", 60)
    # WHEN an operation is run with an empty key
    # THEN this is an error, and the operation does not run
    with pytest.raises(IdempotencyKeyError):
        answers.once(key="", payload="p", operation=lambda: cast("str", pytest.fail("the operation ran")))
