"""Tests that one transaction settles those orders of a batch which share an article, and what happens if it fails."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lab.simulation.crash_points.stage import Stage, staged
from lab.simulation.fakes import Call, Fault, Process
from lab.simulation.fakes.faults import answer_lost, server_error, transaction_cancelled
from lab.simulation.world import Deployment
from runtime.logic.together import GROUP_SECONDS, MOST_ITEMS, SHORT_SECONDS, Together
from runtime.models.order import OrderMessage, quantities
from runtime.observability import logger
from runtime.store.dependency import describe
from tests.unit.worker.conftest import FakeTime
from tests.unit.worker.factories import lines, message

CONFLICT = transaction_cancelled(["TransactionConflict"])


def sizes(process: Process) -> list[int]:
    """Return the number of orders in each transaction."""
    return [len(orders_of(call)) for call in process.calls if call.operation == "TransactWriteItems"]


def orders_of(call: Call) -> list[str]:
    """Return the ids of the orders that a transaction settles."""
    keys = [item["Update"]["Key"] for item in call.params["TransactItems"]]
    return [key["order_id"]["S"] for key in keys if "order_id" in key]


def deliver(stage: Stage, *faults: Fault) -> Process:
    """Deliver a batch, with these faults for its first transactions."""
    left = list(faults)
    process = Process(on_call=lambda call: left.pop(0) if left and call.operation == "TransactWriteItems" else None)
    stage.world.deliver(process)
    return process


def accept(stage: Stage, *orders: list[tuple[str, int]]) -> None:
    """Accept one order for each list of lines."""
    for number, each in enumerate(orders):
        stage.accept(f"{len(stage.intents)}-{number}", *each)


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ([[("SKU-1", 1)]] * 3, [3]),
        ([[("SKU-1", 1)], [("SKU-2", 1)]], [1, 1]),
        ([[("SKU-1", 1)]], [1]),
        ([[("SKU-1", 1)], [("SKU-1", 1), ("SKU-2", 1)], [("SKU-2", 1)]], [3]),
        ([[("SKU-1", 1)], [("SKU-1", 1)], [("SKU-2", 1)]], [2, 1]),
    ],
)
def test_only_orders_that_share_an_article_are_a_group(
    orders: list[list[tuple[str, int]]], expected: list[int]
) -> None:
    # GIVEN orders in one batch
    with staged() as stage:
        accept(stage, *orders)
        # WHEN the batch is processed
        process = deliver(stage)
        # THEN those that share an article are in one transaction, and each order's event is published
        assert sizes(process) == expected
        assert stage.statuses() == ("CONFIRMED",) * len(orders)
        assert len(stage.world.subscriber.received) == len(orders)


@pytest.mark.parametrize(
    ("deployment", "retry"),
    [(Deployment(fifo=True), False), (Deployment(), True), (Deployment(worker_timeout_seconds=28.9), False)],
    ids=["FIFO queue", "isolated batch", "too little time"],
)
def test_orders_are_settled_alone_if_the_queue_is_fifo_or_the_batch_is_isolated_or_time_is_short(
    deployment: Deployment, retry: bool
) -> None:
    # GIVEN orders for one article
    with staged(deployment) as stage:
        accept(stage, *[[("SKU-1", 1)]] * 3)
        if retry:
            deliver(stage, *[server_error] * 4)
            stage.lease_passes()
        # WHEN they are processed
        each = [sizes(deliver(stage)) for _ in range(3 if deployment.fifo else 1)]
        # THEN each is settled in its own transaction
        assert [size for batch in each for size in batch] == [1, 1, 1]


def test_a_group_is_tried_if_there_is_just_enough_time() -> None:
    # GIVEN exactly the time for one try of the group, for settling its three orders one by one
    # afterwards, and for the time margin
    with staged(Deployment(worker_timeout_seconds=29)) as stage:
        accept(stage, *[[("SKU-1", 1)]] * 3)
        # WHEN they are processed
        # THEN one transaction settles them
        assert sizes(deliver(stage)) == [3]


def test_the_whole_group_is_tried_again_after_a_conflict() -> None:
    # GIVEN orders for one article. The first two transactions conflict with another one
    with staged() as stage:
        accept(stage, *[[("SKU-1", 1)]] * 3)
        # WHEN they are processed
        process = deliver(stage, CONFLICT, CONFLICT)
        # THEN all of them are tried again together
        assert sizes(process) == [3, 3, 3]


def test_each_order_is_settled_alone_after_lasting_conflicts() -> None:
    # GIVEN conflicts in every transaction of several orders, but in no transaction of a single order
    with staged() as stage:
        accept(stage, *[[("SKU-1", 1)]] * 2)
        began, process = stage.world.cloud.clock.now, Process()
        process.on_call = lambda call: CONFLICT if len(call.params.get("TransactItems", ())) > 2 else None
        # WHEN they are processed
        stage.world.deliver(process)
        # THEN the group is tried for at most `GROUP_SECONDS`. Each order is read only once, after its settlement
        assert sizes(process)[-3:] == [2, 1, 1]
        assert stage.world.cloud.clock.now - began <= GROUP_SECONDS
        assert [call.operation for call in process.calls].count("GetItem") == 2
        assert stage.statuses() == ("CONFIRMED", "CONFIRMED")


def test_an_order_whose_group_may_have_been_settled_is_read_and_not_settled_again() -> None:
    # GIVEN a transaction that settles a group, but whose answer does not reach the worker
    with staged() as stage:
        accept(stage, *[[("SKU-1", 2)]] * 2)
        # WHEN the batch is processed
        process = deliver(stage, answer_lost)
        # THEN there is no other transaction, each order is read once, and both messages are deleted
        assert sizes(process) == [2]
        assert [call.operation for call in process.calls].count("GetItem") == 2
        assert stage.world.available("SKU-1") == 96
        assert not stage.world.orders_queue.messages


def test_orders_of_an_article_are_settled_alone_for_a_while_after_a_shortage() -> None:
    # GIVEN two orders, and stock for one of them
    with staged() as stage:
        accept(stage, *[[("SKU-2", 3)]] * 2)
        # WHEN three batches are processed: these two orders, two more immediately afterwards, and two more after
        # `SHORT_SECONDS`
        first = deliver(stage)
        assert stage.statuses() == ("CONFIRMED", "REJECTED")
        accept(stage, *[[("SKU-2", 1)]] * 2)
        second = deliver(stage)
        stage.world.cloud.clock.advance(SHORT_SECONDS)
        stage.world.stock_up("SKU-2", 5)
        accept(stage, *[[("SKU-2", 1)]] * 2)
        third = deliver(stage)
        # THEN the group of the first batch is cancelled. The orders of the first two batches are settled one by one,
        # and those of the third together
        assert [sizes(first), sizes(second), sizes(third)] == [[2, 1, 1], [1, 1], [2]]


class Recorded:
    """Records every group, as if it were settled."""

    def __init__(self) -> None:
        self.groups: list[list[OrderMessage]] = []

    def confirm(self, orders: list[OrderMessage], **_: str) -> None:
        self.groups.append(list(orders))


ORDERS = st.lists(
    st.builds(
        lambda number, first, count: message(
            number, lines=lines(*(f"S-{first + n}" for n in range(count)), quantity=3)
        ),
        st.integers(1, 8),
        st.integers(0, 60),
        st.sampled_from((1, 2, 30, 50)),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=100)
@given(ORDERS)
@example([message(number, lines=lines(*(f"S-{49 * number + n}" for n in range(50)))) for number in range(4)])
@example([message(1), message(2), message(1)])
def test_no_order_is_in_two_transactions_and_no_transaction_has_too_many_items(orders: list[OrderMessage]) -> None:
    # GIVEN a batch of any orders, in which an order may appear twice
    store: Any = Recorded()
    clock = FakeTime()
    # WHEN they are settled together
    settled = Together(store, clock, lambda: 0.5, describe, logger).settle(orders, lambda: None)
    # THEN no transaction has more items than DynamoDB allows, and no order is in two of them
    ids = [order.order_id for group in store.groups for order in group]
    assert all(len(group) + len(quantities(group)) <= MOST_ITEMS for group in store.groups)
    assert len(ids) == len(set(ids))
    assert set(settled) == set(ids)
    # AND every group has at least two orders
    assert all(len(group) > 1 for group in store.groups)
