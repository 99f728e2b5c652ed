"""Tests the random histories of seeds 1000 to 1999. `test_histories.py` has the first thousand. The files are separate,
so that two processes of a test run can play them at the same time."""

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
    # THEN no history violates a guarantee. If one does, the test's error shows the seed,
    # and a history with fewer steps that still has a violation
    assert tally.failures == [], explained(tally)
