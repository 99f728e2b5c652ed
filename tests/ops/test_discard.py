"""Discarding is final, names the person who did it, and never changes a settled order."""

from __future__ import annotations

import contextlib
from functools import partial

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from lab.simulation import invariants
from lab.simulation.fakes import FAULTS, Call, FaultKind, Process, ProcessKilled
from lab.simulation.fakes.wire import Fault
from lab.simulation.world import World
from ops.discard import carry_out, find, plan
from ops.errors import RefusedError
from tests.ops.factories import (
    accept,
    begun,
    dead_letter,
    order_that_settles_during_discard,
    orders_of,
    sweep_of,
    text,
    topic_down,
)
from tests.ops.test_discard_many import STORED, statuses, store


def discard(world: World, wanted: str) -> str:
    """Run the command with `--yes`, and return what it reports."""
    orders = orders_of(world)
    with sweep_of(world) as sweep:
        found = find(sweep, orders, wanted)
        order = orders.get(wanted) if not found.cases else None
        planned = plan(found, wanted, order)
        return carry_out(planned, sweep, orders, world.cloud.clock, begun(world, "discard"))


def test_a_discarded_order_keeps_its_reason_and_its_message_is_deleted(world: World) -> None:
    # GIVEN two dead letters
    first, second = dead_letter(world, 2)
    # WHEN one of them is discarded
    discard(world, first)
    # THEN name, reason and time are stored, the caller sees the status, and the other order is unchanged
    reason = world.orders[first]["reason"]["M"]
    assert world.orders[first]["status"]["S"] == "DISCARDED"
    assert (reason["by"]["S"], reason["text"]["S"]) == ("Ada", "a test")
    assert reason["at"]["S"].endswith("Z")
    assert "error" not in world.orders[first]
    assert '"DISCARDED"' in world.get(first, caller="ann")["body"]
    assert "Ada" not in world.get(first, caller="ann")["body"]
    assert world.orders[second]["status"]["S"] == "FAILED"
    assert world.dead_letters.counts() == (1, 0, 0)
    assert invariants.violations(world) == []


def test_a_discarded_order_that_was_never_stored_is_shown_to_its_caller(world: World) -> None:
    # GIVEN a dead letter whose order is not in the table
    (order_id,) = dead_letter(world, 1)
    del world.cloud.dynamodb.tables["orders"].items[(order_id,)]
    # WHEN the order is discarded
    discard(world, order_id)
    # THEN its caller sees that it was discarded
    assert '"DISCARDED"' in world.get(order_id, caller="ann")["body"]


def test_a_settled_order_whose_notification_is_missing_is_not_discarded(world: World) -> None:
    # GIVEN a confirmed order whose event could not be published
    order_id = accept(world, "k")
    world.drain(topic_down)
    before = dict(world.orders[order_id])
    # WHEN somebody discards it
    with pytest.raises(RefusedError, match="only its notification is missing"):
        discard(world, order_id)
    # THEN nothing is changed
    assert world.orders[order_id] == before
    assert world.dead_letters.counts() == (1, 0, 0)


def test_a_dead_letter_of_a_finished_order_is_deleted_and_the_order_stays(world: World) -> None:
    # GIVEN a settled order whose event was published, and a copy of its message among the dead letters
    order_id = accept(world, "k")
    (source,) = world.orders_queue.messages.values()
    world.dead_letters.send(source.body, source.attributes)
    world.drain()
    # WHEN the copy is discarded
    discard(world, order_id)
    # THEN only the copy is deleted
    assert world.orders[order_id]["status"]["S"] == "CONFIRMED"
    assert world.dead_letters.messages == {}


def test_a_discard_of_an_unreadable_message_marks_the_order_whose_id_is_in_an_attribute(world: World) -> None:
    # GIVEN an unreadable message with an attribute that names its order
    order_id = accept(world, "k")
    world.orders_queue.messages.clear()
    sent = world.dead_letters.send("not json", {"order_id": text(order_id)})
    # WHEN it is discarded by its message id
    discard(world, sent.message_id)
    # THEN the order is marked, and the message is deleted
    assert world.orders[order_id]["status"]["S"] == "DISCARDED"
    assert world.dead_letters.messages == {}


