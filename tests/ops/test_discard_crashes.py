"""Tests that a fault at any call of a mass discard loses nothing, and that the next run finishes."""

from __future__ import annotations

import contextlib

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from lab.simulation import invariants
from lab.simulation.fakes import FAULTS, Call, FaultKind, Process, ProcessKilled
from lab.simulation.world import Deployment, World, simulated
from tests.ops.factories import accept, dead_letter, discard_many, logs_of, topic_down

pytestmark = pytest.mark.long

ORDERS = 9
WHERE = ("state=failed", "state=unreadable")


def flood(world: World) -> tuple[list[str], str, str]:
    """Fill the dead-letter queue with messages of three kinds, more than one batch in all.

    Returns:
        The ids of the failed orders, the id of the message that names no order, and the id of a settled order whose
        event was not published.
    """
    ids = dead_letter(world, ORDERS)
    nameless = world.dead_letters.send("not json", {}).message_id
    settled = accept(world, "settled")
    world.drain(topic_down)
    return ids, nameless, settled


def calls_of_a_discard() -> list[Call]:
    """Return the calls of a run without faults."""
    with simulated(World(seed=5, deployment=Deployment(max_receive_count=2))) as world:
        world.stock_up("SKU-1", 1000)
        flood(world)
        process = Process()
        world.cloud.wire.run(process, lambda: discard_many(world, *WHERE))
        return process.calls


CASES = [(call.index, call.operation, kind) for call in calls_of_a_discard() for kind in FAULTS if kind.fits(call)]


@pytest.mark.parametrize(("index", "operation", "kind"), CASES, ids=lambda one: getattr(one, "name", str(one)))
def test_a_fault_in_a_discard_loses_nothing_and_the_next_run_finishes(
    index: int, operation: str, kind: FaultKind, world: World
) -> None:
    # GIVEN many dead letters, and a run with a fault at one of its calls
    ids, nameless, settled = flood(world)
    logs = logs_of(world)
    process = Process(faults={index: kind.fault})
    with contextlib.suppress(ProcessKilled, BotoCoreError, ClientError):
        world.cloud.wire.run(process, lambda: discard_many(world, *WHERE, logs=logs))
    # THEN nothing is lost: each order is final or still has its message
    assert invariants.violations(world) == []
    # WHEN the hidden messages are visible again, and the same command runs
    world.cloud.clock.advance(301)
    tally = discard_many(world, *WHERE, logs=logs)
    # THEN everything is discarded, except the settled order, whose event is still to be published
    assert (tally.failed, tally.undeleted, tally.settled) == (0, 0, 0)
    assert {world.orders[order_id]["status"]["S"] for order_id in ids} == {"DISCARDED"}
    assert world.orders[settled]["status"]["S"] == "CONFIRMED"
    assert world.dead_letters.counts() == (1, 0, 0)
    # THEN each deleted message has a line in the journal, with a name and a reason
    recorded = {line["message_id"] for line in logs.lines if line["what"] == "message"}
    assert len(recorded) == ORDERS + 1
    assert nameless in recorded
    assert {(line["by"], line["reason"]) for line in logs.lines} == {("Ada", "a test")}
    assert invariants.violations(world) == []
