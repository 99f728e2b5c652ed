"""Tests the texts about failures, word for word: they say what was found and, if a remedy is known, what to do."""

from typing import Any

import pytest

from runtime.handlers.powertools.batch import BatchRunner
from runtime.logic.cancelled_transaction import ItemReason, Unexpected, judge
from runtime.logic.delivery import Delivery
from runtime.logic.event import event_for
from runtime.logic.failures import (
    ContentionError,
    CorruptDataError,
    NewerSchemaError,
    PermanentError,
    ThrottledError,
    describe,
    validation_text,
)
from runtime.logic.settle import Settler
from runtime.models.fields import SCHEMA_VERSION
from runtime.models.order import StoredOrder
from runtime.store.items import to_order
from runtime.store.settlement import SettlementStore
from tests.unit.store.clients import Refusing
from tests.unit.worker.conftest import FakeTime, KilledError, WorkerAccount, killed, refused
from tests.unit.worker.factories import (
    NEWER,
    content,
    context,
    delivery,
    message,
    order_id,
    read_message,
    record,
    stored,
)

LINE = {"sku": "A", "quantity": 1, "unit_price": "1"}
ALLOWED_STATUSES = "Input should be 'ACCEPTED', 'CONFIRMED', 'REJECTED', 'FAILED' or 'DISCARDED'"
UNREADABLE_LINES = "An item of the orders table is not an order: its lines are unreadable."


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (delivery("{"), "The body is not JSON."),
        (delivery("[]"), "The body is JSON, but not a JSON object."),
        (
            delivery(content(), attributes={"order_id": order_id(2)}),
            "The message attribute order_id and the order_id of the body differ; they must be equal.",
        ),
        (
            delivery(content(lines=[LINE, {**LINE, "x": 1}])),
            "The body is not a valid order message: /lines/1/(unknown field): Extra inputs are not permitted",
        ),
        (
            delivery(content(order_id=..., caller=...), attributes={}),
            "The body is not a valid order message: /order_id: Field required; /caller: Field required",
        ),
    ],
)
def test_the_text_about_a_permanent_failure_says_what_is_wrong(sent: Delivery, text: str) -> None:
    # GIVEN an invalid message
    # WHEN it is read
    with pytest.raises(PermanentError) as caught:
        read_message(sent)
    # THEN this is the error in its dead letter
    assert describe(caught.value).error == text


def test_the_text_about_a_newer_version_names_it_and_says_that_the_message_is_retried() -> None:
    # GIVEN a message of the next version
    # WHEN it is read
    with pytest.raises(NewerSchemaError) as caught:
        read_message(delivery(content(schema_version=NEWER)))
    # THEN the text names its version and the versions that this worker reads
    assert str(caught.value) == (
        f"The message has schema_version {NEWER}; this worker reads versions up to {SCHEMA_VERSION}. "
        "The message is retried, because a newer worker can read it."
    )


@pytest.mark.parametrize(("wrong", "ending"), [(10, "permitted"), (11, "; and 1 more")])
def test_ten_invalid_fields_are_named_and_the_others_are_counted(wrong: int, ending: str) -> None:
    # GIVEN a message with this number of invalid fields
    sent = delivery(content(**{f"f{number}": 1 for number in range(wrong)}), attributes={})
    # WHEN it is read
    with pytest.raises(PermanentError) as caught:
        read_message(sent)
    # THEN the text names ten of them
    text = describe(caught.value).error
    assert text.count("(unknown field)") == 10
    assert text.endswith(ending)


def test_the_text_about_an_invalid_stock_row_names_the_row_and_the_tool() -> None:
    # GIVEN a settlement that was cancelled because a stock row has no `available`
    # WHEN `judge` gets its reasons
    verdict = judge(ItemReason("None"), [ItemReason("ConditionalCheckFailed", {"sku": "SKU-1"})], message().lines)
    # THEN the verdict says what to do
    assert verdict == Unexpected(
        "The stock rows ['SKU-1'] have no valid `available`; repair them with `python -m ops stock set`."
    )


def test_the_text_about_unexpected_reasons_names_them() -> None:
    # GIVEN DynamoDB's reasons for the stock rows of a cancelled transaction: none, a temporary one, unexpected ones
    stock = [ItemReason(code) for code in ("None", "TransactionConflict", "Odd", "ValidationError", "Odd")]
    lines = message(lines=[{**LINE, "sku": f"S{number}"} for number in range(5)]).lines
    # WHEN `judge` gets these reasons
    # THEN the verdict names each unexpected reason once
    assert judge(ItemReason("None"), stock, lines) == Unexpected(
        "The settlement was cancelled for ['Odd', 'ValidationError']."
    )


