"""A history as data: what happens, step by step, readable and replayable from JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

MEANWHILE_BEFORE, MEANWHILE_AFTER = "meanwhile before", "meanwhile after"


@dataclass(frozen=True, slots=True)
class At:
    """Event at one call of a run.

    Attributes:
        call: Position among the calls of the run, from 0; a run with fewer calls is not disturbed.
        what: A fault by its name (:data:`~lab.simulation.histories.faults.BY_NAME`), or one of the two "meanwhile": the
            run stands still before, or after, this call until ``steps`` have been taken, and then goes on.
        steps: Taken meanwhile.
    """

    call: int
    what: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens. ``pick`` always means "this one, counted round the candidates there are"."""


@dataclass(frozen=True, slots=True)
class Post(Step):
    """A caller POSTs an order by its name (:data:`~lab.simulation.histories.orders.ORDERS`)."""

    caller: str
    key: str
    order: str
    at: tuple[At, ...] = ()
    chance: int = 0


@dataclass(frozen=True, slots=True)
class Get(Step):
    """A caller asks for an order, which may be somebody else's."""

    caller: str
    pick: int


@dataclass(frozen=True, slots=True)
class Deliver(Step):
    """The mapping hands one batch to the worker. ``chance`` seeds what is random in it: its order, and jitter."""

    at: tuple[At, ...] = ()
    chance: int = 0


@dataclass(frozen=True, slots=True)
class Work(Step):
    """Time passes, and the mapping delivers whatever becomes visible, at most ``most`` batches."""

    seconds: float
    most: int = 8
    chance: int = 0


@dataclass(frozen=True, slots=True)
class Wait(Step):
    """Time passes and nobody works."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Redeliver(Step):
    """At least once: a message in flight is shown again, although its visibility timeout is running."""

    pick: int


@dataclass(frozen=True, slots=True)
class Resurrect(Step):
    """At least once: a deleted message is shown again."""

    pick: int


@dataclass(frozen=True, slots=True)
class Resend(Step):
    """The queue holds a message twice, under two ids, as after a repeated send."""

    pick: int


@dataclass(frozen=True, slots=True)
class Redrive(Step):
    """Somebody on call sends one dead letter back; ``pick`` of -1 sends all."""

    pick: int = -1


@dataclass(frozen=True, slots=True)
class Discard(Step):
    """A named person gives an order up."""

    pick: int


@dataclass(frozen=True, slots=True)
class Sweep(Step):
    """Time to live deletes the idempotency records that have expired."""


@dataclass(frozen=True, slots=True)
class Outage(Step):
    """A service fails every call for so many seconds from now, each with the fault ``what``."""

    service: str
    seconds: float
    what: str


@dataclass(frozen=True, slots=True)
class Popular(Step):
    """For so many seconds, ``percent`` of the transactions on a SKU meet another one."""

    sku: str
    seconds: float
    percent: int


@dataclass(frozen=True, slots=True)
class Deploy(Step):
    """From now on the API writes, and the worker knows, this schema version: the present one or the next."""

    api: int
    worker: int


@dataclass(frozen=True, slots=True)
class Restock(Step):
    """Stock arrives."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Foreign(Step):
    """Somebody else's message is in the queue: ``what`` is its body, ``pick`` the order that its attribute names (-1:
    none that exists)."""

    what: str
    pick: int = -1


@dataclass(frozen=True, slots=True)
class Fix(Step):
    """A deploy stops orders from killing the worker."""


@dataclass(frozen=True, slots=True)
class Arrive(Step):
    """Calls whose process is gone reach their services, late."""


STEPS: dict[str, type[Step]] = {kind.__name__.lower(): kind for kind in Step.__subclasses__()}


@dataclass(frozen=True, slots=True)
class History:
    """A history and the world that it happens in.

    Attributes:
        seed: What it was made from.
        stock: What each SKU begins with.
        batch_size: Most messages of one delivery.
        max_receive_count: Receives until SQS gives up.
        patient: Callers repeat, in the end, what they have no answer to; otherwise they have given up.
        steps: What happens.
    """

    seed: int
    stock: Mapping[str, int]
    batch_size: int = 10
    max_receive_count: int = 5
    patient: bool = True
    steps: tuple[Step, ...] = field(default=())

    def with_steps(self, steps: tuple[Step, ...]) -> History:
        """The same world with other things happening."""
        return replace(self, steps=steps)

    @property
    def length(self) -> int:
        """Return how many steps there are, nested ones included."""
        return sum(1 for _ in every_step(self.steps))

    def text(self) -> str:
        """JSON with one step per line: for people and for :meth:`read`."""
        head = {
            "seed": self.seed,
            "stock": dict(self.stock),
            "batch_size": self.batch_size,
            "max_receive_count": self.max_receive_count,
            "patient": self.patient,
        }
        start = json.dumps(head)[:-1]
        lines = ",\n".join(f"  {json.dumps(_to_json(step))}" for step in self.steps)
        return f'{start}, "steps": [\n{lines}\n]}}\n'

    @classmethod
    def read(cls, text: str) -> History:
        """Read what :meth:`text` wrote.

        Raises:
            ValueError: it is not JSON, or names a step that does not exist.
        """
        document = json.loads(text)
        steps = tuple(_from_json(step) for step in document.pop("steps"))
        return cls(**document, steps=steps)


def every_step(steps: tuple[Step, ...]) -> Iterator[Step]:
    """All steps, those that happen meanwhile included."""
    for step in steps:
        yield step
        for at in getattr(step, "at", ()):
            yield from every_step(at.steps)


def _to_json(step: Step) -> dict[str, Any]:
    document: dict[str, Any] = {"do": type(step).__name__.lower()}
    for one in fields(step):
        value = getattr(step, one.name)
        if one.name != "at":
            document[one.name] = value
        elif value:
            document["at"] = [_at_to_json(at) for at in value]
    return document


def _at_to_json(at: At) -> dict[str, Any]:
    nested = {"steps": [_to_json(step) for step in at.steps]} if at.steps else {}
    return {"call": at.call, "what": at.what, **nested}


def _from_json(document: dict[str, Any]) -> Step:
    given = dict(document)
    name = given.pop("do")
    if name not in STEPS:
        raise ValueError(f"There is no step {name!r}; allowed: {', '.join(sorted(STEPS))}.")
    if "at" in given:
        given["at"] = tuple(
            At(at["call"], at["what"], tuple(_from_json(step) for step in at.get("steps", ()))) for at in given["at"]
        )
    return STEPS[name](**given)
