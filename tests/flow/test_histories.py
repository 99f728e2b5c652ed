"""Thousands of random histories at every test run; a million by ``python -m lab.simulation.histories``."""

from __future__ import annotations

from functools import cache

import pytest

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
from lab.simulation.histories.steps import STEPS, Foreign, History, every_step

CHUNKS, CHUNK = 10, 100


@cache
def played(first: int) -> HistoryCounts:
    """Return what came of a hundred seeds."""
    return play_seeds(range(first, first + CHUNK))


@pytest.mark.parametrize("first", range(0, CHUNKS * CHUNK, CHUNK))
def test_every_history_keeps_what_is_promised(first: int) -> None:
    # GIVEN / WHEN the histories of a hundred seeds are played
    tally = played(first)
    # THEN nothing is violated; whatever is, is told with its seed and the few steps that matter
    assert tally.failures == [], explained(tally)


def test_histories_are_long_and_have_everything_in_them() -> None:
    # GIVEN many histories
    made = [history(seed) for seed in range(300)]
    # WHEN their steps are looked at
    steps = [step for one in made for step in every_step(one.steps)]
    # THEN none is short, and every kind of step is there, also in the middle of runs
    assert min(len(one.steps) for one in made) >= LEAST_STEPS >= 30
    assert {type(step) for step in steps} == set(STEPS.values())
    assert sum(len(one.steps) for one in made) < len(steps)
    assert {step.what for step in steps if isinstance(step, Foreign)} == set(FOREIGN_BODIES)


def test_histories_lead_everywhere() -> None:
    # GIVEN a few hundred histories
    tally = HistoryCounts()
    for first in range(0, 3 * CHUNK, CHUNK):
        tally.merge(played(first))
    # WHEN what came to pass in them is counted
    paths = {path.partition(":")[0] for path in tally.paths}
    # THEN every answer and every end occurred, and every call of both functions was disturbed
    assert set(tally.answers) == {"202", "409", "422", "503", "none"}
    assert {"CONFIRMED", "REJECTED", "FAILED", "DISCARDED"} <= set(tally.orders)
    assert {"api PutItem", "api SendMessage", "api UpdateItem", "api DeleteItem"} <= paths
    assert {f"worker {name}" for name in ("PutItem", "TransactWriteItems", "GetItem", "Publish")} <= paths
    assert {
        f"worker {name}" for name in ("UpdateItem", "DeleteItem", "DeleteMessage", "ChangeMessageVisibility")
    } <= paths
    assert len(tally.paths) > 100
    for name in ("moved to the dead-letter queue by SQS", "last attempts", "newer", "twin"):
        assert tally.seen[name] > 0
    # AND so did what takes two things at once, or a long time
    for name in (TWINS, API_ZOMBIES, WORKER_ZOMBIES, OLD_KEYS, OLD_ORDERS, NEIGHBOURS, OLD_LETTERS, GROUPS):
        assert tally.seen[name] > 0, name


def test_a_history_can_be_told_and_read_again() -> None:
    # GIVEN histories
    made = [history(seed) for seed in range(50)]
    # WHEN each is written and read
    read = [History.read(one.text()) for one in made]
    # THEN nothing of any is lost
    assert read == made


def test_a_step_that_does_not_exist_is_refused() -> None:
    # GIVEN a file with a step of another time
    text = '{"seed": 1, "stock": {}, "steps": [{"do": "panic"}]}'
    # WHEN it is read
    # THEN the error says which step it was and which there are
    with pytest.raises(ValueError, match=r"no step 'panic'; allowed: arrive, deliver"):
        History.read(text)


def test_the_same_seed_is_the_same_history() -> None:
    # GIVEN seeds
    seeds = range(40, 60)
    # WHEN they are played twice
    first, second = play_seeds(seeds), play_seeds(seeds)
    # THEN everything that came to pass is the same
    assert first == second


def test_several_processes_count_the_same_as_one() -> None:
    # GIVEN the counts of one process
    alone = list(play_in_chunks(77, 6, workers=1))
    # WHEN two play the same
    together = list(play_in_chunks(77, 6, workers=2))
    # THEN they are the same
    assert together == alone
