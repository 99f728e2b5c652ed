"""Tests of FIFO queues: each caller's orders are processed in sequence, and a failing order delays no other caller."""

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
    """Yield a stage with strict ordering."""
    with staged(Deployment(fifo=True)) as made:
        yield made


def subjects(stage: Stage) -> list[str]:
    """Return the order ids in the sequence of their events."""
    return [str(order) for order in invariants.published(stage.world)]


def test_a_failing_order_delays_only_its_own_caller(stage: Stage) -> None:
    # GIVEN two orders of ann and one order of bob. Ann's first order fails once
    first, second = stage.accept("one"), stage.accept("two")
    stage.post("other", order_body(), caller="bob")
    stage.world.deliver(Process(on_call=table_down))
    # WHEN all visible messages are delivered
    while stage.world.deliver() is not None:
        pass
    meanwhile = subjects(stage)
    stage.world.drain()
    # THEN at first only bob's order is processed. Later, ann's orders follow in their sequence
    assert len(meanwhile) == 1
    assert not {first, second} & set(meanwhile)
    assert subjects(stage)[1:] == [first, second]


def test_events_out_of_order_are_a_violation(stage: Stage) -> None:
    # GIVEN two orders of one caller, processed in their sequence
    stage.accept("one")
    stage.accept("two")
    stage.world.drain()
    assert invariants.in_order(stage.world) == []
    # WHEN their events are swapped
    stage.world.subscriber.received.reverse()
    # THEN the check reports a violation
    assert len(invariants.in_order(stage.world)) == 1


def test_the_sequence_of_events_from_a_standard_queue_cannot_be_checked() -> None:
    # GIVEN a stack without strict ordering
    # WHEN the sequence of its events is checked
    # THEN the check raises an error
    with staged() as stage, pytest.raises(TypeError, match="FIFO"):
        invariants.in_order(stage.world)
