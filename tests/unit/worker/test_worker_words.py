"""Tests what people on call read of a failure, word for word: it says what was found, and what to do where that is
known.
"""

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
        (delivery("[]"), "The body is a JSON list, it must be an object."),
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
def test_a_message_that_no_retry_can_help_says_why(sent: Delivery, text: str) -> None:
    # GIVEN a message that is wrong
    # WHEN it is read
    with pytest.raises(PermanentError) as caught:
        read_message(sent)
    # THEN its dead letter will say how
    assert describe(caught.value).error == text


def test_a_message_of_a_newer_version_says_which_and_that_it_waits() -> None:
    # GIVEN a message of the next version
    # WHEN it is read
    with pytest.raises(NewerSchemaError) as caught:
        read_message(delivery(content(schema_version=NEWER)))
    # THEN it says what this worker knows
    assert str(caught.value) == (
        f"The message has schema_version {NEWER}; this worker knows versions up to {SCHEMA_VERSION}. "
        "It is retried until a newer worker runs."
    )


@pytest.mark.parametrize(("wrong", "ending"), [(10, "permitted"), (11, "; and 1 more")])
def test_ten_places_are_shown_and_the_others_counted(wrong: int, ending: str) -> None:
    # GIVEN a message that is wrong in so many places
    sent = delivery(content(**{f"f{number}": 1 for number in range(wrong)}), attributes={})
    # WHEN it is read
    with pytest.raises(PermanentError) as caught:
        read_message(sent)
    # THEN ten of them are shown
    text = describe(caught.value).error
    assert text.count("(unknown field)") == 10
    assert text.endswith(ending)


def test_a_stock_row_to_repair_is_named_with_the_tool() -> None:
    # GIVEN a stock row without a number
    # WHEN the settlement that it stopped is judged
    verdict = judge(ItemReason("None"), [ItemReason("ConditionalCheckFailed", {"sku": "SKU-1"})], message().lines)
    # THEN it says what to do
    assert verdict == Unexpected(
        "The stock rows ['SKU-1'] must have a number `available`; repair them with the stock tool."
    )


def test_a_reason_that_nobody_expects_is_quoted() -> None:
    # GIVEN reasons that are no business outcome, among some that pass
    stock = [ItemReason(code) for code in ("None", "TransactionConflict", "Odd", "ValidationError", "Odd")]
    lines = message(lines=[{**LINE, "sku": f"S{number}"} for number in range(5)]).lines
    # WHEN they are judged
    # THEN the strange ones are told, each once
    assert judge(ItemReason("None"), stock, lines) == Unexpected(
        "The settlement was cancelled for ['Odd', 'ValidationError']."
    )


@pytest.mark.parametrize(
    ("client", "error", "told"),
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
def test_a_busy_table_is_named_for_what_it_was_and_how_often_it_was_tried(
    client: Any, error: type[Exception], told: str
) -> None:
    # GIVEN a table that is busy for ever
    clock = FakeTime(now=0)
    # WHEN an order is settled
    with pytest.raises(error) as caught:
        Settler(SettlementStore(client, "orders", "stock"), clock, lambda: 0.5).settle(message(), lambda: None)
    # THEN it was tried for two seconds, and the last answer is told
    assert str(caught.value) == f"Still after 14 tries: DynamoDB was busy: {told}"
    assert sum(clock.slept) == pytest.approx(1.91)


def test_an_order_without_an_event_says_which_have_one() -> None:
    # GIVEN an order that is not settled
    # WHEN its event is asked for
    with pytest.raises(ValueError, match="ACCEPTED") as caught:
        event_for(stored(status="ACCEPTED"), source="/s")
    # THEN it says what was given and what is allowed
    assert str(caught.value) == "An order that is ACCEPTED has no event; allowed: CONFIRMED, REJECTED."


def test_a_stored_order_that_lacks_something_is_named_with_it() -> None:
    # GIVEN a confirmed order without a total
    # WHEN its event is asked for
    with pytest.raises(CorruptDataError) as caught:
        event_for(stored(total=None), source="/s")
    # THEN the order and the hole are named
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
def test_an_item_that_is_no_order_says_where(item: dict[str, Any], text: str) -> None:
    # GIVEN an item that the program does not write
    # WHEN it is read
    with pytest.raises(CorruptDataError) as caught:
        to_order(item)
    # THEN it says where it is wrong, without its values
    assert str(caught.value) == text


def test_an_event_of_another_service_is_refused_with_who_may_call() -> None:
    # GIVEN a worker
    unused: Any = None
    # WHEN it is called with something else
    with pytest.raises(ValueError, match="Records") as caught:
        BatchRunner(unused, unused, unused, 1, None).run({"Records": {}}, context())
    # THEN the error says who calls it
    assert str(caught.value) == (
        "This is no SQS event: it has no list `Records`. The worker is invoked by its queue only."
    )


def test_a_pointer_to_the_whole_body_is_a_slash() -> None:
    # GIVEN a model that refused its input as a whole
    with pytest.raises(ValueError, match="should be") as caught:
        StoredOrder.model_validate(5)
    error: Any = caught.value
    # WHEN it is told
    # THEN the place is the root
    assert validation_text(error).startswith("/: Input should be a valid dictionary")


def test_a_last_attempt_that_is_killed_or_not_started_leaves_what_happened(world: WorkerAccount) -> None:
    # GIVEN a process that dies in the last attempt at one order
    world.disturb("transact_write_items", killed)
    with pytest.raises(KilledError):
        world.run(record(receives=8))
    # WHEN there is no time for the last attempt at another
    world.run(record(content(2), receives=8), remaining=1)
    # THEN each order says how far it came
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


def test_a_twin_and_a_lost_record_are_told_apart(world: WorkerAccount) -> None:
    # GIVEN an order that a twin has, and one whose record cannot be written
    world.run_in_progress(1)
    world.run(record(content(1), receives=8))
    world.disturb("put_item", refused("ThrottlingException"))
    # WHEN each has its last receive
    world.run(record(content(2), receives=8))
    # THEN their orders say which it was
    assert error_of(world, 1)["error"] == "Another run of this order is in progress."
    assert error_of(world, 2)["error"] == "The idempotency record was not written: ThrottlingException"


def error_of(world: WorkerAccount, number: int) -> dict[str, Any]:
    """Return what the stored order says of its failure."""
    order = world.order(number)
    assert order is not None
    assert order.error is not None
    return order.error
