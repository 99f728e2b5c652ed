"""Path: a scene, the run in it that is disturbed, and how it must end whatever the disturbance."""

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
    """No fault."""
    return None


def unchanged(_: Stage) -> None:
    """Nothing needs to be put right."""


@dataclass(frozen=True, slots=True)
class Path:
    """One way through one handler.

    Attributes:
        name: For tables and test ids.
        function: The handler's name.
        prepare: Brings a stage to the start of the run, and returns the run.
        ends: The statuses of all orders once everything is quiet and redriven; more than one where a caller gives up.
        later: The same a day later, where that is another: by then a caller who repeats the order sends it once more.
        dead: Whether dead letters may be there when all is quiet. ``never`` is the rule: one fault is no reason.
        marked: Whether the order of a dead letter is ``FAILED``; not where the message does not say which order it is.
        background: Faults that belong to the path itself, such as a topic that is down.
        recover: Takes the path's own cause away before the queue redelivers, such as a deploy that completes.
        gives_up: The callers never ask again.
        bus: Outcomes go to an event bus instead of the topic.
        fifo: Each caller's orders are kept in order.
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
    gives_up: bool = False
    bus: bool = False
    fifo: bool = False

    @property
    def deployment(self) -> Deployment:
        """The stack that the path is in."""
        return Deployment(bus=self.bus, fifo=self.fifo)


def ends(*statuses: str) -> frozenset[tuple[str, ...]]:
    """One possible end: these statuses."""
    return frozenset({tuple(sorted(statuses))})
