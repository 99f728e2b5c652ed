"""Tests of a second thousand histories. They have a separate file, so that two processes of one
test run can play both thousands at once."""

from __future__ import annotations

import pytest

from lab.simulation.histories.run import explained, play_seeds

FIRST, CHUNKS, CHUNK = 1000, 10, 100


@pytest.mark.parametrize("first", range(FIRST, FIRST + CHUNKS * CHUNK, CHUNK))
def test_no_further_history_violates_a_guarantee(first: int) -> None:
    # GIVEN a hundred seeds
    seeds = range(first, first + CHUNK)
    # WHEN their histories are played
    tally = play_seeds(seeds)
    # THEN none violates a guarantee; a failure would show the seed and the shrunk steps
    assert tally.failures == [], explained(tally)
