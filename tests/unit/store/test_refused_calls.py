"""Tests the errors that are raised if AWS or the call budget refuses a call, and their texts."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from runtime.logic.cancelled_transaction import SettlementCancelledError
from runtime.logic.failures import BusyError, CorruptDataError, DependencyError
from runtime.logic.settle import Settler
from runtime.models.order import Reason, ReasonCode
from runtime.store.call_budget import CallBudget, OutOfTimeError
from runtime.store.dependency import calling, error_code
from runtime.store.order_intake import OrderIntake
from runtime.store.order_lookup import OrderLookup
from runtime.store.order_queue import OrderQueue
from runtime.store.settlement import SettlementStore
from tests.unit.store.clients import Recording, Refusing
from tests.unit.worker import factories
from tests.unit.worker.conftest import FakeTime
from tests.unit.worker.factories import message, order_id

SETTLED_AT = factories.SETTLED_AT


def settlement(client: Any) -> SettlementStore:
    return SettlementStore(client, "orders", "stock")


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("dynamodb:GetItem", lambda client: OrderLookup(client, "orders").get(order_id(1))),
        ("dynamodb:UpdateItem", lambda client: OrderIntake(client, "orders").upsert_accepted(message())),
        ("sqs:SendMessage", lambda client: OrderQueue(client, "https://queue").send(message())),
    ],
)
def test_the_error_names_the_aws_call_that_failed(operation: str, call: Callable[[Any], object]) -> None:
    # GIVEN a service that refuses
    # WHEN it is called
    with pytest.raises(DependencyError) as caught:
        call(Refusing("InternalServerError"))
    # THEN the error names the call and the code of the service
    assert (caught.value.operation, caught.value.code) == (operation, "InternalServerError")
    assert str(caught.value) == f"{operation} failed: InternalServerError"


def test_the_code_is_the_errors_class_if_no_answer_comes() -> None:
    # GIVEN a call that gets no answer
    # WHEN the client raises its error
    with pytest.raises(DependencyError) as caught, calling("sns:Publish"):
        raise ReadTimeoutError(endpoint_url="https://sns")
    # THEN the code is the name of the error's class
    assert (caught.value.operation, caught.value.code) == ("sns:Publish", "ReadTimeoutError")


@pytest.mark.parametrize("response", [{}, {"Error": {}}])
def test_a_refusal_without_a_code_gets_the_word_unknown_as_its_code(response: Any) -> None:
    # GIVEN a refusal without a code
    # WHEN its code is read
    # THEN it is Unknown
    assert error_code(ClientError(response, "Publish")) == "Unknown"


@pytest.mark.parametrize(
    "code",
    [
        "TransactionConflictException",
        "TransactionInProgressException",
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
    ],
)
@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.confirm([message()], settled_at=SETTLED_AT, token="t"),
        lambda store: store.reject(message(), Reason(code=ReasonCode.OUT_OF_STOCK), settled_at=SETTLED_AT),
        lambda store: store.mark_failed(order_id(1), {}, None),
    ],
)
def test_a_temporary_refusal_raises_a_busy_error_that_names_the_code(
    code: str, call: Callable[[SettlementStore], object]
) -> None:
    # GIVEN a table that refuses calls temporarily
    # WHEN an order is written
    # THEN the error says that the table is busy, and has the code of DynamoDB
    with pytest.raises(BusyError, match=f"^DynamoDB was busy: {code}$"):
        call(settlement(Refusing(code)))


def test_an_error_is_raised_if_a_refused_update_returns_no_order() -> None:
    # GIVEN a table that refuses the update because the order is final, but does not return the order
    client = Refusing("ConditionalCheckFailedException")
    # WHEN the worker rejects the order
    # THEN this is an error
    with pytest.raises(CorruptDataError):
        settlement(client).reject(message(), Reason(code=ReasonCode.OUT_OF_STOCK), settled_at=SETTLED_AT)


def test_an_access_denied_error_of_dynamodb_is_raised_unchanged() -> None:
    # GIVEN a role without permission
    # WHEN an order is settled
    # THEN the error is that of AWS
    with pytest.raises(ClientError, match="AccessDenied"):
        settlement(Refusing("AccessDenied")).confirm([message()], settled_at=SETTLED_AT, token="t")


def test_a_cancelled_transaction_is_raised_with_the_reason_of_each_item() -> None:
    # GIVEN a transaction that is cancelled because of its order row and its stock row
    stored = {"order_id": {"S": order_id(1)}, "status": {"S": "CONFIRMED"}}
    reasons = [{"Code": "ConditionalCheckFailed", "Item": stored}, {"Code": "TransactionConflict"}]
    client = Refusing("TransactionCanceledException", CancellationReasons=reasons)
    # WHEN an order is settled
    with pytest.raises(SettlementCancelledError) as caught:
        settlement(client).confirm([message()], settled_at=SETTLED_AT, token="t")
    # THEN the error has both reasons and the stored order
    assert caught.value.orders[0].code == "ConditionalCheckFailed"
    assert caught.value.stored is not None
    assert caught.value.stored.status == "CONFIRMED"
    assert [(reason.code, reason.item) for reason in caught.value.stock] == [("TransactionConflict", None)]


@pytest.mark.parametrize("reason", [{}, {"Code": None}, {"Code": "None"}])
def test_an_item_without_a_reason_is_not_a_cause_of_the_cancellation(reason: dict[str, Any]) -> None:
    # GIVEN a cancelled transaction without a reason for its order row
    client = Refusing("TransactionCanceledException", CancellationReasons=[reason, {"Code": "TransactionConflict"}])
    # WHEN an order is settled
    with pytest.raises(SettlementCancelledError) as caught:
        settlement(client).confirm([message()], settled_at=SETTLED_AT, token="t")
    # THEN the error has no reason for the order row
    assert (caught.value.orders[0].code, caught.value.orders[0].item, caught.value.stored) == ("None", None, None)


@pytest.mark.parametrize("reasons", [None, [], [{"Code": "None"}] * 3])
def test_reasons_that_do_not_match_the_items_are_an_error(reasons: Any) -> None:
    # GIVEN an answer that does not have two reasons for our two items
    client = Refusing("TransactionCanceledException", CancellationReasons=reasons)
    # WHEN an order is settled
    # THEN the error says how many reasons DynamoDB gave
    number = len(reasons or [])
    with pytest.raises(CorruptDataError, match=f"^DynamoDB gave {number} cancellation reasons for 2 items.$"):
        settlement(client).confirm([message()], settled_at=SETTLED_AT, token="t")


def test_the_error_names_an_order_that_is_missing_after_its_settlement() -> None:
    # GIVEN a table that accepts the settlement of an order, but does not return the order
    settler = Settler(settlement(Recording()), FakeTime(), lambda: 0.5)
    # WHEN it is settled, and read back
    # THEN the error names the order
    with pytest.raises(CorruptDataError) as caught:
        settler.settle(message(), lambda: None)
    assert str(caught.value) == f"The order {order_id(1)} was settled, but is not in the orders table."


def test_the_out_of_time_error_names_the_time_left_and_the_time_needed() -> None:
    # GIVEN an invocation with less time than an attempt may take
    budget = CallBudget(100)
    budget.begin(factories.context(remaining=0.099))
    # WHEN an attempt is checked
    # THEN the error names both times
    with pytest.raises(OutOfTimeError, match=r"^99 ms are left of the invocation, an attempt may take 100 ms$"):
        budget._check(100)


@pytest.mark.parametrize(("seconds", "answer"), [(0.099, False), (0.1, None)])
def test_a_call_is_repeated_only_if_enough_time_for_another_attempt_is_left(
    seconds: float, answer: bool | None
) -> None:
    # GIVEN an invocation with 99 or 100 ms left
    budget = CallBudget(100)
    budget.begin(factories.context(remaining=seconds))
    # WHEN botocore asks whether to repeat a call, and an attempt may take 100 ms
    # THEN the answer is no if 99 ms are left. If 100 ms are left, botocore decides
    assert budget._no_pause(100) is answer


def test_an_attempt_is_refused_if_it_needs_the_time_of_later_calls() -> None:
    # GIVEN an invocation with time for an attempt
    budget = CallBudget(100)
    budget.begin(factories.context(remaining=0.199))
    # WHEN a tenth of a second is kept for later calls
    with budget.keeping(0.1), pytest.raises(OutOfTimeError, match=r"^99 ms are left"):
        # THEN no attempt may start
        budget._check(100)
    # AND when this time is no longer kept, an attempt may start
    budget._check(100)