def test_a_message_that_names_no_order_is_deleted_and_no_order_is_marked(world: World) -> None:
    # GIVEN an unreadable message without an attribute that names an order
    sent = world.dead_letters.send("not json", {})
    # WHEN it is discarded
    done = discard(world, sent.message_id)
    # THEN it is deleted, and no order is changed
    assert done == "no order was marked; messages deleted: 1"
    assert world.dead_letters.messages == {}
    assert world.orders == {}


@pytest.mark.parametrize("stored", STORED)
def test_the_discard_of_an_unreadable_message_does_what_the_plan_says(stored: str, world: World) -> None:
    # GIVEN an order whose row is stored in some state or is missing, and a message that is no JSON and names this order
    (order_id,) = dead_letter(world, 1)
    world.dead_letters.messages.clear()
    world.dead_letters.send("not json", {"order_id": text(order_id)})
    store(world, order_id, STORED[stored])
    # WHEN its discard is planned, and then carried out
    before = statuses(world)
    with sweep_of(world) as sweep:
        found = find(sweep, orders_of(world), order_id)
    try:
        planned = plan(found, order_id, None).explanation
    except RefusedError:
        # THEN if the plan is refused, the discard is refused too, and nothing is changed
        with pytest.raises(RefusedError):
            discard(world, order_id)
        assert statuses(world) == before
        assert world.dead_letters.counts() == (1, 0, 0)
    else:
        # THEN if the plan is not refused, the message is deleted. The order becomes DISCARDED if and only if the plan
        # says so
        assert "messages deleted: 1" in discard(world, order_id)
        marked = statuses(world).count("DISCARDED") > before.count("DISCARDED")
        assert ("would become DISCARDED" in planned) == marked
        assert world.dead_letters.counts() == (0, 0, 0)


def test_an_order_without_dead_letter_is_not_discarded(world: World) -> None:
    # GIVEN an order that waits in the orders queue
    order_id = accept(world, "k")
    # WHEN somebody discards it
    with pytest.raises(RefusedError, match="the order is ACCEPTED"):
        discard(world, order_id)
    # THEN nothing is changed
    assert world.orders[order_id]["status"]["S"] == "ACCEPTED"


@pytest.mark.parametrize("unreadable", [0, 1])
def test_an_order_that_settles_during_a_discard_is_not_discarded(unreadable: int, world: World) -> None:
    # GIVEN an order with a readable dead letter, and in one case also with an unreadable dead letter. The worker
    # settles the order, from a message in the orders queue, just before `DISCARDED` is written
    order_id = order_that_settles_during_discard(world)
    for _ in range(unreadable):
        world.dead_letters.send("not json", {"order_id": text(order_id)})
    # WHEN the order is discarded
    with pytest.raises(RefusedError, match="became CONFIRMED before"):
        discard(world, order_id)
    # THEN the order is still confirmed, and its messages stay
    assert world.orders[order_id]["status"]["S"] == "CONFIRMED"
    assert world.dead_letters.counts() == (1 + unreadable, 0, 0)


def hit(kind: FaultKind, index: int, call: Call) -> Fault | None:
    """Return the fault if the call has this index and the fault fits the call."""
    return kind.fault if call.index == index and kind.fits(call) else None


@pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: kind.name)
def test_a_discard_can_be_run_again_after_any_fault(kind: FaultKind, world: World) -> None:
    # GIVEN twelve failed orders. The first order's discard has a fault at its first call, the second order's discard at
    # its second call, and so on
    ids = dead_letter(world, 12)
    for index, order_id in enumerate(ids):
        process = Process(on_call=partial(hit, kind, index))
        with contextlib.suppress(ProcessKilled, BotoCoreError, ClientError, RefusedError):
            world.cloud.wire.run(process, partial(discard, world, order_id))
        assert invariants.violations(world) == []
        # WHEN the discard is run again
        world.cloud.clock.advance(301)
        discard(world, order_id)
        # THEN the order is discarded
        assert world.orders[order_id]["status"]["S"] == "DISCARDED"
    assert world.dead_letters.messages == {}
