"""Measures alternatives in turns, so that what else the machine does falls on all of them."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Mapping

Measure = Callable[[], float]
"""Does something once and returns what it took, in seconds."""


def compare(title: str, alternatives: Mapping[str, Measure], rounds: int) -> None:
    """Print the median of each alternative in milliseconds, and its ratio to the first."""
    taken: dict[str, list[float]] = {name: [] for name in alternatives}
    for _ in range(rounds):
        for name, measure in alternatives.items():
            taken[name].append(measure())
    medians = {name: statistics.median(values) for name, values in taken.items()}
    first = next(iter(medians.values()))
    sys.stdout.write(f"{title} (medians of {rounds})\n")
    for name, median in medians.items():
        sys.stdout.write(f"  {name:45} {median * 1000:9.2f} ms   x {median / first:.2f}\n")
