"""Tests of random histories: thousands in every test run, and more with ``python -m lab.simulation.histories``."""

from __future__ import annotations

from functools import cache

import pytest

from lab.simulation.histories import run
from lab.simulation.histories.counts import HistoryCounts
from lab.simulation.histories.generate import LEAST_STEPS, history
from lab.simulation.histories.orders import FOREIGN_BODIES
from lab.simulation.histories.run import explained, play_in_chunks, play_seeds
from lab.simulation.histories.seen import (
    API_ZOMBIES,
    GROUPS,
    NEIGHBOURS,
    OLD_KEYS,
    OLD_LETTERS,
    OLD_ORDERS,
    TWINS,
    WORKER_ZOMBIES,
)
from lab.simulation.histories.shrink import play
from lab.simulation.histories.steps import STEPS, Foreign, History, every_step

CHUNKS, CHUNK = 10, 100


@cache
def played(first: int) -> HistoryCounts:
    """Play the histories of a hundred seeds from ``first`` on; returns their counts."""
    return play_seeds(range(first, first + CHUNK))


@pytest.mark.parametrize("first", range(0, CHUNKS * CHUNK, CHUNK))
def test_no_history_violates_a_guarantee(first: int) -> None:
    # GIVEN / WHEN the histories of a hundred seeds are played
    tally = played(first)
    # THEN no history violates a guarantee. If one does, the failure shows the seed of that history,
    # and the few steps that are enough for the violation
    assert tally.failures == [], explained(tally)


def test_histories_are_long_and_contain_every_kind_of_step() -> None:
    # GIVEN many histories
    made = [history(seed) for seed in range(300)]
    # WHEN their steps are counted
    steps = [step for one in made for step in every_step(one.steps)]
    # THEN no history is short, all kinds of steps and foreign messages occur, and some steps happen while a run pauses
    assert min(len(one.steps) for one in made) >= LEAST_STEPS >= 30
    assert {type(step) for step in steps} == set(STEPS.values())
    assert sum(len(one.steps) for one in made) < len(steps)
    assert {step.what for step in steps if isinstance(step, Foreign)} == set(FOREIGN_BODIES)


def test_histories_reach_every_answer_every_status_and_every_call() -> None:
    # GIVEN a few hundred histories
    tally = HistoryCounts()
    for first in range(0, 3 * CHUNK, CHUNK):
        tally.merge(played(first))
    # WHEN their answers, statuses and disturbed calls are counted
    paths = {path.partition(":")[0] for path in tally.paths}
    # THEN all answers and all statuses occur. Faults occur at every operation that POST requests
    # and the worker use
    assert set(tally.answers) == {"202", "409", "422", "503", "none"}
    assert set(tally.orders) == {"ACCEPTED", "CONFIRMED", "REJECTED", "FAILED", "DISCARDED"}
    assert {"api PutItem", "api SendMessage", "api UpdateItem", "api DeleteItem"} <= paths
    assert {f"worker {name}" for name in ("PutItem", "TransactWriteItems", "GetItem", "Publish")} <= paths
    assert {
        f"worker {name}"
        for name in ("UpdateItem", "DeleteItem", "DeleteMessage", "ChangeMessageVisibility", "SendMessage")
    } <= paths
    assert len(tally.paths) > 100
    for name in (
        "messages moved to the dead-letter queue by SQS",
        "last attempts",
        "messages of a newer version",
        "messages whose twin was running",
    ):
        assert tally.seen[name] > 0
    # AND each of the rare situations occurs
    for name in (TWINS, API_ZOMBIES, WORKER_ZOMBIES, OLD_KEYS, OLD_ORDERS, NEIGHBOURS, OLD_LETTERS, GROUPS):
        assert tally.seen[name] > 0, name


def test_a_history_can_be_written_and_read_again() -> None:
    # GIVEN some histories
    made = [history(seed) for seed in range(50)]
    # WHEN each is written and read
    read = [History.read(one.text()) for one in made]
    # THEN each is unchanged
    assert read == made


def test_an_unknown_step_is_refused() -> None:
    # GIVEN a file with an unknown step
    text = '{"seed": 1, "stock": {}, "steps": [{"do": "panic"}]}'
    # WHEN it is read
    # THEN the error names the step and the allowed steps
    with pytest.raises(ValueError, match=r"no step 'panic'; allowed: arrive, deliver"):
        History.read(text)


COPY_STOPPED = """{"seed": 553462, "stock": {"PLENTY": 40, "POPULAR": 2}, "max_receive_count": 5, "steps": [
  {"do": "post", "caller": "eve", "key": "k2", "order": "two", "chance": 0},
  {"do": "post", "caller": "eve", "key": "k3", "order": "slow killer", "chance": 0},
  {"do": "deliver", "chance": 0},
  {"do": "wait", "seconds": 14400},
  {"do": "work", "seconds": 60, "most": 1, "chance": 2064723899},
  {"do": "wait", "seconds": 240},
  {"do": "resend", "pick": 10},
  {"do": "deliver", "at": [{"call": 0, "what": "deadline passes"}], "chance": 0},
  {"do": "deliver", "chance": 0}
]}"""


def test_a_message_may_lose_one_more_receive_for_each_stopped_run_of_its_order() -> None:
    # GIVEN a message that has lost two receives because of a killer (a message of another order,
    # which kills the worker). Without stopped runs, one killer may cost another message at most two
    # receives
    # AND a copy of the message, with the same order and so the same record. The deadline stopped the copy's run, and
    # the lease in this record ended after the killer's lease. Suspects run in the sequence in which their leases end,
    # so the killer runs first
    made = History.read(COPY_STOPPED)
    # WHEN the killer and the message are delivered, and the message loses a third receive
    violations = play(made)
    # THEN this is no violation: a message may lose one more receive for each stopped run of its order
    assert violations == []


def test_the_same_seed_gives_the_same_counts() -> None:
    # GIVEN twenty seeds
    seeds = range(40, 60)
    # WHEN their histories are played twice
    first, second = play_seeds(seeds), play_seeds(seeds)
    # THEN the counts are the same
    assert first == second


def test_several_processes_count_the_same_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN six histories in chunks of two, and the counts of one process that played all of them
    monkeypatch.setattr(run, "CHUNK", 2)
    alone = list(play_in_chunks(77, 6, workers=1))
    # WHEN two processes play the same histories
    together = list(play_in_chunks(77, 6, workers=2))
    # THEN the counts are the same
    assert together == alone
