"""A history as data: a list of steps that can be written as JSON and replayed from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

MEANWHILE_BEFORE, MEANWHILE_AFTER = "meanwhile before", "meanwhile after"


@dataclass(frozen=True, slots=True)
class At:
    """Disturbance of one call of a run.

    Attributes:
        call: Index among the run's calls, from 0. If the run ends before this call, or the fault cannot happen to this
                call, nothing is disturbed.
        what: A fault's name (:data:`~lab.simulation.histories.faults.NAMES`), "meanwhile before" or "meanwhile after".
                With "meanwhile", the run pauses before or after this call.
        steps: The steps that are played during the pause. Then the run continues.
    """

    call: int
    what: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``pick`` chooses one of the possible orders or messages: number ``pick`` modulo their count."""


@dataclass(frozen=True, slots=True)
class Post(Step):
    """POST an order by its name (:data:`~lab.simulation.histories.orders.ORDERS`)."""

    caller: str
    key: str
    order: str
    at: tuple[At, ...] = ()
    chance: int = 0


@dataclass(frozen=True, slots=True)
class Get(Step):
    """GET an order, which may belong to another caller."""

    caller: str
    pick: int


@dataclass(frozen=True, slots=True)
class Deliver(Step):
    """Deliver one batch to the worker. ``chance`` is the seed for the random sequence of the
    batch's messages and for the jitter."""

    at: tuple[At, ...] = ()
    chance: int = 0


@dataclass(frozen=True, slots=True)
class Work(Step):
    """Let time pass, and deliver at most ``most`` batches of the messages that become visible."""

    seconds: float
    most: int = 8
    chance: int = 0


@dataclass(frozen=True, slots=True)
class Wait(Step):
    """Let time pass without deliveries."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Redeliver(Step):
    """Make a message in flight visible again before its visibility timeout ends (at-least-once delivery)."""

    pick: int


@dataclass(frozen=True, slots=True)
class Resurrect(Step):
    """Make a deleted message visible again (at-least-once delivery)."""

    pick: int


@dataclass(frozen=True, slots=True)
class Resend(Step):
    """Send a copy of a message. The copy has a new id, as if the SDK had repeated the send."""

    pick: int


@dataclass(frozen=True, slots=True)
class Redrive(Step):
    """Redrive one dead letter; a ``pick`` of -1 redrives all."""

    pick: int = -1


@dataclass(frozen=True, slots=True)
class Discard(Step):
    """Discard an order, as a person on call may."""

    pick: int


@dataclass(frozen=True, slots=True)
class Sweep(Step):
    """Delete the expired idempotency records, as DynamoDB's TTL does."""


@dataclass(frozen=True, slots=True)
class Outage(Step):
    """Let every call to a service fail with the fault ``what``, for ``seconds``."""

    service: str
    seconds: float
    what: str


@dataclass(frozen=True, slots=True)
class Popular(Step):
    """Let ``percent`` of the transactions on a SKU conflict with another transaction, for ``seconds``."""

    sku: str
    seconds: float
    percent: int


@dataclass(frozen=True, slots=True)
class Deploy(Step):
    """Deploy the API and the worker. The API writes the schema version ``api``. The newest schema version that the
    worker reads is ``worker``. Each is today's version or the next one."""

    api: int
    worker: int


@dataclass(frozen=True, slots=True)
class Restock(Step):
    """Add stock of a SKU."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Foreign(Step):
    """Send a message that does not come from the API. ``what`` names its body. ``pick`` chooses the
    order whose id is the message's attribute ``order_id``. If ``pick`` is -1 or there are no
    orders, the attribute is the id of an order that no caller posted."""

    what: str
    pick: int = -1


@dataclass(frozen=True, slots=True)
class Fix(Step):
    """From now on, no order kills the worker, as if a repaired worker had been deployed."""


@dataclass(frozen=True, slots=True)
class Arrive(Step):
    """Perform the calls that were on their way when their processes were killed."""


STEPS: dict[str, type[Step]] = {kind.__name__.lower(): kind for kind in Step.__subclasses__()}


@dataclass(frozen=True, slots=True)
class History:
    """A history and the settings of its world.

    Attributes:
        seed: The seed from which the history was generated.
        stock: Initial stock by SKU.
        batch_size: Maximum number of messages per batch.
        max_receive_count: Receives before SQS moves a message to the dead-letter queue.
        patient: Whether callers without a final answer repeat their requests at the end.
        steps: The steps in order.
    """

    seed: int
    stock: Mapping[str, int]
    batch_size: int = 10
    max_receive_count: int = 5
    patient: bool = True
    steps: tuple[Step, ...] = field(default=())

    def with_steps(self, steps: tuple[Step, ...]) -> History:
        """Return a history with the same settings and other steps."""
        return replace(self, steps=steps)

    @property
    def length(self) -> int:
        """Return the number of steps, nested steps included."""
        return sum(1 for _ in every_step(self.steps))

    def text(self) -> str:
        """Return JSON with one step per line, for people and for :meth:`read`."""
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
            ValueError: the text is not JSON, or names an unknown step.
            KeyError, TypeError: a field is missing or unknown.
        """
        document = json.loads(text)
        steps = tuple(_from_json(step) for step in document.pop("steps"))
        return cls(**document, steps=steps)


def every_step(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Yield all steps, nested steps included."""
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
