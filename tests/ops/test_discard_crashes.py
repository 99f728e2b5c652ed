"""Discarding many under every fault at every one of its calls: nothing is lost, and the same command finishes."""

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
    """More than one batch: failed orders, one message that names none, and a settled order that nobody heard of."""
    ids = dead_letter(world, ORDERS)
    nameless = world.dead_letters.send("not json", {}).message_id
    settled = accept(world, "settled")
    world.drain(topic_down)
    return ids, nameless, settled


def calls_of_a_discard() -> list[Call]:
    """The calls of an undisturbed run."""
    with simulated(World(seed=5, deployment=Deployment(max_receive_count=2))) as world:
        world.stock_up("SKU-1", 1000)
        flood(world)
        process = Process()
        world.cloud.wire.run(process, lambda: discard_many(world, *WHERE))
        return process.calls


CASES = [(call.index, call.operation, kind) for call in calls_of_a_discard() for kind in FAULTS if kind.fits(call)]


@pytest.mark.parametrize(("index", "operation", "kind"), CASES, ids=lambda one: getattr(one, "name", str(one)))
def test_a_discard_hit_anywhere_loses_nothing_and_is_finished_by_the_next(
    index: int, operation: str, kind: FaultKind, world: World
) -> None:
    # GIVEN a flood, and a run that is hit at one call
    ids, nameless, settled = flood(world)
    logs = logs_of(world)
    process = Process(faults={index: kind.fault})
    with contextlib.suppress(ProcessKilled, BotoCoreError, ClientError):
        world.cloud.wire.run(process, lambda: discard_many(world, *WHERE, logs=logs))
    # THEN at that moment nothing is lost: whose message is gone is marked, and whoever is not waits
    assert invariants.violations(world) == []
    # WHEN what was hidden shows again, and the same command is given
    world.cloud.clock.advance(301)
    tally = discard_many(world, *WHERE, logs=logs)
    # THEN it is done, and the settled order still waits for its notification
    assert (tally.failed, tally.undeleted, tally.settled) == (0, 0, 0)
    assert {world.orders[order_id]["status"]["S"] for order_id in ids} == {"DISCARDED"}
    assert world.orders[settled]["status"]["S"] == "CONFIRMED"
    assert world.dead_letters.counts() == (1, 0, 0)
    # THEN whatever is gone has its line, of somebody and with a reason
    told = {line["message_id"] for line in logs.lines if line["what"] == "message"}
    assert len(told) == ORDERS + 1
    assert nameless in told
    assert {(line["by"], line["reason"]) for line in logs.lines} == {("Ada", "a test")}
    assert invariants.violations(world) == []
