"""Tests that no order is lost or takes effect twice, whichever call of a redrive has a fault.

A fault is an error, a lost answer or a crash.
"""

from __future__ import annotations

import contextlib

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from lab.simulation import invariants
from lab.simulation.fakes import FAULTS, Call, FaultKind, Process, ProcessKilled
from lab.simulation.world import Deployment, World, simulated
from tests.ops.factories import dead_letter, redrive

pytestmark = pytest.mark.long

ORDERS = 12  # more than one batch


def calls_of_a_redrive() -> list[Call]:
    """Return the calls of a run without faults."""
    with simulated(World(seed=5, deployment=Deployment(max_receive_count=2))) as world:
        world.stock_up("SKU-1", 1000)
        dead_letter(world, ORDERS)
        process = Process()
        world.cloud.wire.run(process, lambda: redrive(world))
        return process.calls


CASES = [(call.index, call.operation, kind) for call in calls_of_a_redrive() for kind in FAULTS if kind.fits(call)]


@pytest.mark.parametrize(("index", "operation", "kind"), CASES, ids=lambda one: getattr(one, "name", str(one)))
def test_a_fault_in_a_redrive_loses_nothing(index: int, operation: str, kind: FaultKind, world: World) -> None:
    # GIVEN dead letters, and a redrive with a fault at one of its calls
    ids = dead_letter(world, ORDERS)
    process = Process(faults={index: kind.fault})
    with contextlib.suppress(ProcessKilled, BotoCoreError, ClientError):
        world.cloud.wire.run(process, lambda: redrive(world))
    # THEN nothing is lost
    assert invariants.violations(world) == []
    # WHEN the hidden messages are visible again, the command is repeated, and the worker drains the queue
    world.cloud.clock.advance(301)
    redrive(world)
    assert world.dead_letters.messages == {}
    world.drain()
    # THEN every order is confirmed once
    assert {world.orders[order_id]["status"]["S"] for order_id in ids} == {"CONFIRMED"}
    assert world.available("SKU-1") == 1000 - 2 * ORDERS
    assert invariants.violations(world) == []
