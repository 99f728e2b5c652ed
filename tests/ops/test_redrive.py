"""Tests what a redrive moves, keeps, merges and counts."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lab.simulation import invariants
from lab.simulation.fakes import Call, Process
from lab.simulation.world import World
from ops.logic.dead_letter import State
from runtime.models.order import OrderStatus
from tests.ops.factories import accept, dead_letter, orders_of, redrive, sweep_of, text, topic_down

# AWS refuses a request if the sender's clock and AWS's clock differ by more than this many seconds.
MAX_SKEW_SECONDS = 300


def test_counts_add_up_and_the_queue_is_empty(world: World) -> None:
    # GIVEN 25 dead letters
    dead_letter(world, 25)
    # WHEN they are redriven
    tally = redrive(world)
    # THEN every message is counted, and the dead-letter queue is empty
    assert (tally.redriven, tally.seen, tally.undeleted) == (25, 25, 0)
    assert world.dead_letters.messages == {}
    assert len(world.orders_queue.messages) == 25


def test_a_dry_run_moves_nothing_and_hides_nothing(world: World) -> None:
    # GIVEN dead letters
    dead_letter(world, 11)
    # WHEN a dry run ends
    tally = redrive(world, act=False)
    # THEN it has counted the messages, and all are visible in the dead-letter queue
    assert tally.redriven == 11
    assert world.dead_letters.counts() == (11, 0, 0)
    assert world.orders_queue.messages == {}


def test_a_redriven_message_has_the_senders_attributes_and_its_original_id(world: World) -> None:
    # GIVEN a message that the worker moved to the dead-letter queue with its error
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
    # THEN it has the sender's body and attributes. Of the worker's attributes, only the original message's id is left
    (message,) = world.orders_queue.messages.values()
    assert message.body == "{}"
    assert message.attributes == {"order_id": text("7"), "tenant": text("t"), "original_message_id": text("first")}
    assert message.receive_count == 0


def test_copies_are_sent_once(world: World) -> None:
    # GIVEN three copies of a message, as left by crashes
    accept(world, "k")
    (source,) = world.orders_queue.messages.values()
    world.orders_queue.messages.clear()
    for _ in range(3):
        world.dead_letters.send(source.body, {**source.attributes, "original_message_id": text(source.message_id)})
    # WHEN they are redriven
    tally = redrive(world)
    # THEN one is sent, and all three are deleted
    assert (tally.redriven, tally.copies, tally.seen) == (1, 2, 3)
    assert len(world.orders_queue.messages) == 1
    assert world.dead_letters.messages == {}


def test_messages_with_equal_ids_but_different_bodies_are_no_copies(world: World) -> None:
    # GIVEN two different messages with the same original id
    for body in ('{"a": 1}', '{"a": 2}'):
        world.dead_letters.send(body, {"original_message_id": text("same")})
    # WHEN they are redriven
    tally = redrive(world)
    # THEN both are sent
    assert (tally.redriven, tally.copies) == (2, 0)


def test_messages_that_are_not_selected_are_made_visible_again(world: World) -> None:
    # GIVEN dead letters
    ids = dead_letter(world, 12)
    # WHEN one is redriven
    tally = redrive(world, f"order_id={ids[3]}")
    # THEN the others are visible when the run ends
    assert (tally.redriven, tally.unselected, tally.seen) == (1, 11, 12)
    assert world.dead_letters.counts() == (11, 0, 0)


def test_an_unreadable_message_and_a_message_of_a_discarded_order_stay(world: World) -> None:
    # GIVEN a message that is no JSON, and a message of a discarded order
    world.dead_letters.send("not json", {})
    (order_id,) = accept_and_move(world)
    assert world.discard(order_id)
    # WHEN everything is redriven
    tally = redrive(world)
    # THEN both stay in the dead-letter queue, and each is counted under its reason
    assert tally.refused == {State.UNREADABLE: 1, State.DISCARDED: 1}
    assert world.dead_letters.counts() == (2, 0, 0)


def accept_and_move(world: World) -> tuple[str]:
    """Accept an order and move its message to the dead-letter queue; return the order's id."""
    order_id = accept(world, "moved")
    (message,) = world.orders_queue.messages.values()
    world.orders_queue.messages.clear()
    world.dead_letters.store_moved(message)
    return (order_id,)


def test_a_redrive_publishes_the_missing_event_of_a_settled_order(world: World) -> None:
    # GIVEN a settled order whose event could not be published
    order_id = accept(world, "k")
    world.drain(topic_down)
    assert world.orders[order_id]["status"]["S"] == OrderStatus.CONFIRMED
    assert world.subscriber.received == []
    # WHEN its message is redriven
    tally = redrive(world, "state=notification-missing")
    world.drain()
    # THEN its event is published, and its stock was taken once
    assert tally.redriven == 1
    assert len(world.subscriber.received) == 1
    assert invariants.violations(world) == []


