"""Makes faults happen in functions, and checks their logs and answers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lab.fuzz.hostile import PRICE, SKU, Hostile
from lab.simulation.fakes import Call, Fault, Process
from lab.simulation.fakes.faults import FAULTS
from lab.simulation.observed import ObservedWorld, Output, observed
from lab.simulation.world import Deployment

_SURVIVED = tuple(kind for kind in FAULTS if not kind.name.startswith("crash"))


@dataclass
class Disturbed(Process):
    """A process in which a fault happens at the call with number `at`.

    Attributes:
        fault: The fault's name; `None` until the fault has happened.
    """

    at: int = -1
    pick: int = 0
    fault: str | None = None

    def __post_init__(self) -> None:
        self.on_call = self._fault

    def _fault(self, call: Call) -> Fault | None:
        kinds = [kind for kind in _SURVIVED if kind.fits(call)]
        if call.index != self.at:
            return None
        kind = kinds[self.pick % len(kinds)]
        self.fault = kind.name
        return kind.fault


def process(hostile: Hostile, share: float, calls: int) -> Disturbed:
    """Return a process. With probability `share`, a fault is planned for one of its first `calls` calls."""
    at = hostile.random.randrange(calls) if hostile.chance(share) else -1
    return Disturbed(at=at, pick=hostile.random.randrange(100))


@dataclass
class Watch:
    """A simulated world, the logs of its functions, and the violations.

    Attributes:
        violations: Texts, each beginning with the violation's kind.
        counted: A list with the name of each event, such as `batches` or `disturbed`. After three batches, the list
            contains `batches` three times.
    """

    world: ObservedWorld
    output: Output
    violations: list[str] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)

    def violated(self, kind: str, what: str) -> None:
        """Add a violation."""
        self.violations.append(f"{kind}: {what}")

    def look_for(self, marks: set[str], text: str, where: str) -> None:
        """Add a violation if `text` contains one of `marks`. They are from the input, and no output may repeat them."""
        found = sorted(mark for mark in marks if mark in text)
        if found:
            around = text[max(text.index(found[0]) - 150, 0) :][:300]
            self.violated("input repeated", f"{where} has {found[0]}: …{around!r}…")

    def read_log(self, hostile: Hostile, ignored: Collection[str] = ()) -> None:
        """Check the log lines since the last check, and remove them. Marks in `ignored` are allowed."""
        text = self.output.text
        self.output.stream.seek(0)
        self.output.stream.truncate()
        self.look_for((hostile.marks | hostile.names | {SKU, PRICE}).difference(ignored), text, "the log")
        for line in filter(None, text.split("\n")):
            try:
                json.loads(line)
            except ValueError:
                self.violated("log broken", f"a line is not JSON: {line[:200]!r}")


@contextmanager
def watched(deployment: Deployment) -> Iterator[Watch]:
    """Yield a new world with its checks."""
    with observed("DEBUG", deployment) as (world, output):
        yield Watch(world, output)
