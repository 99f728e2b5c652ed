"""Tests the verdict on a cancelled settlement.

DynamoDB gives its reasons by row. If there is a reason for the order row, this reason decides the verdict. Otherwise,
failed conditions of stock rows decide. If no condition failed, the other reasons of the stock rows decide.
"""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.logic.cancelled_transaction import (
    CONDITION_FAILED,
    TRANSIENT,
    AlreadyFinal,
    Contention,
    ItemReason,
    SettlementCancelledError,
    Shortage,
    Unexpected,
    judge,
)
from runtime.models.order import OrderLine, Reason, ReasonCode
from tests.unit.worker.factories import lines, message

FINE = ItemReason("None")
SETTLED = ItemReason("ConditionalCheckFailed", {"status": "CONFIRMED"})
EMPTY = ItemReason("ConditionalCheckFailed", {"sku": "?", "available": 0})
UNKNOWN = ItemReason("ConditionalCheckFailed")
BUSY = ItemReason("TransactionConflict")


def order_lines(count: int) -> tuple[OrderLine, ...]:
    """Return `count` lines, from `SKU-0` on."""
    return message(lines=lines(*(f"SKU-{number}" for number in range(count)))).lines


def shortage(code: ReasonCode, *skus: str) -> Shortage:
    """Return the verdict of a shortage."""
    return Shortage(Reason(code=code, skus=skus))


@pytest.mark.parametrize(
    ("order", "stock", "verdict"),
    [
        (SETTLED, [EMPTY], AlreadyFinal()),
        (SETTLED, [BUSY], AlreadyFinal()),
        (SETTLED, [UNKNOWN], AlreadyFinal()),
        (BUSY, [EMPTY], Contention(BUSY.code)),
        (BUSY, [FINE], Contention(BUSY.code)),
        (FINE, [BUSY], Contention(BUSY.code)),
        (FINE, [BUSY, ItemReason("ThrottlingError"), FINE], Contention("ThrottlingError")),
        (FINE, [EMPTY], shortage(ReasonCode.OUT_OF_STOCK, "SKU-0")),
        (FINE, [UNKNOWN], shortage(ReasonCode.UNKNOWN_SKU, "SKU-0")),
        (FINE, [FINE, EMPTY, BUSY, EMPTY], shortage(ReasonCode.OUT_OF_STOCK, "SKU-1", "SKU-3")),
        (FINE, [EMPTY, UNKNOWN, FINE], shortage(ReasonCode.UNKNOWN_SKU, "SKU-1")),
    ],
)
def test_each_mix_of_reasons_has_its_verdict(order: ItemReason, stock: list[ItemReason], verdict: object) -> None:
    # GIVEN the reason of each item of a cancelled settlement
    # WHEN the settlement is judged
    # THEN the order row's reason decides the verdict. If the row has none, failed conditions of stock rows decide it.
    # If no condition failed, the verdict is contention
    assert judge(order, stock, order_lines(len(stock))) == verdict


@pytest.mark.parametrize("available", [None, "5", Decimal(9), 9, True, Decimal("1.5")])
def test_a_failed_stock_condition_without_a_shortage_is_unexpected(available: Any) -> None:
    # GIVEN a failed condition of a stock row. The row has enough stock, or its stock is no number
    item = {"sku": "SKU-0"} if available is None else {"sku": "SKU-0", "available": available}
    # WHEN the settlement is judged
    verdict = judge(FINE, [ItemReason("ConditionalCheckFailed", item)], order_lines(1))
    # THEN the verdict does not reject the order, but names the SKU whose row a person must repair
    assert isinstance(verdict, Unexpected)
    assert "SKU-0" in verdict.explanation


@pytest.mark.parametrize(("order", "stock"), [("ValidationError", "None"), ("None", "ItemCollectionSizeLimitExceeded")])
def test_a_reason_other_than_a_failed_condition_or_contention_is_unexpected(order: str, stock: str) -> None:
    # GIVEN a reason that is neither a failed condition nor contention
    # WHEN it is judged
    verdict = judge(ItemReason(order), [ItemReason(stock)], order_lines(1))
    # THEN the verdict names it
    assert isinstance(verdict, Unexpected)
    assert (order if stock == "None" else stock) in verdict.explanation


@pytest.mark.parametrize("count", [0, 2])
def test_more_or_fewer_reasons_than_lines_are_an_error(count: int) -> None:
    # GIVEN an order of one line, and zero or two reasons of stock rows
    # WHEN they are judged
    # THEN this is an error
    with pytest.raises(ValueError, match="argument"):
        judge(FINE, [EMPTY] * count, order_lines(1))


reasons = st.sampled_from([FINE, EMPTY, UNKNOWN, *(ItemReason(code) for code in sorted(TRANSIENT))])


@given(order=reasons, stock=st.lists(reasons, min_size=1, max_size=50))
def test_no_verdict_contradicts_the_reasons(order: ItemReason, stock: list[ItemReason]) -> None:
    # GIVEN any mix of failed conditions, conflicts, throttling and items without a reason
    # WHEN it is judged
    verdict = judge(order, stock, order_lines(len(stock)))
    # THEN the verdict is one that these reasons allow
    unknown = [f"SKU-{index}" for index, reason in enumerate(stock) if reason is UNKNOWN]
    empty = [f"SKU-{index}" for index, reason in enumerate(stock) if reason is EMPTY]
    match verdict:
        case AlreadyFinal():
            assert order.code == "ConditionalCheckFailed"
        case Contention(code):
            assert code in TRANSIENT
            assert order.code in TRANSIENT or (order is FINE and not unknown and not empty)
        case Shortage(reason):
            assert order is FINE
            assert list(reason.skus) == (unknown or empty)
            assert reason.code == ("UNKNOWN_SKU" if unknown else "OUT_OF_STOCK")
        case Unexpected():
            pytest.fail("nothing here is unexpected")


def test_only_busy_is_true_if_every_reason_of_a_cancelled_transaction_is_temporary() -> None:
    # GIVEN a cancelled transaction: its order row has no reason, and each stock row has a different temporary reason
    # WHEN it is judged
    # THEN `only_busy` is true, because every reason is a conflict or throttling
    reasons = tuple(ItemReason(code) for code in sorted(TRANSIENT))
    assert SettlementCancelledError((FINE,), None, reasons).only_busy()
    # AND `only_busy` is false if a condition failed too
    assert not SettlementCancelledError((FINE,), None, (*reasons, ItemReason(CONDITION_FAILED))).only_busy()
