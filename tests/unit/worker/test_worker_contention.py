"""Tests busy rows, and transactions that are cancelled for several reasons at once.

moto simulates neither, so the tests inject these errors.
"""

from typing import Any

import pytest

from runtime.logic import settle as settle_module
from runtime.logic.failures import ContentionError
from runtime.logic.settle import CONTENTION_SECONDS
from tests.unit.worker.conftest import WorkerAccount, cancelled, refused
from tests.unit.worker.factories import lines, message, order_id
from tests.unit.worker.settling import settle, settler

CONFLICT = "TransactionConflict"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(cancelled(CONFLICT, "None"), id="conflict on the order"),
        pytest.param(cancelled("None", CONFLICT), id="conflict on stock"),
        pytest.param(cancelled("ThrottlingError", "None"), id="throttled order row"),
        pytest.param(cancelled("None", "ProvisionedThroughputExceeded"), id="throttled stock row"),
        pytest.param(cancelled(CONFLICT, "ConditionalCheckFailed"), id="order busy, stock short"),
        pytest.param(refused("TransactionInProgressException"), id="transaction in progress"),
        pytest.param(refused("ThrottlingException"), id="throttled table"),
        pytest.param(refused("ProvisionedThroughputExceededException"), id="table at its limit"),
        pytest.param(refused("RequestLimitExceeded"), id="account at its limit"),
    ],
)
def test_contention_is_retried_in_process_with_a_new_token(world: WorkerAccount, fault: Any) -> None:
    # GIVEN a transaction that fails twice because of conflicts or throttling
    world.stock(SKU_1=5)
    world.disturb("transact_write_items", fault, fault)
    conflicts: list[None] = []
    # WHEN the order is settled
    written = settler(world).settle(message(), lambda: conflicts.append(None))
    # THEN there are three tries, each with its own token, and growing pauses between them
    assert written.order.status == "CONFIRMED"
    tokens = {call["ClientRequestToken"] for call in world.called("transact_write_items")}
    assert (len(tokens), len(conflicts)) == (3, 2)
    assert world.clock.slept == [0.01, 0.02]
    assert world.available("SKU-1") == 3


def test_a_conflict_while_rejecting_is_retried_too(world: WorkerAccount) -> None:
    # GIVEN an article without stock, and an order row that another transaction locks
    world.stock(SKU_1=0)
    world.disturb("update_item", refused("TransactionConflictException"))
    # WHEN the order is settled
    written = settle(world)
    # THEN stock is checked again, and the order is rejected
    assert written.order.status == "REJECTED"
    assert len(world.called("transact_write_items")) == 2


def test_a_settlement_fails_within_its_time_if_contention_does_not_end(world: WorkerAccount) -> None:
    # GIVEN a row that stays busy
    world.disturb("transact_write_items", *[cancelled(CONFLICT, "None")] * 100)
    started = world.clock.now
    # WHEN the order is settled
    with pytest.raises(ContentionError, match="tries"):
        settle(world)
    # THEN the tries took nearly `CONTENTION_SECONDS`, and not longer
    assert CONTENTION_SECONDS * 0.8 <= world.clock.now - started <= CONTENTION_SECONDS


@pytest.mark.parametrize(
    ("codes", "status"),
    [
        (("ConditionalCheckFailed", "ConditionalCheckFailed", CONFLICT), "CONFIRMED"),
        (("ConditionalCheckFailed", CONFLICT, "None"), "CONFIRMED"),
        (("None", "ConditionalCheckFailed", CONFLICT), "REJECTED"),
        (("None", "ConditionalCheckFailed", "ThrottlingError"), "REJECTED"),
    ],
)
def test_a_failed_condition_decides_the_order_without_another_try_even_if_other_rows_are_busy(
    world: WorkerAccount, codes: tuple[str, ...], status: str
) -> None:
    # GIVEN an answer that gives several reasons at once
    settled = {"order_id": {"S": order_id(1)}, "status": {"S": "CONFIRMED"}}
    world.disturb("transact_write_items", cancelled(*codes, items={0: settled} if codes[0] != "None" else None))
    # WHEN the order is settled
    written = settle(world, lines=lines("SKU-1", "SKU-2"))
    # THEN there is no other try. If the order row's condition failed, the order keeps its stored
    # status; otherwise a stock row's condition failed, and the order is rejected
    assert written.order.status == status
    assert world.clock.slept == []


@pytest.mark.parametrize(("beyond", "tries"), [(0.0, 2), (0.001, 1)])
def test_a_pause_may_end_at_the_deadline_but_no_later(
    world: WorkerAccount, monkeypatch: pytest.MonkeyPatch, beyond: float, tries: int
) -> None:
    # GIVEN an order row that stays busy, and a pause that ends at the deadline or just after it
    world.stock(SKU_1=5)
    world.disturb("transact_write_items", *[cancelled(CONFLICT, "None")] * 5)
    monkeypatch.setattr(settle_module, "conflict_pause", lambda *_, **__: CONTENTION_SECONDS + beyond)
    # WHEN the order is settled
    with pytest.raises(ContentionError):
        settle(world)
    # THEN there is a second try only if the pause ends by the deadline
    assert len(world.called("transact_write_items")) == tries
