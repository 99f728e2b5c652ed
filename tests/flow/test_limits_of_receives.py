"""Tests the limits of receives and retention, as docs/guarantees.md states them."""

from __future__ import annotations

from random import Random

import pytest

from lab.simulation import invariants
from lab.simulation.crash_points.stage import DAY, Stage, staged
from lab.simulation.queue_model import Failed
from lab.simulation.world import Deployment
from runtime.models.fields import SCHEMA_VERSION
from tests.flow.test_killers import play
from tests.flow.test_limits import is_replay, published, status_of

LEAST_RECEIVES = 5
"""The least value of `max_receive_count` that a stack's config allows."""


def wait_and_deliver(stage: Stage) -> None:
    """Let time pass until a message is visible, and deliver it."""
    stage.world.cloud.clock.advance_to(stage.world.orders_queue.next_visible_at() or 0)
    stage.world.deliver()


def receive_without_run(stage: Stage) -> None:
    """Receive a batch for which no worker runs, as when Lambda throttles or the worker cannot start."""
    stage.world.cloud.clock.advance_to(stage.world.orders_queue.next_visible_at() or 0)
    delivery = stage.world.mapping.poll()
    if delivery is not None:
        stage.world.mapping.finish(delivery, Failed("not started"))


def test_sqs_moves_the_message_and_its_order_stays_accepted_if_no_worker_runs() -> None:
    # GIVEN an order, and a worker that does not run
    with staged() as stage:
        order_id = stage.accept()
        began = stage.world.cloud.clock.time()
        # WHEN its message is received until SQS moves it to the dead-letter queue
        while stage.world.orders_queue.messages:
            receive_without_run(stage)
        took = stage.world.cloud.clock.time() - began
        # THEN one visibility timeout passed for each receive, and the order is still ACCEPTED
        assert took == stage.world.deployment.max_receive_count * stage.world.orders_queue.visibility_seconds
        assert took > 20 * 60
        assert stage.statuses() == ("ACCEPTED",)
        # AND a redrive confirms the order, once the worker runs
        stage.everything_is_redriven()
        assert stage.world.orders[order_id]["status"]["S"] == "CONFIRMED"
        assert len(published(stage)) == 1


def test_a_message_of_a_newer_version_is_a_dead_letter_once_its_receives_are_used_up() -> None:
    # GIVEN a message whose schema version is newer than every worker's, and whose receives are used up
    with staged() as stage:
        order_id = stage.accept()
        message = stage.message()
        known = message.body
        message.body = known.replace(f'"schema_version":{SCHEMA_VERSION}', f'"schema_version":{SCHEMA_VERSION + 1}')
        assert message.body != known
        began = stage.world.cloud.clock.time()
        while stage.world.orders_queue.messages:
            wait_and_deliver(stage)
        waited = stage.world.cloud.clock.time() - began
        marked = stage.statuses()
        # WHEN a worker that can read this version runs, and the dead letter is redriven
        (dead,) = stage.world.dead_letters.messages.values()
        dead.body = known
        stage.everything_is_redriven()
        # THEN before the redrive, the message waited at least 20 minutes (the retry horizon), and its order was FAILED.
        # The redrive confirms the order
        assert waited >= 20 * 60
        assert marked == ("FAILED",)
        assert stage.world.orders[order_id]["status"]["S"] == "CONFIRMED"


@pytest.mark.parametrize("seed", range(20))
def test_three_killers_do_not_make_other_messages_dead_letters_if_the_limit_is_five_receives(seed: int) -> None:
    # GIVEN the least allowed `max_receive_count` (5), three killers (`max_receive_count` - 2), and other messages
    killers = LEAST_RECEIVES - 2
    with staged(Deployment(max_receive_count=LEAST_RECEIVES, batch_threads=5), seed=seed) as stage:
        # WHEN the messages are delivered until the queue is empty
        cost, of_killers = play(stage, 7, killers, Random(seed))
        # THEN only killers are dead letters
        assert max(cost) <= LEAST_RECEIVES
        assert len(stage.world.orders_queue.moves) == len(of_killers) == killers
        assert invariants.violations(stage.world) == []


def test_an_order_whose_message_expired_stays_open_until_its_caller_retries() -> None:
    # GIVEN an accepted order whose message no worker has received in four days
    with staged() as stage:
        order_id = stage.accept()
        stage.world.cloud.clock.advance(stage.world.deployment.queue_retention_seconds + 1)
        stage.world.deliver()
        assert len(stage.world.orders_queue.expired) == 1
        assert stage.statuses() == ("ACCEPTED",)
        # WHEN its caller retries; the key's record has expired after a day, so the API sends the order again
        again = stage.post(body=next(iter(stage.intents))[2])
        stage.world.drain()
        # THEN the order is confirmed
        assert stage.world.deployment.queue_retention_seconds > DAY
        assert (status_of(again), is_replay(again)) == (202, False)
        assert stage.world.orders[order_id]["status"]["S"] == "CONFIRMED"
        assert len(published(stage)) == 1


def test_four_killers_can_turn_another_message_into_a_dead_letter_if_the_limit_is_five_receives() -> None:
    # GIVEN the least allowed `max_receive_count` (5), four killers (`max_receive_count` - 1), and other messages
    others_dead = 0
    for seed in range(10):
        with staged(Deployment(max_receive_count=LEAST_RECEIVES, batch_threads=5), seed=seed) as stage:
            # WHEN the messages are delivered until the queue is empty, in another sequence for each seed
            _, of_killers = play(stage, 7, LEAST_RECEIVES - 1, Random(seed))
            others_dead += len(stage.world.orders_queue.moves) - len(of_killers)
            # AND dead letters are redriven after the killers are repaired
            stage.everything_is_redriven()
            # THEN no order is lost
            assert set(stage.statuses()) == {"CONFIRMED"}
            assert invariants.violations(stage.world) == []
    # AND at least one other message became a dead letter, so the bound of three killers is exact
    assert others_dead > 0