def test_a_message_that_sqs_refuses_is_kept(world: World) -> None:
    # GIVEN a message with an attribute type that SQS refuses
    world.dead_letters.send("{}", {})
    next(iter(world.dead_letters.messages.values())).attributes = {"odd": {"DataType": "Odd", "StringValue": "x"}}
    # WHEN it is redriven
    tally = redrive(world)
    # THEN it stays in the dead-letter queue, and counts as failed
    assert (tally.failed, tally.seen) == (1, 1)
    assert world.dead_letters.counts() == (1, 0, 0)


def test_copies_of_a_message_that_sqs_refuses_are_kept(world: World) -> None:
    # GIVEN two copies of a message that SQS refuses
    for _ in range(2):
        sent = world.dead_letters.send("{}", {})
        sent.attributes = {"odd": {"DataType": "Odd", "StringValue": "x"}, "original_message_id": text("first")}
    # WHEN they are redriven
    tally = redrive(world)
    # THEN neither copy is deleted
    assert (tally.failed, tally.copies, tally.seen) == (2, 0, 2)
    assert world.dead_letters.counts() == (2, 0, 0)


def test_a_redrive_keeps_its_rate(world: World) -> None:
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


def test_a_redrive_receives_only_from_the_dead_letter_queue(world: World) -> None:
    # GIVEN dead letters
    dead_letter(world, 3)
    process = Process()
    # WHEN they are redriven
    world.cloud.wire.run(process, lambda: redrive(world))
    # THEN messages were received from the dead-letter queue only
    assert {call.params["QueueUrl"] for call in process.calls if call.operation == "ReceiveMessage"} == {
        world.dead_letters.url
    }


def test_a_pass_longer_than_the_visibility_timeout_reads_each_message_once(world: World) -> None:
    # GIVEN more dead letters than one batch contains
    dead_letter(world, 15)
    seen: list[str] = []
    # WHEN a pass reads them, and each batch takes longer than the visibility timeout of five minutes
    with sweep_of(world) as sweep:
        for batch in sweep.batches():
            seen += [message.message_id for message in batch]
            world.cloud.clock.advance(301)
    # THEN the pass read each message once, and ended
    assert len(seen) == len(set(seen)) == 15
    assert world.dead_letters.counts() == (15, 0, 0)


def test_the_workers_record_shows_that_an_order_is_finished(world: World) -> None:
    # GIVEN an order that the worker has settled and whose event it has published
    order_id = accept(world, "k")
    world.drain()
    # WHEN the facts of the order are read
    facts = orders_of(world).facts([order_id])
    # THEN they show that it is finished
    assert facts.finished == {order_id}


@pytest.mark.parametrize("skew", [0, MAX_SKEW_SECONDS])
def test_a_message_that_fails_again_during_its_redrive_is_not_counted_as_a_copy(world: World, skew: float) -> None:
    # GIVEN a dead letter that fails again during its redrive. The local clock equals AWS's, or is ahead of it by the
    # largest difference that AWS accepts
    world.dead_letters.send("{}", {"original_message_id": text("first")})

    def work(call: Call) -> None:
        if call.operation == "ReceiveMessage" and world.orders_queue.messages:
            (sent,) = world.orders_queue.messages.values()
            world.orders_queue.messages.clear()
            world.dead_letters.send(sent.body, dict(sent.attributes)).sent_at -= skew

    world.cloud.wire.before = work
    # WHEN it is redriven, and is a dead letter again before the run ends
    tally = redrive(world)
    # THEN it is kept, and was sent once
    assert (tally.redriven, tally.copies, tally.returned, tally.seen) == (1, 0, 1, 2)
    assert world.dead_letters.counts() == (1, 0, 0)


def test_an_old_copy_is_deleted_in_a_later_batch(world: World) -> None:
    # GIVEN two copies of a message, with 14 other messages between them. One ReceiveMessage returns at most 10
    for number in (0, *range(1, 15), 0):
        world.dead_letters.send(f'{{"a": {number}}}', {"original_message_id": text(str(number))})
    world.cloud.clock.advance(MAX_SKEW_SECONDS + 1)
    # WHEN all are redriven
    tally = redrive(world)
    # THEN one of the copies is sent, and both are deleted
    assert (tally.redriven, tally.copies, tally.returned) == (15, 1, 0)
    assert world.dead_letters.messages == {}
