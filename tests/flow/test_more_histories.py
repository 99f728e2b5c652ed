"""Tests of a second thousand histories. The first thousand is in `test_histories.py`. The files are separate, so that
two processes of a test run can play them at the same time."""

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
    # THEN no history violates a guarantee (if one did, the failure would show its seed and its shrunk steps)
    assert tally.failures == [], explained(tally)
