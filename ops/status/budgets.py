"""Remaining error budgets."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from ops.target import Objectives

WINDOW: Final = timedelta(days=30)
"""Period of an error budget."""


def left(objectives: Objectives, counts: Mapping[str, float]) -> dict[str, float]:
    """Return what is left of each objective's error budget, in percent; below 0 if the budget is overspent.

    An objective without traffic is left out.
    """
    requests, accepted = counts.get("requests", 0), counts.get("accepted", 0)
    found = {}
    if requests:
        found["accepting"] = _left(counts.get("5xx", 0) / requests, objectives.accepting_percent)
    if accepted:
        late = max(0, accepted - counts.get("in_time", 0))
        found["settling"] = _left(late / accepted, objectives.settling_percent)
    return found


def words(percent: float) -> str:
    """Describe what is left: `12 % left`, or `6000 % spent`."""
    return f"{percent:.0f} % left" if percent >= 0 else f"{100 - percent:.0f} % spent"


def _left(bad: float, goal: float) -> float:
    return round(100 * (1 - 100 * bad / (100 - goal)), 1)
