"""Tests groups: orders of one batch that share articles and are settled in one transaction.

The tests show when the transaction is tried again, with which token, and when its orders stay unsettled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import Mock
from uuid import UUID

import pytest

from runtime.logic.backoff import conflict_pause
from runtime.logic.failures import BusyError, CorruptDataError
from runtime.logic.together import GROUP_SECONDS, Together
from runtime.models.order import OrderMessage
from runtime.store.dependency import describe
from tests.unit.worker.conftest import FakeTime
from tests.unit.worker.factories import lines, message

BUSY = BusyError("TransactionConflict")
PAUSE = conflict_pause(1, random=lambda: 0.5)
TWO = [message(number, lines=lines("SKU-1")) for number in (1, 2)]
# Two pairs of orders. Both pairs together have more items than a transaction may have.
FOUR = [message(number, lines=lines(*(f"S-{number // 2}-{n}" for n in range(50)))) for number in range(4)]


class Store:
    """Runs the next step, if there is one, for each transaction. The group is settled unless the step raises."""

    def __init__(self, *steps: Callable[[], None]) -> None:
        self.steps = list(steps)
        self.sizes: list[int] = []
        self.tokens: list[str] = []

    def confirm(self, orders: list[OrderMessage], *, token: str, **_: str) -> None:
        """Record the transaction, and run its step."""
        self.sizes.append(len(orders))
        self.tokens.append(token)
        if self.steps:
            self.steps.pop(0)()


def busy() -> None:
    """Refuse the transaction because of a conflict."""
    raise BUSY


def settle(store: Store, orders: list[OrderMessage], clock: FakeTime | None = None, logger: Any = None) -> set[str]:
    """Settle these orders together. Return the ids of those that were settled or whose result is unknown."""
    it: Any = store
    together = Together(it, clock or FakeTime(), lambda: 0.5, describe, logger or Mock())
    return set(together.settle(orders, lambda: None))


def ids(orders: list[OrderMessage]) -> set[str]:
    """Return the orders' ids."""
    return {order.order_id for order in orders}


def test_the_pauses_of_a_group_grow_like_those_of_a_single_order() -> None:
    # GIVEN two orders for one article, whose stock row is busy four times
    store, clock = Store(busy, busy, busy, busy), FakeTime()
    # WHEN they are settled together
    settled = settle(store, TWO, clock)
    # THEN before each further try, the group waits as long as a single order would
    assert clock.slept == [conflict_pause(attempt, random=lambda: 0.5) for attempt in (1, 2, 3, 4)]
    assert settled == ids(TWO)


def test_each_try_has_a_new_token() -> None:
    # GIVEN two orders for one article, whose stock row is busy twice
    store = Store(busy, busy)
    # WHEN they are settled together
    settle(store, TWO)
    # THEN each try has its own token, because each try is a new transaction, not a retry of the
    # same call
    assert len({UUID(token) for token in store.tokens}) == 3


@pytest.mark.parametrize(("late", "tries"), [(0.0, 2), (0.001, 1)])
def test_a_group_is_tried_again_if_the_pause_ends_in_time(late: float, tries: int) -> None:
    # GIVEN a group that pauses after a conflict. The pause ends exactly when `GROUP_SECONDS` are over, or 1 ms later
    clock = FakeTime(now=0.0)

    def slow() -> None:
        clock.now += GROUP_SECONDS - PAUSE + late
        busy()

    store = Store(slow)
    # WHEN the group is settled
    settled = settle(store, TWO, clock)
    # THEN it is tried again only if the pause ends in time; otherwise its orders are not settled
    assert len(store.sizes) == tries
    assert settled == (ids(TWO) if tries == 2 else set())


@pytest.mark.parametrize(("late", "groups"), [(0.0, 2), (0.001, 1)])
def test_no_group_begins_when_the_time_for_groups_is_over(late: float, groups: int) -> None:
    # GIVEN two groups. The first one takes exactly as long as all groups may take (`GROUP_SECONDS`), or 1 ms longer
    clock = FakeTime(now=0.0)

    def slow() -> None:
        clock.now += GROUP_SECONDS + late

    store = Store(slow)
    # WHEN they are settled
    settled = settle(store, FOUR, clock)
    # THEN the second one is settled only if it begins in time, and the first one is settled in any case
    assert store.sizes == [2] * groups
    assert settled == ids(FOUR[: 2 * groups])


@pytest.mark.parametrize(("articles", "sizes"), [(98, [2]), (99, [])])
def test_a_group_may_have_as_many_items_as_a_transaction(articles: int, sizes: list[int]) -> None:
    # GIVEN two orders that share an article. Together they have 98 or 99 articles, so their group has 100 or 101 items
    first = message(1, lines=lines(*(f"S-{n}" for n in range(50))))
    second = message(2, lines=lines(*(f"S-{n}" for n in range(49, articles))))
    store = Store()
    # WHEN they are settled
    settled = settle(store, [first, second])
    # THEN only a group that fits in one transaction is settled
    assert store.sizes == sizes
    assert len(settled) == sum(sizes)


def test_an_unexpected_error_is_logged_and_the_orders_are_returned_because_their_result_is_unknown() -> None:
    # GIVEN a store that fails
    failure = CorruptDataError("DynamoDB gave 1 cancellation reasons for 3 items.")

    def fails() -> None:
        raise failure

    store, logger = Store(fails), Mock()
    # WHEN a group is settled
    settled = settle(store, TWO, logger=logger)
    # THEN the log has the error's description. The group's orders are returned, because it is unknown whether they
    # were settled
    logger.warning.assert_called_once_with("orders not settled together", error=str(failure), count=2)
    assert settled == ids(TWO)