@pytest.mark.parametrize(
    ("client", "error", "reason"),
    [
        (
            Refusing("TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}] * 2),
            ContentionError,
            "TransactionConflict",
        ),
        (
            Refusing("TransactionCanceledException", CancellationReasons=[{"Code": "ThrottlingError"}] * 2),
            ThrottledError,
            "ThrottlingError",
        ),
        (Refusing("TransactionInProgressException"), ContentionError, "TransactionInProgressException"),
        (Refusing("ThrottlingException"), ThrottledError, "ThrottlingException"),
    ],
)
def test_the_text_about_a_busy_table_has_the_number_of_tries_and_the_last_reason(
    client: Any, error: type[Exception], reason: str
) -> None:
    # GIVEN a table that is always busy
    clock = FakeTime(now=0)
    # WHEN an order is settled
    with pytest.raises(error) as caught:
        Settler(SettlementStore(client, "orders", "stock"), clock, lambda: 0.5).settle(message(), lambda: None)
    # THEN the tries take nearly two seconds, and the text has their number and the last reason
    assert str(caught.value) == f"The order was not settled in 14 tries: DynamoDB was busy: {reason}"
    assert sum(clock.slept) == pytest.approx(1.91)


def test_the_text_about_an_unsettled_order_names_the_statuses_that_have_an_event() -> None:
    # GIVEN an order that is not settled
    # WHEN its event is built
    with pytest.raises(ValueError, match="ACCEPTED") as caught:
        event_for(stored(status="ACCEPTED"), source="/s")
    # THEN the text says what was given and what is allowed
    assert str(caught.value) == "An order that is ACCEPTED has no event; allowed: CONFIRMED, REJECTED."


def test_the_text_about_an_incomplete_order_names_the_order_and_the_field() -> None:
    # GIVEN a confirmed order without a total
    # WHEN its event is built
    with pytest.raises(CorruptDataError) as caught:
        event_for(stored(total=None), source="/s")
    # THEN the text names the order and the field
    assert str(caught.value) == f"The stored order {order_id(1)} is CONFIRMED but has no total."


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (
            {"order_id": {"S": order_id(1)}, "status": {"S": "ODD"}},
            f"An item of the orders table is not an order: /status: {ALLOWED_STATUSES}",
        ),
        ({"order_id": {"S": order_id(1)}, "lines": {"L": [{"S": "x"}]}}, UNREADABLE_LINES),
        ({"order_id": {"S": order_id(1)}, "lines": {"L": [{"M": {"sku": {"S": "A"}}}]}}, UNREADABLE_LINES),
        ({"order_id": {"S": order_id(1)}, "lines": {"N": "5"}}, UNREADABLE_LINES),
    ],
)
def test_the_text_about_an_item_that_is_no_order_names_the_invalid_field(item: dict[str, Any], text: str) -> None:
    # GIVEN an item that the program would not write
    # WHEN it is read
    with pytest.raises(CorruptDataError) as caught:
        to_order(item)
    # THEN the text names the invalid field without its value
    assert str(caught.value) == text


def test_the_text_about_an_event_of_another_service_says_who_may_call() -> None:
    # GIVEN a worker
    unused: Any = None
    # WHEN it is called with an event that is not from SQS
    with pytest.raises(ValueError, match="Records") as caught:
        BatchRunner(unused, unused, unused, 1, None).run({"Records": {}}, context())
    # THEN the text says what may call it
    assert str(caught.value) == (
        "This is no SQS event: it has no list `Records`. The worker is invoked by its queue only."
    )


def test_the_place_of_an_error_about_the_whole_input_is_a_slash() -> None:
    # GIVEN a model that refused its input as a whole
    with pytest.raises(ValueError, match="should be") as caught:
        StoredOrder.model_validate(5)
    error: Any = caught.value
    # WHEN its error is described
    # THEN the place is the root
    assert validation_text(error).startswith("/: Input should be a valid dictionary")


def test_the_error_of_an_order_shows_whether_its_last_attempt_was_killed_or_not_started(world: WorkerAccount) -> None:
    # GIVEN a process that dies in the last attempt at one order
    world.disturb("transact_write_items", killed)
    with pytest.raises(KilledError):
        world.run(record(receives=8))
    # WHEN there is no time for the last attempt at another order
    world.run(record(content(2), receives=8), remaining=1)
    # THEN the error of each order shows whether its attempt started
    assert (error_of(world, 1), error_of(world, 2)) == (
        {
            "error_type": "LAST_ATTEMPT",
            "error": "The last attempt began and did not report its end.",
            "attempt": 8,
        },
        {
            "error_type": "DeferredError",
            "error": "Not started: too little time is left in this invocation.",
            "attempt": 8,
        },
    )


def test_the_error_says_whether_a_twin_is_running_or_the_record_was_not_written(world: WorkerAccount) -> None:
    # GIVEN an order with a running twin, and one whose record cannot be written
    world.run_in_progress(1)
    world.run(record(content(1), receives=8))
    world.disturb("put_item", refused("ThrottlingException"))
    # WHEN each has its last receive
    world.run(record(content(2), receives=8))
    # THEN the error of each order names its case
    assert error_of(world, 1)["error"] == "Another run of this order is in progress."
    assert error_of(world, 2)["error"] == "The idempotency record was not written: ThrottlingException"


def error_of(world: WorkerAccount, number: int) -> dict[str, Any]:
    """Return the error of the stored order."""
    order = world.order(number)
    assert order is not None
    assert order.error is not None
    return order.error
