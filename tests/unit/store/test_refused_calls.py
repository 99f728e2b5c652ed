"""Tests what is made of a call that AWS refuses: which call it was and why, safe to log."""

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
def test_a_failed_call_of_the_api_is_named(operation: str, call: Callable[[Any], object]) -> None:
    # GIVEN a service that refuses
    # WHEN it is called
    with pytest.raises(DependencyError) as caught:
        call(Refusing("InternalServerError"))
    # THEN the failure says what was called and the service's code
    assert (caught.value.operation, caught.value.code) == (operation, "InternalServerError")
    assert str(caught.value) == f"{operation} failed: InternalServerError"


def test_an_error_of_the_client_is_named_by_its_class() -> None:
    # GIVEN a call without an answer
    # WHEN it is made
    with pytest.raises(DependencyError) as caught, calling("sns:Publish"):
        raise ReadTimeoutError(endpoint_url="https://sns")
    # THEN the class is the code
    assert (caught.value.operation, caught.value.code) == ("sns:Publish", "ReadTimeoutError")


@pytest.mark.parametrize("response", [{}, {"Error": {}}])
def test_a_refusal_without_a_code_is_unknown(response: Any) -> None:
    # GIVEN a refusal that does not say why
    # WHEN its code is asked for
    # THEN it is unknown
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
def test_what_passes_by_itself_is_busy_and_says_with_what(code: str, call: Callable[[SettlementStore], object]) -> None:
    # GIVEN a table that refuses for the moment
    # WHEN an order is written
    # THEN the error says that it may be tried again, and what DynamoDB called it
    with pytest.raises(BusyError, match=f"^DynamoDB was busy: {code}$"):
        call(settlement(Refusing(code)))


def test_a_settled_order_that_is_not_shown_is_not_made_up() -> None:
    # GIVEN a table that says that the order is final, and not how
    client = Refusing("ConditionalCheckFailedException")
    # WHEN the order is to be rejected
    # THEN nobody guesses its outcome
    with pytest.raises(CorruptDataError):
        settlement(client).reject(message(), Reason(code=ReasonCode.OUT_OF_STOCK), settled_at=SETTLED_AT)


def test_another_refusal_of_a_settlement_stays_what_it_is() -> None:
    # GIVEN a role without the permission
    # WHEN an order is settled
    # THEN that is not retried in process
    with pytest.raises(ClientError, match="AccessDenied"):
        settlement(Refusing("AccessDenied")).confirm([message()], settled_at=SETTLED_AT, token="t")


def test_a_cancelled_transaction_says_what_stopped_each_item() -> None:
    # GIVEN a transaction that is cancelled for its order row and its stock row
    stored = {"order_id": {"S": order_id(1)}, "status": {"S": "CONFIRMED"}}
    reasons = [{"Code": "ConditionalCheckFailed", "Item": stored}, {"Code": "TransactionConflict"}]
    client = Refusing("TransactionCanceledException", CancellationReasons=reasons)
    # WHEN it is made
    with pytest.raises(SettlementCancelledError) as caught:
        settlement(client).confirm([message()], settled_at=SETTLED_AT, token="t")
    # THEN both are told, and the stored order with them
    assert caught.value.orders[0].code == "ConditionalCheckFailed"
    assert caught.value.stored is not None
    assert caught.value.stored.status == "CONFIRMED"
    assert [(reason.code, reason.item) for reason in caught.value.stock] == [("TransactionConflict", None)]


@pytest.mark.parametrize("reason", [{}, {"Code": None}, {"Code": "None"}])
def test_an_item_without_a_reason_did_not_stop_the_transaction(reason: dict[str, Any]) -> None:
    # GIVEN a cancelled transaction that says nothing of its order row
    client = Refusing("TransactionCanceledException", CancellationReasons=[reason, {"Code": "TransactionConflict"}])
    # WHEN it is made
    with pytest.raises(SettlementCancelledError) as caught:
        settlement(client).confirm([message()], settled_at=SETTLED_AT, token="t")
    # THEN it was not the order row
    assert (caught.value.orders[0].code, caught.value.orders[0].item, caught.value.stored) == ("None", None, None)


@pytest.mark.parametrize("reasons", [None, [], [{"Code": "None"}] * 3])
def test_reasons_that_do_not_fit_the_items_are_not_guessed_at(reasons: Any) -> None:
    # GIVEN an answer whose reasons cannot belong to our two items
    client = Refusing("TransactionCanceledException", CancellationReasons=reasons)
    # WHEN an order is settled
    # THEN nobody decides by them
    number = len(reasons or [])
    with pytest.raises(CorruptDataError, match=f"^DynamoDB gave {number} cancellation reasons for 2 items.$"):
        settlement(client).confirm([message()], settled_at=SETTLED_AT, token="t")


def test_an_order_that_vanished_is_named() -> None:
    # GIVEN a table without the order that is then written
    settler = Settler(settlement(Recording()), FakeTime(), lambda: 0.5)
    # WHEN it is settled, and read back
    # THEN that is for a person
    with pytest.raises(CorruptDataError) as caught:
        settler.settle(message(), lambda: None)
    assert str(caught.value) == f"The order {order_id(1)} was settled, but is not in the orders table."


def test_an_attempt_that_is_not_begun_says_what_is_left_and_what_is_needed() -> None:
    # GIVEN an invocation with less time than an attempt may take
    budget = CallBudget(100)
    budget.begin(factories.context(remaining=0.099))
    # WHEN an attempt is checked
    # THEN both times are told
    with pytest.raises(OutOfTimeError, match=r"^99 ms are left of the invocation, an attempt may take 100 ms$"):
        budget._check(100)


def test_what_is_kept_for_later_counts_as_gone_meanwhile() -> None:
    # GIVEN an invocation with time for an attempt
    budget = CallBudget(100)
    budget.begin(factories.context(remaining=0.199))
    # WHEN a tenth of a second is kept for what follows
    with budget.keeping(0.1), pytest.raises(OutOfTimeError, match=r"^99 ms are left"):
        # THEN no attempt begins
        budget._check(100)
    # AND afterwards one does
    budget._check(100)
