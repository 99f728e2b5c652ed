"""Tests killers with the real worker: how often other messages are received, and which messages become dead letters."""

from __future__ import annotations

from random import Random

import pytest

from lab.simulation import invariants
from lab.simulation.crash_points.stage import Stage, staged
from lab.simulation.fakes import Call, Fault, Process
from lab.simulation.fakes.faults import crash_after, crash_before
from lab.simulation.interleaving import interleaved_batches
from lab.simulation.world import Deployment

MOST_RECEIVES = 8


def with_killers(stage: Stage, killers: set[str], chance: Random) -> Process:
    """Return a process that is killed when it processes one of the killers.

    `chance` picks one operation for each killer: `TransactWriteItems` or `Publish`. The process is
    killed before or after this operation takes effect.
    """
    fatal = {order_id: chance.choice(["TransactWriteItems", "Publish"]) for order_id in killers}

    def on_call(call: Call) -> Fault | None:
        for order_id, operation in fatal.items():
            if call.operation == operation and order_id in repr(call.params):
                return chance.choice([crash_before, crash_after])
        return None

    return Process(on_call=on_call)


def play(stage: Stage, others: int, killers: int, chance: Random) -> tuple[list[int], list[int]]:
    """Accept orders and deliver until the queue is empty.

    Return the receive counts of the other messages, and those of the killers.
    """
    wanted = [f"order-{number}" for number in range(others + killers)]
    chance.shuffle(wanted)
    orders = {key: stage.accept(key, ("SKU-1", 1)) for key in wanted}
    deadly = {orders[key] for key in wanted[:killers]}
    everything = dict(stage.world.orders_queue.messages)
    with interleaved_batches(stage.world.cloud.wire, chance.choice):
        while stage.world.orders_queue.messages:
            stage.world.cloud.clock.advance_to(stage.world.orders_queue.next_visible_at() or 0)
            stage.world.deliver(with_killers(stage, deadly, chance))
    receives: tuple[list[int], list[int]] = ([], [])
    for message in everything.values():
        receives[message.attributes["order_id"]["StringValue"] in deadly].append(message.receive_count)
    return receives


@pytest.mark.parametrize("seed", range(40))
def test_with_n_killers_other_messages_need_at_most_n_plus_two_receives(seed: int) -> None:
    # GIVEN a queue with up to four killers and with other messages, and a worker with one to five threads
    chance = Random(seed)
    threads, killers, others = chance.randint(1, 5), chance.randint(0, 4), chance.randint(1, 12)
    with staged(Deployment(batch_threads=threads), seed=seed) as stage:
        # WHEN messages are delivered until the queue is empty
        cost, of_killers = play(stage, others, killers, chance)
        # THEN no other message needs more receives than the number of killers + 2, and only killers are dead letters
        assert max(cost) <= killers + 2
        assert of_killers == [MOST_RECEIVES] * killers
        assert [count for _, count in stage.world.orders_queue.moves] == of_killers
        assert invariants.violations(stage.world) == []
        # AND the orders of dead letters are marked FAILED, unless they are settled
        assert invariants.dead_letters_are_marked(stage.world) == []
        confirmed = stage.statuses().count("CONFIRMED")
        assert confirmed >= others
        assert stage.statuses().count("FAILED") == others + killers - confirmed
        # AND when no message kills the worker any more, a redrive confirms every order
        stage.everything_is_redriven()
        assert stage.statuses() == ("CONFIRMED",) * (others + killers)
        assert invariants.violations(stage.world) == []


def test_with_one_killer_another_message_can_need_three_receives() -> None:
    # GIVEN one killer and one other message on two threads
    worst = 0
    # WHEN they are delivered together, with their calls interleaved in many ways
    for seed in range(20):
        with staged(Deployment(batch_threads=2), seed=seed) as stage:
            cost, _ = play(stage, 1, 1, Random(seed))
            worst = max(worst, *cost)
    # THEN the other message needs up to three receives, so the bound is exact
    assert worst == 1 + 2


def test_an_order_stays_settled_if_its_message_kills_the_worker() -> None:
    # GIVEN a message that kills the worker at every publish
    with staged() as stage:
        order_id = stage.accept()

        def fatal(call: Call) -> Fault | None:
            return crash_before if call.operation == "Publish" else None

        # WHEN it becomes a dead letter
        stage.world.drain(fatal)
        # THEN its order stays confirmed; only the notification is missing, and a redrive sends it
        assert stage.world.orders[order_id]["status"] == {"S": "CONFIRMED"}
        assert stage.world.subscriber.received == []
        stage.everything_is_redriven()
        assert len(stage.world.subscriber.received) == 1
        assert invariants.violations(stage.world) == []
