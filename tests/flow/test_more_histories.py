"""The second thousand: a file of its own, because a file is what parallel test runs hand out."""

from __future__ import annotations

import pytest

from lab.simulation.histories.run import explained, play_seeds

FIRST, CHUNKS, CHUNK = 1000, 10, 100


@pytest.mark.parametrize("first", range(FIRST, FIRST + CHUNKS * CHUNK, CHUNK))
def test_every_further_history_keeps_what_is_promised(first: int) -> None:
    # GIVEN a hundred seeds
    seeds = range(first, first + CHUNK)
    # WHEN their histories are played
    tally = play_seeds(seeds)
    # THEN nothing is violated; whatever is, is told with its seed and the few steps that matter
    assert tally.failures == [], explained(tally)
