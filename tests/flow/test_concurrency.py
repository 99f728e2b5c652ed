"""Tests that no guarantee is broken by concurrent messages and requests, in many sequences of their calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import combinations
from random import Random
from typing import Any

import pytest

from lab.simulation import invariants
from lab.simulation.crash_points.stage import Stage, staged
from lab.simulation.fakes import Call, Fault, Process
from lab.simulation.fakes.faults import answer_lost, crash_after, crash_before, server_error, transaction_cancelled
from lab.simulation.interleaving import Interleaver, by_script, interleaved_batches
from lab.simulation.requests import order_body
from lab.simulation.world import Deployment
from runtime.models.fields import SCHEMA_VERSION

THREADS = 5
SEEDS = range(30)


def mixed_batch(stage: Stage) -> None:
    """Prepare ten messages with various outcomes. No two orders compete for the last unit of a SKU."""
    for number in range(4):
        stage.accept(f"confirmed-{number}", ("SKU-1", number + 1), ("SKU-2", 1))
    stage.accept("short", ("SKU-2", 100))
    stage.accept("unknown", ("NO-SUCH", 1))
    queue = stage.world.orders_queue
    before = set(queue.messages)
    stage.accept("poison")
    stage.accept("newer")
    poison, newer = (queue.messages[message_id] for message_id in queue.messages if message_id not in before)
    poison.body = "not JSON"
    newer.body = json.dumps({**json.loads(newer.body), "schema_version": SCHEMA_VERSION + 1})
    again = next(iter(queue.messages.values()))
    queue.resend(again)
    queue.resend(again)


def state(stage: Stage) -> dict[str, Any]:
    """Return everything that callers, subscribers and people on call can see."""
    world = stage.world
    return {
        "orders": world.orders,
        "stock": {sku: world.available(sku) for sku in world.initial_stock},
        "published": {one.body for one in world.subscriber.received},
        "dead": sorted(message.body for message in world.dead_letters.messages.values()),
    }


def first_delivery(stage: Stage, process: Process | None = None) -> None:
    """Deliver the batch once."""
    kept = stage.world.deliver(process)
    assert kept is not None


@pytest.mark.parametrize("seed", SEEDS)
def test_a_parallel_batch_has_the_same_result_as_a_sequential_batch(seed: int) -> None:
    # GIVEN a worker with one thread and a worker with five threads, which receive the same ten messages
    with staged(Deployment(batch_threads=1)) as stage:
        mixed_batch(stage)
        first_delivery(stage)
        in_sequence = state(stage)
    with staged(Deployment(batch_threads=THREADS)) as stage:
        mixed_batch(stage)
        chance = Random(seed)
        # WHEN the calls of the five threads are interleaved at random
        with interleaved_batches(stage.world.cloud.wire, chance.choice):
            first_delivery(stage)
        # THEN both workers have the same result
        assert state(stage) == in_sequence
        assert invariants.violations(stage.world) == []
        # AND when the queue is empty, the event of each of the six settled orders has been
        # published once
        stage.world.drain()
        assert invariants.violations(stage.world) == []
        assert len(stage.world.subscriber.received) == 6


def parallel_batch(stage: Stage, seed: int, process: Process) -> None:
    """Deliver the mixed batch to a worker with five threads.

    The calls of the threads are interleaved at random, with this seed.
    """
    mixed_batch(stage)
    with interleaved_batches(stage.world.cloud.wire, Random(seed).choice):
        stage.world.deliver(process)


@pytest.mark.long
@pytest.mark.parametrize("fault", [crash_before, crash_after, answer_lost, server_error], ids=lambda one: one.__name__)
@pytest.mark.parametrize("seed", range(2))
def test_a_fault_at_any_call_of_a_parallel_batch_breaks_no_guarantee(fault: Fault, seed: int) -> None:
    # GIVEN a batch that is processed in parallel. The test repeats this for each of the batch's calls
    violations: list[str] = []
    with staged(Deployment(batch_threads=THREADS), seed=seed) as stage:
        undisturbed = Process()
        parallel_batch(stage, seed, undisturbed)
    for call in undisturbed.calls:
        with staged(Deployment(batch_threads=THREADS), seed=seed) as stage:
            # WHEN the fault happens at this call while the other threads process their messages
            parallel_batch(stage, seed, Process(faults={call.index: fault}))
            moments = [invariants.violations(stage.world)]
            for follows in (stage.retry_and_drain, stage.everything_is_delivered_again, stage.everything_is_redriven):
                follows()
                moments.append(invariants.violations(stage.world) + stage.stuck)
        violations += [f"call {call.index}: {text}" for moment in moments for text in moment]
    # THEN no guarantee is violated, neither after the run nor after retries, redeliveries and redrives
    assert len(undisturbed.calls) > 30
    assert violations == []


def schedules(steps_of_each: int) -> list[tuple[int, ...]]:
    """Return every sequence in which two tasks can make ``steps_of_each`` steps each."""
    steps = 2 * steps_of_each
    return [
        tuple(int(step in second) for step in range(steps))
        for second in map(frozenset, combinations(range(steps), steps_of_each))
    ]


def two_orders_for_all_units(stage: Stage) -> None:
    """Prepare two orders, each for all five units of the same SKU."""
    stage.accept("one", ("SKU-2", 5))
    stage.accept("two", ("SKU-2", 5))


def one_order_twice(stage: Stage) -> None:
    """Prepare two messages of one order."""
    stage.accept("one", ("SKU-2", 5))
    stage.world.orders_queue.resend(stage.message())


@pytest.mark.parametrize(
    ("scene", "statuses"),
    [
        (two_orders_for_all_units, ("CONFIRMED", "REJECTED")),
        pytest.param(one_order_twice, ("CONFIRMED",), marks=pytest.mark.long),
    ],
)
def test_one_of_two_messages_takes_the_stock_in_every_sequence_of_their_calls(
    scene: Callable[[Stage], None], statuses: tuple[str, ...]
) -> None:
    # GIVEN two messages of one batch for the same stock
    violations: list[str] = []
    ends: set[tuple[str, ...]] = set()
    # WHEN they run in every sequence of their steps (each has six steps: its start and five calls)
    for schedule in schedules(6):
        with staged(Deployment(batch_threads=2)) as stage:
            scene(stage)
            with interleaved_batches(stage.world.cloud.wire, by_script(schedule)):
                stage.world.deliver()
            violations += invariants.violations(stage.world)
            stage.world.drain()
            violations += invariants.violations(stage.world)
            ends.add((*stage.statuses(), f"{stage.world.available('SKU-2')} left"))
    # THEN exactly one message takes the stock, every time
    assert violations == []
    assert ends == {(*statuses, "0 left")}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_popular_sku_is_never_oversold(seed: int) -> None:
    # GIVEN ten orders for a SKU with a stock of five, and conflicts in about a third of all transactions
    chance = Random(seed)

    def busy(call: Call) -> Fault | None:
        conflict = call.operation == "TransactWriteItems" and chance.random() < 1 / 3
        return transaction_cancelled(["None", "TransactionConflict"]) if conflict else None

    with staged(Deployment(batch_threads=THREADS)) as stage:
        for number in range(10):
            stage.accept(f"key-{number}", ("SKU-2", 1))
        # WHEN the ten messages are delivered in one batch
        with interleaved_batches(stage.world.cloud.wire, chance.choice):
            stage.world.deliver(Process(on_call=busy))
        stage.world.drain()
        # THEN five are confirmed and five rejected
        assert stage.statuses() == ("CONFIRMED",) * 5 + ("REJECTED",) * 5
        assert invariants.violations(stage.world) == []


def test_two_requests_with_one_key_make_one_order_in_every_sequence_of_their_calls() -> None:
    # GIVEN two concurrent requests of one caller with the same key and body
    violations: list[str] = []
    # WHEN they run in every sequence of their steps (each has five steps: its start and four calls)
    for schedule in schedules(5):
        with staged() as stage:
            interleaver = Interleaver(stage.world.cloud.wire, by_script(schedule))
            interleaver.run(*[lambda: stage.post(body=order_body(("SKU-2", 5)), process=Process())] * 2)
            stage.retry_and_drain()
            violations += invariants.violations(stage.world) + invariants.replays_are_marked(stage.world) + stage.stuck
            violations += ["a request got no answer" for one in stage.world.exchanges if one.response is None]
    # THEN they make one order, get the same answer, and take stock once
    assert violations == []


@pytest.mark.long
def test_an_order_is_confirmed_in_every_sequence_of_the_calls_of_api_and_worker() -> None:
    # GIVEN a request, and a worker that may receive the order's message while the request is running
    violations: list[str] = []
    ends: set[tuple[str, ...]] = set()
    # WHEN both run once for each possible sequence of their calls
    for schedule in schedules(6):
        with staged() as stage:
            interleaver = Interleaver(stage.world.cloud.wire, by_script(schedule))
            interleaver.run(lambda: stage.post(process=Process()), lambda: stage.world.deliver(Process()))
            stage.retry_and_drain()
            violations += invariants.violations(stage.world) + stage.stuck
            ends.add(stage.statuses())
    # THEN the order is confirmed, whichever of the two wrote it first
    assert violations == []
    assert ends == {("CONFIRMED",)}


@pytest.mark.parametrize("steps_of_zombie", range(1, 6))
@pytest.mark.parametrize("steps_of_successor", range(1, 6))
def test_an_order_has_one_effect_although_a_zombie_continues(steps_of_zombie: int, steps_of_successor: int) -> None:
    # GIVEN a worker that pauses after some of its calls, until its lease has ended and its message is visible again
    with staged() as stage:
        stage.accept()
        script = [0] * steps_of_zombie + [1] * (1 + steps_of_successor) + [0] * 10
        plain, steps = by_script(script), 0

        def choose(waiting: Any) -> int:
            nonlocal steps
            steps += 1
            if steps == steps_of_zombie + 1:
                stage.lease_passes()
            return plain(waiting)

        # WHEN this zombie continues while a second worker (its successor) processes the message
        interleaver = Interleaver(stage.world.cloud.wire, choose)
        interleaver.run(lambda: stage.world.deliver(Process()), lambda: stage.world.deliver(Process()))
        stage.retry_and_drain()
        # THEN the order has one outcome and one effect, and repeated events have the same bytes
        assert stage.statuses() == ("CONFIRMED",)
        assert stage.world.available("SKU-1") == 98
        assert invariants.violations(stage.world) == []


def test_the_same_choices_give_the_same_history() -> None:
    # GIVEN one seed
    def history() -> list[tuple[str, str]]:
        with staged(Deployment(batch_threads=THREADS)) as stage:
            mixed_batch(stage)
            process = Process()
            with interleaved_batches(stage.world.cloud.wire, Random(4).choice):
                stage.world.deliver(process)
            return [(call.operation, str(call.params.get("Key"))) for call in process.calls]

    # WHEN a batch is processed twice with the seed's choices
    first, second = history(), history()
    # THEN both runs make the same calls in the same sequence, and the calls are interleaved
    assert first == second
    assert [operation for operation, _ in first][:3] != ["PutItem", "TransactWriteItems", "GetItem"]
