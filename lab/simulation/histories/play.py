"""Plays a history against the real handlers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from zlib import crc32

from botocore.exceptions import ClientError

from lab.simulation.histories import steps as do
from lab.simulation.histories.model import Model
from lab.simulation.histories.orders import FOREIGN_BODIES, ORDERS, id_of
from lab.simulation.histories.runs import Surroundings
from lab.simulation.histories.seen import Seen
from lab.simulation.histories.versions import NEXT, running
from lab.simulation.queue_model import Message
from lab.simulation.world import Deployment, World, simulated
from runtime.logic import processing
from runtime.models.fields import SCHEMA_VERSION
from runtime.store import order_intake

MOST_DELIVERIES, MOST_RETRIES = 80, 6


@dataclass(slots=True)
class Player:
    """Plays one history. A model checks it.

    Attributes:
        history: The history to play.
        world: The world of the history.
        model: The model that checks the history.
        surroundings: Causes the faults in the runs: planned faults, and further ones such as outages.
        seen: Counts of events.
        versions: The current schema versions of the API and of the worker.
    """

    history: do.History
    world: World = field(init=False)
    model: Model = field(init=False)
    surroundings: Surroundings = field(init=False)
    seen: Seen = field(init=False)
    versions: tuple[int, int] = (SCHEMA_VERSION, SCHEMA_VERSION)

    def __post_init__(self) -> None:
        history = self.history
        deployment = Deployment(batch_size=history.batch_size, max_receive_count=history.max_receive_count)
        self.world = World(seed=history.seed, deployment=deployment)
        self.model = Model(self.world)
        self.surroundings = Surroundings(self.world, self.model.order, self._play_steps)
        self.seen = Seen(self.world, self.model.seen_paths)
        for sku, quantity in history.stock.items():
            self.world.stock_up(sku, quantity)

    def play(self) -> list[str]:
        """Play the history; returns every violation, or an empty list."""
        with simulated(self.world), _reproducible(self.world):
            self._play_steps(self.history.steps)
            self._end_history()
            return self.model.judge(patient=self.history.patient)

    def _play_steps(self, steps: tuple[do.Step, ...]) -> None:
        for step in steps:
            _METHODS[type(step)](self, step)

    def forget(self) -> None:
        """Clear the world's contents. A world is one reference cycle, and large cycles are slow to collect."""
        world = self.world
        for table in world.cloud.dynamodb.tables.values():
            table.items.clear()
        for queue in (world.orders_queue, world.dead_letters):
            queue.messages.clear()
            queue.deleted.clear()
        world.cloud.dynamodb.transactions.tokens.clear()
        world.subscriber.received.clear()
        world.exchanges.clear()
        for run in self.surroundings.runs:
            run.calls.clear()
            run.faults, run.on_call = {}, None

    # --- callers ----------------------------------------------------------------------------------------------------

    def _post(self, step: do.Post) -> None:
        self._seed(step.chance)
        run = self.surroundings.run(step.at, worker=False)
        before = self.model.before_post(step)
        self.seen.request_begins(step.caller, step.key)
        with running(self.versions[0]):
            exchange = self.world.post(step.key, ORDERS[step.order].body, caller=step.caller, process=run)
        self.seen.request_ends(exchange)
        self.model.posted(step, exchange, before, run)

    def _get(self, step: do.Get) -> None:
        order_id = _picked(list(self.world.orders), step.pick)
        if order_id is not None:
            self.model.looked_up(step.caller, order_id, self.world.get(order_id, caller=step.caller))

    # --- queue and worker -------------------------------------------------------------------------------------------

    def _deliver(self, step: do.Deliver) -> None:
        self._seed(step.chance)
        self._deliver_once(step.at)

    def _deliver_once(self, at: tuple[do.At, ...] = ()) -> None:
        delivery = self.world.mapping.poll()
        if delivery is None:
            return
        run = self.surroundings.run(at, worker=True)
        batch = self.model.before_delivery(delivery, self.versions[1])
        began = self.seen.batch_begins(batch)
        with running(self.versions[1]):
            outcome = self.world.work(delivery, run)
        self.seen.batch_ends(batch, run, began)
        self.model.delivered(batch, self.world.mapping.finish(delivery, outcome), run)

    def _work(self, step: do.Work) -> None:
        self._seed(step.chance)
        clock, queue = self.world.cloud.clock, self.world.orders_queue
        end = clock.now + step.seconds
        for _ in range(step.most):
            visible_at = queue.next_visible_at()
            if visible_at is None or visible_at > end:
                break
            clock.advance_to(visible_at)
            self._deliver_once()
        clock.advance_to(end)

    def _redeliver(self, step: do.Redeliver) -> None:
        now = self.world.cloud.clock.now
        message = _picked([one for one in self.world.orders_queue.messages.values() if one.in_flight(now)], step.pick)
        if message is not None:
            self.model.overlapping.add(message.message_id)
            self.world.orders_queue.redeliver(message.message_id)

    def _resurrect(self, step: do.Resurrect) -> None:
        message = _picked(list(self.world.orders_queue.deleted.values()), step.pick)
        if message is not None:
            self.world.orders_queue.resurrect(message.message_id)

    def _resend(self, step: do.Resend) -> None:
        message = _picked(list(self.world.orders_queue.messages.values()), step.pick)
        if message is not None:
            self._seed(crc32(message.message_id.encode()) + len(self.world.orders_queue.messages))
            self.world.orders_queue.resend(message)

    # --- people on call, deploys, the world -------------------------------------------------------------------------

    def _redrive(self, step: do.Redrive) -> None:
        letters = self._letters()
        self._seed(crc32("".join(letter.message_id for letter in letters).encode()))
        for message in letters if step.pick < 0 or not letters else [_picked(letters, step.pick)]:
            self.world.redrive(message)

    def _letters(self) -> list[Message]:
        """Drop the expired dead letters, and return the others. The queue itself drops them only at a receive."""
        self.world.dead_letters.expire()
        return list(self.world.dead_letters.messages.values())

    def _discard(self, step: do.Discard) -> None:
        order_id = _picked(list(self.world.orders), step.pick)
        if order_id is not None and self.world.discard(order_id):
            self.model.discarded.add(order_id)

    def _foreign(self, step: do.Foreign) -> None:
        order_id = _picked(list(self.world.orders), step.pick) if step.pick >= 0 else None
        order_id = order_id or id_of("nobody", "none", "one")
        self._seed(crc32(repr((step, len(self.world.orders_queue.messages))).encode()))
        attributes = {"order_id": {"DataType": "String", "StringValue": order_id}}
        self.world.orders_queue.send(FOREIGN_BODIES[step.what], attributes)
        self.model.foreign.add((order_id, FOREIGN_BODIES[step.what]))

    def _restock(self, step: do.Restock) -> None:
        before = self.world.initial_stock[step.sku]
        self.world.stock_up(step.sku, self.world.available(step.sku) + step.quantity)
        self.world.initial_stock[step.sku] = before + step.quantity

    def _deploy(self, step: do.Deploy) -> None:
        self.versions = step.api, step.worker

    def _outage(self, step: do.Outage) -> None:
        self.surroundings.outages[step.service] = (self.world.cloud.clock.now + step.seconds, step.what)

    def _popular(self, step: do.Popular) -> None:
        self.surroundings.popular[step.sku] = (self.world.cloud.clock.now + step.seconds, step.percent / 100)

    def _fix(self, _: do.Fix) -> None:
        self.surroundings.fixed = True

    def _sweep(self, _: do.Sweep) -> None:
        self.world.cloud.dynamodb.sweep()

    def _wait(self, step: do.Wait) -> None:
        self.world.cloud.clock.advance(step.seconds)

    def _arrive(self, _: do.Arrive) -> None:
        while self.surroundings.late:
            self.model.late_effects = True
            try:
                self.surroundings.late.pop(0)()
            except ClientError:
                continue  # the process that made the call was killed, so no process gets the error

    # --- the end of every history -----------------------------------------------------------------------------------

    def _end_history(self) -> None:
        """End the history: repair all faults, repeat unanswered requests if the history is ``patient``, redrive dead
        letters, and empty the orders queue."""
        self.surroundings.repair()
        self.versions = (NEXT, NEXT)
        self._arrive(do.Arrive())
        self._drain()
        self._letters()
        self.model.letters_are_marked()
        if self.history.patient:
            for caller, key, order in self.model.unanswered():
                self._repeat(caller, key, order)
        self._redrive(do.Redrive())
        self._drain()

    def _repeat(self, caller: str, key: str, order: str) -> None:
        for attempt in range(MOST_RETRIES):
            self._post(do.Post(caller, key, order, chance=crc32(f"{caller}{key}{order}{attempt}".encode())))
            if self.model.is_answered(caller, key, order):
                return
            self.world.cloud.clock.advance(self.world.deployment.api_timeout_seconds)

    def _drain(self) -> None:
        self._seed(self.history.seed + len(self.world.exchanges) + len(self.world.orders_queue.deleted))
        clock, queue = self.world.cloud.clock, self.world.orders_queue
        for _ in range(MOST_DELIVERIES):
            visible_at = queue.next_visible_at()
            if visible_at is None:
                return
            clock.advance_to(visible_at)
            self._deliver_once()
        self.model.violations.append(f"M4: the orders queue does not become empty: {queue.counts()}")

    def _seed(self, chance: int) -> None:
        """Seed the world's random numbers for one step, so that they do not change if other
        steps are removed from the history."""
        self.world.cloud.entropy.random.seed(chance)


# Each kind of step is played by the method with its name: `Post` by `_post`.
_METHODS: dict[type[do.Step], Callable[[Player, Any], None]] = {
    kind: getattr(Player, f"_{name}") for name, kind in do.STEPS.items()
}


def _picked(candidates: list[Any], pick: int) -> Any:
    return candidates[pick % len(candidates)] if candidates else None


@contextmanager
def _reproducible(world: World) -> Iterator[None]:
    """Draw the API's jitter from the world's seeded randomness, and leave tracebacks out of log lines, because they
    would take 10 % of the running time."""
    chance = SimpleNamespace(uniform=world.cloud.entropy.random.uniform)
    with patch.object(order_intake, "random", chance), patch.object(processing, "trace_of", _no_trace):
        yield


def _no_trace(_: BaseException) -> list[str]:
    return []
