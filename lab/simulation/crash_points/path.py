"""Path: a prepared state, the run that is disturbed, and the end states that are allowed after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lab.simulation.crash_points.stage import Stage
from lab.simulation.fakes import Call, Fault, Process
from lab.simulation.world import Deployment

Run = Callable[[Process], object]
Prepare = Callable[[Stage], Run]


def undisturbed(_: Call) -> Fault | None:
    """Return no fault."""
    return None


def unchanged(_: Stage) -> None:
    """Change nothing: the path has no cause of failure to remove."""


@dataclass(frozen=True, slots=True)
class Path:
    """One path through one handler.

    Attributes:
        name: Name in tables and test ids.
        function: The handler's name.
        prepare: Prepares a stage for the run, and returns the run.
        ends: The allowed ends. Each lists the statuses of all orders after all retries and redrives. A path has more
            than one allowed end only if its callers do not retry.
        later: The allowed ends a day later, if they differ from ``ends``. By then the stage has
            deleted all idempotency records, so a caller's retry sends the order once more.
        dead: Whether dead letters exist after all retries: ``never``, ``maybe`` or ``always``. Usually ``never``,
            because one fault must not cause a dead letter.
        marked: Whether a dead letter's order must be ``FAILED``; false if the message names no
            order, or several.
        background: Faults that belong to the path itself, such as a topic that is down.
        recover: Removes the path's own cause of failure (for example, a deploy completes) before the queue delivers
            the message again.
        no_retries: The callers do not retry.
        bus: The worker publishes to an event bus instead of the topic.
        fifo: The stack keeps each caller's orders in sequence.
    """

    name: str
    function: str
    prepare: Prepare
    ends: frozenset[tuple[str, ...]]
    later: frozenset[tuple[str, ...]] = frozenset()
    dead: Literal["never", "maybe", "always"] = "never"
    marked: bool = True
    background: Callable[[Call], Fault | None] = undisturbed
    recover: Callable[[Stage], None] = unchanged
    no_retries: bool = False
    bus: bool = False
    fifo: bool = False

    @property
    def deployment(self) -> Deployment:
        """The deployment in which the path runs."""
        return Deployment(bus=self.bus, fifo=self.fifo)


def ends(*statuses: str) -> frozenset[tuple[str, ...]]:
    """Return a set with one allowed end: the path's orders have exactly these statuses."""
    return frozenset({tuple(sorted(statuses))})
