"""Each caller's orders in order, on FIFO queues: one caller's trouble is its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.simulation import invariants
from lab.simulation.crash_points.stage import Stage, staged
from lab.simulation.crash_points.worker_paths import table_down
from lab.simulation.fakes import Process
from lab.simulation.requests import order_body
from lab.simulation.world import Deployment


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A stack with strict ordering."""
    with staged(Deployment(fifo=True)) as made:
        yield made


def subjects(stage: Stage) -> list[str]:
    """The orders in the order of their events."""
    return [str(order) for order in invariants.published(stage.world)]


def test_a_failing_order_holds_up_its_caller_and_nobody_else(stage: Stage) -> None:
    # GIVEN two orders of ann's, the first of which fails once, and one of bob's
    first, second = stage.accept("one"), stage.accept("two")
    stage.post("other", order_body(), caller="bob")
    stage.world.deliver(Process(on_call=table_down))
    # WHEN everything that is visible is delivered
    while stage.world.deliver() is not None:
        pass
    held_up = subjects(stage)
    stage.world.drain()
    # THEN only bob's is done; ann's come later, in their order
    assert len(held_up) == 1
    assert not {first, second} & set(held_up)
    assert subjects(stage)[1:] == [first, second]


def test_orders_that_overtake_are_noticed(stage: Stage) -> None:
    # GIVEN two orders of one caller, done in their order
    stage.accept("one")
    stage.accept("two")
    stage.world.drain()
    assert invariants.in_order(stage.world) == []
    # WHEN their events had come the other way round
    stage.world.subscriber.received.reverse()
    # THEN that is a violation
    assert len(invariants.in_order(stage.world)) == 1


def test_a_queue_that_keeps_no_order_cannot_be_asked_for_it() -> None:
    # GIVEN a stack without strict ordering
    # WHEN its order is to be checked
    # THEN that is an error, not a success
    with staged() as stage, pytest.raises(TypeError, match="FIFO"):
        invariants.in_order(stage.world)
