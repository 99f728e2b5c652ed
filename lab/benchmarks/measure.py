"""Measures alternatives in turns, so that other work of the machine affects all of them alike."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Mapping

Measure = Callable[[], float]
"""Runs an alternative once and returns the seconds that it took."""


def medians(alternatives: Mapping[str, Measure], rounds: int) -> dict[str, float]:
    """Run all alternatives in turns, `rounds` times. Return the median of each, in seconds."""
    taken: dict[str, list[float]] = {name: [] for name in alternatives}
    for _ in range(rounds):
        for name, measure in alternatives.items():
            taken[name].append(measure())
    return {name: statistics.median(values) for name, values in taken.items()}


def compare(title: str, alternatives: Mapping[str, Measure], rounds: int) -> None:
    """Print the median of each alternative in milliseconds, and its ratio to the first."""
    found = medians(alternatives, rounds)
    first = next(iter(found.values()))
    sys.stdout.write(f"{title} (medians of {rounds})\n")
    for name, median in found.items():
        sys.stdout.write(f"  {name:45} {median * 1000:9.2f} ms   x {median / first:.2f}\n")
