"""Tests what costs a message its receives and its life, as docs/guarantees.md states it."""

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
"""The fewest that a stack's config allows."""


def wait_and_deliver(stage: Stage) -> None:
    """Let time pass until something is visible, and deliver it."""
    stage.world.cloud.clock.advance_to(stage.world.orders_queue.next_visible_at() or 0)
    stage.world.deliver()


def receive_in_vain(stage: Stage) -> None:
    """The mapping takes a batch and no worker runs: Lambda has no room for one, or it cannot start."""
    stage.world.cloud.clock.advance_to(stage.world.orders_queue.next_visible_at() or 0)
    delivery = stage.world.mapping.poll()
    if delivery is not None:
        stage.world.mapping.settle(delivery, Failed("not started"))


def test_receives_that_no_worker_saw_dead_letter_an_order_that_is_not_marked() -> None:
    # GIVEN an order, and a worker that does not run
    with staged() as stage:
        order_id = stage.accept()
        began = stage.world.cloud.clock.time()
        # WHEN it is received until SQS gives it up
        while stage.world.orders_queue.messages:
            receive_in_vain(stage)
        took = stage.world.cloud.clock.time() - began
        # THEN that took a visibility timeout for each receive, and the order does not know of it
        assert took == stage.world.deployment.max_receive_count * stage.world.orders_queue.visibility_seconds
        assert took > 20 * 60
        assert stage.statuses() == ("ACCEPTED",)
        # AND a redrive takes it to its end, once a worker runs
        stage.everything_is_redriven()
        assert stage.world.orders[order_id]["status"]["S"] == "CONFIRMED"
        assert len(published(stage)) == 1


def test_a_message_of_a_newer_version_is_a_dead_letter_once_its_receives_are_used_up() -> None:
    # GIVEN a message of a version that no worker knows, for as long as its receives last
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
        # WHEN a worker that knows it runs, and the dead letter is redriven
        (dead,) = stage.world.dead_letters.messages.values()
        dead.body = known
        stage.everything_is_redriven()
        # THEN it had waited for the retry horizon, its order was marked, and it ends as if nothing had been
        assert waited >= 20 * 60
        assert marked == ("FAILED",)
        assert stage.world.orders[order_id]["status"]["S"] == "CONFIRMED"


@pytest.mark.parametrize("seed", range(20))
def test_with_two_killers_fewer_than_receives_no_innocent_message_is_a_dead_letter(seed: int) -> None:
    # GIVEN the fewest receives that are allowed, as many killers as they have room for, and innocent messages
    killers = LEAST_RECEIVES - 2
    with staged(Deployment(max_receive_count=LEAST_RECEIVES, batch_threads=5), seed=seed) as stage:
        # WHEN they are delivered until the queue is empty
        cost, of_killers = play(stage, 7, killers, Random(seed))
        # THEN only killers are dead letters
        assert max(cost) <= LEAST_RECEIVES
        assert len(stage.world.orders_queue.moves) == len(of_killers) == killers
        assert invariants.violations(stage.world) == []


def test_what_outlived_its_retention_is_gone_until_its_caller_repeats_it() -> None:
    # GIVEN an accepted order that no worker has taken in four days
    with staged() as stage:
        order_id = stage.accept()
        stage.world.cloud.clock.advance(stage.world.deployment.queue_retention_seconds + 1)
        stage.world.deliver()
        assert len(stage.world.orders_queue.expired) == 1
        assert stage.statuses() == ("ACCEPTED",)
        # WHEN its caller repeats the request: a key lives for a day only, so it is sent again
        again = stage.post(body=next(iter(stage.intents))[2])
        stage.world.drain()
        # THEN the order goes to its end
        assert stage.world.deployment.queue_retention_seconds > DAY
        assert (status_of(again), is_replay(again)) == (202, False)
        assert stage.world.orders[order_id]["status"]["S"] == "CONFIRMED"
        assert len(published(stage)) == 1


def test_with_one_killer_more_an_innocent_message_can_be_a_dead_letter() -> None:
    # GIVEN one killer more than the receives have room for
    innocent_dead = 0
    for seed in range(10):
        with staged(Deployment(max_receive_count=LEAST_RECEIVES, batch_threads=5), seed=seed) as stage:
            # WHEN they are delivered until the queue is empty, in many orders of their calls
            _, of_killers = play(stage, 7, LEAST_RECEIVES - 1, Random(seed))
            innocent_dead += len(stage.world.orders_queue.moves) - len(of_killers)
            # AND redriven, once nothing kills any more
            stage.everything_is_redriven()
            # THEN nothing is lost
            assert set(stage.statuses()) == {"CONFIRMED"}
            assert invariants.violations(stage.world) == []
    # THEN it happened: the number of killers in the promise is exact
    assert innocent_dead > 0
