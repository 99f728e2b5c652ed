"""Tests what redrive moves, keeps, merges and counts."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lab.simulation import invariants
from lab.simulation.fakes import Call, Process
from lab.simulation.world import World
from ops.logic.dead_letter import State
from runtime.models.order import OrderStatus
from tests.ops.factories import accept, dead_letter, orders_of, redrive, sweep_of, text, topic_down

# A signature is refused of whose clock is further off.
AWS_BEARS_SECONDS = 300


def test_counts_add_up_and_the_queue_is_empty(world: World) -> None:
    # GIVEN 25 dead letters
    dead_letter(world, 25)
    # WHEN they are redriven
    tally = redrive(world)
    # THEN each is accounted for
    assert (tally.redriven, tally.seen, tally.undeleted) == (25, 25, 0)
    assert world.dead_letters.messages == {}
    assert len(world.orders_queue.messages) == 25


def test_a_dry_run_moves_nothing_and_hides_nothing(world: World) -> None:
    # GIVEN dead letters
    dead_letter(world, 11)
    # WHEN a dry run is over
    tally = redrive(world, act=False)
    # THEN it has counted, and everything is where it was, visible
    assert tally.redriven == 11
    assert world.dead_letters.counts() == (11, 0, 0)
    assert world.orders_queue.messages == {}


def test_a_redriven_message_looks_like_a_fresh_one(world: World) -> None:
    # GIVEN a message that the worker dead-lettered with its reason
    world.dead_letters.send(
        "{}",
        {
            "order_id": text("7"),
            "error_type": text("INVALID_MESSAGE"),
            "error": text("no"),
            "attempt": text("1", "Number"),
            "original_message_id": text("first"),
            "tenant": text("t"),
        },
    )
    # WHEN it is redriven
    redrive(world)
    # THEN body and attributes are the sender's, and only its first id tells where it was
    (message,) = world.orders_queue.messages.values()
    assert message.body == "{}"
    assert message.attributes == {"order_id": text("7"), "tenant": text("t"), "original_message_id": text("first")}
    assert message.receive_count == 0


def test_copies_are_sent_once(world: World) -> None:
    # GIVEN three copies of a message, as crashes leave them
    accept(world, "k")
    (source,) = world.orders_queue.messages.values()
    world.orders_queue.messages.clear()
    for _ in range(3):
        world.dead_letters.send(source.body, {**source.attributes, "original_message_id": text(source.message_id)})
    # WHEN they are redriven
    tally = redrive(world)
    # THEN one is sent, and all are gone
    assert (tally.redriven, tally.copies, tally.seen) == (1, 2, 3)
    assert len(world.orders_queue.messages) == 1
    assert world.dead_letters.messages == {}


def test_equal_ids_with_other_bytes_are_no_copies(world: World) -> None:
    # GIVEN two messages that only claim to be one
    for body in ('{"a": 1}', '{"a": 2}'):
        world.dead_letters.send(body, {"original_message_id": text("same")})
    # WHEN they are redriven
    tally = redrive(world)
    # THEN both are sent
    assert (tally.redriven, tally.copies) == (2, 0)


def test_what_is_not_selected_shows_again_at_once(world: World) -> None:
    # GIVEN dead letters
    ids = dead_letter(world, 12)
    # WHEN one is redriven
    tally = redrive(world, f"order_id={ids[3]}")
    # THEN the others are visible
    assert (tally.redriven, tally.unselected, tally.seen) == (1, 11, 12)
    assert world.dead_letters.counts() == (11, 0, 0)


def test_what_no_worker_can_read_stays(world: World) -> None:
    # GIVEN a message that is no JSON, and one of an order that was given up
    world.dead_letters.send("not json", {})
    (order_id,) = accept_and_move(world)
    assert world.discard(order_id)
    # WHEN everything is redriven
    tally = redrive(world)
    # THEN both stay, by reason
    assert tally.refused == {State.UNREADABLE: 1, State.DISCARDED: 1}
    assert world.dead_letters.counts() == (2, 0, 0)


def accept_and_move(world: World) -> tuple[str]:
    """An accepted order whose message is a dead letter."""
    order_id = accept(world, "moved")
    (message,) = world.orders_queue.messages.values()
    world.orders_queue.messages.clear()
    world.dead_letters.adopt(message)
    return (order_id,)


def test_a_settled_order_without_notification_is_notified_by_a_redrive(world: World) -> None:
    # GIVEN an order whose every publish failed
    order_id = accept(world, "k")
    world.drain(topic_down)
    assert world.orders[order_id]["status"]["S"] == OrderStatus.CONFIRMED
    assert world.subscriber.received == []
    # WHEN it is redriven
    tally = redrive(world, "state=notification-missing")
    world.drain()
    # THEN its event is published, and stock moved once
    assert tally.redriven == 1
    assert len(world.subscriber.received) == 1
    assert invariants.violations(world) == []


def test_an_entry_that_sqs_refuses_stays(world: World) -> None:
    # GIVEN a message with an attribute type that SQS would not take back
    world.dead_letters.send("{}", {})
    next(iter(world.dead_letters.messages.values())).attributes = {"odd": {"DataType": "Odd", "StringValue": "x"}}
    # WHEN it is redriven
    tally = redrive(world)
    # THEN it is still there, counted as failed
    assert (tally.failed, tally.seen) == (1, 1)
    assert world.dead_letters.counts() == (1, 0, 0)


def test_copies_of_what_sqs_refuses_stay_too(world: World) -> None:
    # GIVEN two copies of a message that SQS would not take back
    for _ in range(2):
        sent = world.dead_letters.send("{}", {})
        sent.attributes = {"odd": {"DataType": "Odd", "StringValue": "x"}, "original_message_id": text("first")}
    # WHEN they are redriven
    tally = redrive(world)
    # THEN nothing is deleted on hope
    assert (tally.failed, tally.copies, tally.seen) == (2, 0, 2)
    assert world.dead_letters.counts() == (2, 0, 0)


def test_the_rate_is_kept(world: World) -> None:
    # GIVEN 30 dead letters
    dead_letter(world, 30)
    moments: list[float] = []

    def note(call: Call) -> None:
        if call.operation == "SendMessageBatch":
            moments.append(world.cloud.clock.time())

    world.cloud.wire.before = note
    # WHEN they are redriven at 2 per second
    redrive(world, rate=2)
    # THEN batches of ten are five seconds apart
    assert [later - earlier for earlier, later in pairwise(moments)] == [pytest.approx(5), pytest.approx(5)]


def test_the_source_queue_is_never_received_from(world: World) -> None:
    # GIVEN dead letters
    dead_letter(world, 3)
    process = Process()
    # WHEN they are listed and redriven
    world.cloud.wire.run(process, lambda: redrive(world))
    # THEN only the dead-letter queue was received from
    assert {call.params["QueueUrl"] for call in process.calls if call.operation == "ReceiveMessage"} == {
        world.dead_letters.url
    }


def test_a_sweep_sees_each_message_once_although_its_hiding_ends(world: World) -> None:
    # GIVEN dead letters, and a person who is slower than the hiding
    dead_letter(world, 15)
    seen: list[str] = []
    # WHEN the pass takes longer than five minutes
    with sweep_of(world) as sweep:
        for batch in sweep.batches():
            seen += [message.message_id for message in batch]
            world.cloud.clock.advance(301)
    # THEN each was seen once, and the pass came to an end
    assert len(seen) == len(set(seen)) == 15
    assert world.dead_letters.counts() == (15, 0, 0)


def test_facts_tell_finished_orders_by_the_workers_own_record(world: World) -> None:
    # GIVEN an order that the worker has settled and published
    order_id = accept(world, "k")
    world.drain()
    # WHEN its facts are read
    facts = orders_of(world).facts([order_id])
    # THEN it is known to be finished
    assert facts.finished == {order_id}


@pytest.mark.parametrize("skew", [0, AWS_BEARS_SECONDS])
def test_what_fails_again_during_the_run_is_no_copy_though_the_clock_is_ahead(world: World, skew: float) -> None:
    # GIVEN a dead letter that no worker of this version accepts, a worker that is at work, and the clock of a person
    # that is ahead by as much as AWS bears
    world.dead_letters.send("{}", {"original_message_id": text("first")})

    def work(call: Call) -> None:
        if call.operation == "ReceiveMessage" and world.orders_queue.messages:
            (sent,) = world.orders_queue.messages.values()
            world.orders_queue.messages.clear()
            world.dead_letters.send(sent.body, dict(sent.attributes)).sent_at -= skew

    world.cloud.wire.before = work
    # WHEN it is redriven, and comes back before the run is over
    tally = redrive(world)
    # THEN it is kept, and sent once only
    assert (tally.redriven, tally.copies, tally.returned, tally.seen) == (1, 0, 1, 2)
    assert world.dead_letters.counts() == (1, 0, 0)


def test_an_old_copy_is_deleted_wherever_the_run_meets_it(world: World) -> None:
    # GIVEN two copies of a message, further apart in the queue than one answer reaches
    for number in (0, *range(1, 15), 0):
        world.dead_letters.send(f'{{"a": {number}}}', {"original_message_id": text(str(number))})
    world.cloud.clock.advance(AWS_BEARS_SECONDS + 1)
    # WHEN all is redriven
    tally = redrive(world)
    # THEN one of them is sent
    assert (tally.redriven, tally.copies, tally.returned) == (15, 1, 0)
    assert world.dead_letters.messages == {}
