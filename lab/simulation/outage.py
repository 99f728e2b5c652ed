"""Simulates queue and workers with the stack's retry settings (``python -m lab.simulation.outage_tables``).

The program's own code computes the pauses before retries (:mod:`runtime.logic.backoff`,
:data:`runtime.logic.settle.CONTENTION_SECONDS`). The default settings are those of the stack's config. The model of AWS
is simple. Each call takes a fixed time. A transaction is cancelled if another transaction holds one of its rows. A
dependency that is down fails every call.
"""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, fields
from functools import partial
from itertools import count
from typing import Any

from lab.simulation.waiting import Message, Waiting
from pipeline.config.processing import TOGETHER_SECONDS
from pipeline.config.stack_config import StackConfig
from runtime.logic.backoff import retry_delay
from runtime.logic.settle import CONTENTION_SECONDS

CALL_SECONDS = 0.005
"""Duration of one call to AWS. Besides its transaction, an order needs four calls: two writes of its idempotency
record, a read, and the publish of its event."""
TRANSACTION_SECONDS = 0.012
CANCELLED_SECONDS = 0.006


@dataclass(frozen=True, slots=True)
class Settings:
    """The stack's settings that affect retries. Times are in seconds."""

    max_receive_count: int
    retry_base_seconds: int
    retry_cap_seconds: int
    batch_size: int
    batch_threads: int
    worker_max_concurrency: int
    worker_timeout_seconds: float
    item_budget_seconds: float
    time_margin_seconds: float
    contention_seconds: float = CONTENTION_SECONDS

    @classmethod
    def default(cls, **changes: float) -> Settings:
        """Return the defaults of the stack's config, with changes."""
        known = {one.name for one in fields(cls)} & StackConfig.model_fields.keys()
        values: dict[str, Any] = {name: StackConfig.model_fields[name].default for name in known}
        return cls(**(values | changes))


@dataclass(slots=True)
class Result:
    """Counts and times of a simulation's orders.

    Attributes:
        done: Number of processed orders.
        dead: Number of dead letters.
        last_done_at: Time at which the last order was processed.
        most_receives: The most receives of any processed message.
        conflicts: Number of transactions that were cancelled because another transaction held a row.
        seconds: By group: each order's time from the send to the end of its processing.
    """

    done: int = 0
    dead: int = 0
    last_done_at: float = 0
    most_receives: int = 0
    conflicts: int = 0
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def oldest_seconds(self) -> float:
        """The longest time from an order's send to the end of its processing."""
        return max(map(max, self.seconds.values()), default=0)

    @property
    def per_second(self) -> float:
        """Orders per second, over the whole time."""
        return self.done / self.last_done_at if self.last_done_at else 0


Work = Callable[["Simulation", Message, Callable[[bool], None]], None]
"""Processes a message, and reports later whether that succeeded."""
Together = Callable[["Simulation", Collection[Message], Callable[[], None]], None]
"""A function that settles orders of a batch together. Then it calls its last argument, a function
that processes each message. Isolated batches skip this step."""


@dataclass(slots=True)
class Simulation:
    """Simulation of queue, workers and time. Events are functions; simultaneous events run in the order in
    which they were planned."""

    settings: Settings
    work: Work
    seed: int = 1
    fair: bool = False
    together: Together | None = None
    now: float = 0
    result: Result = field(default_factory=Result)
    random: random.Random = field(init=False)
    free: int = field(init=False)
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    queue: Waiting = field(init=False)
    _numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.free = self.settings.worker_max_concurrency
        self.queue = Waiting(self.fair)

    def run(self, messages: Iterable[Message]) -> Result:
        """Let each order arrive at its send time, and run until every order is processed or dead-lettered."""
        for message in messages:
            self.make_visible(message, message.sent_at)
        while self._events:
            self.now, _, event = heapq.heappop(self._events)
            event()
        return self.result

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        """Plan an event ``seconds`` from now."""
        heapq.heappush(self._events, (self.now + seconds, next(self._numbers), event))

    def make_visible(self, message: Message, moment: float) -> None:
        """Make a message visible from ``moment`` on."""
        self.queue.add(message, moment)
        self.after(moment - self.now, self._poll)

    def _poll(self) -> None:
        while self.free and (batch := self._receive()):
            self.free -= 1
            _Invocation(self, batch).start()

    def _receive(self) -> list[Message]:
        batch: list[Message] = []
        while len(batch) < self.settings.batch_size and (message := self.queue.receive(self.now)) is not None:
            if message.receives >= self.settings.max_receive_count:
                self.result.dead += 1
                self.queue.removed(message)
                continue
            message.receives += 1
            batch.append(message)
        return batch

    def invocation_ended(self) -> None:
        """Free a worker after its invocation."""
        self.free += 1
        self._poll()


@dataclass(slots=True)
class _Invocation:
    simulation: Simulation
    batch: list[Message]
    deadline: float = 0
    running: int = 0

    def start(self) -> None:
        settings = self.simulation.settings
        self.deadline = self.simulation.now + settings.worker_timeout_seconds
        isolated = any(message.receives > 1 for message in self.batch)
        # The messages nearest to their last attempt run first, as in the worker. `pop` takes them from the list's end.
        self.batch.sort(key=lambda message: message.receives)
        self.running = 1 if isolated else min(settings.batch_threads, len(self.batch))
        if isolated or self.simulation.together is None:
            self._work()
        else:
            self.simulation.together(self.simulation, self.batch, self._work)

    def _work(self) -> None:
        for _ in range(self.running):
            self._next()

    def _next(self) -> None:
        simulation, settings = self.simulation, self.simulation.settings
        while self.batch:
            message = self.batch.pop()
            if self.deadline - simulation.now >= settings.item_budget_seconds + settings.time_margin_seconds:
                simulation.work(simulation, message, partial(self._processed, message, simulation.now))
                return
            self._retry_later(message)
        self.running -= 1
        if not self.running:
            simulation.invocation_ended()

    def _processed(self, message: Message, since: float, done: bool) -> None:
        self.simulation.queue.processed(message, since, self.simulation.now)
        if done:
            self.simulation.queue.removed(message)
            self._count(message)
        else:
            self._retry_later(message)
        self._next()

    def _retry_later(self, message: Message) -> None:
        settings, simulation = self.simulation.settings, self.simulation
        delay = 0
        if message.receives < settings.max_receive_count:
            delay = retry_delay(
                message.receives,
                base=settings.retry_base_seconds,
                cap=settings.retry_cap_seconds,
                random=simulation.random.random,
            )
        simulation.make_visible(message, simulation.now + delay)

    def _count(self, message: Message) -> None:
        result, now = self.simulation.result, self.simulation.now
        result.done += 1
        result.last_done_at = now
        result.most_receives = max(result.most_receives, message.receives)
        result.seconds[message.group].append(now - message.sent_at)


def down_for(seconds: float, failing_call_seconds: float) -> Work:
    """Return a `Work` whose dependency is down until the time ``seconds``. Until then each message fails at its first
    call, after ``failing_call_seconds``."""

    def work(simulation: Simulation, message: Message, end: Callable[[bool], None]) -> None:
        down = simulation.now < seconds
        duration = failing_call_seconds if down else 4 * CALL_SECONDS + TRANSACTION_SECONDS
        simulation.after(duration, lambda: end(not down))

    return work


def group_fails(seconds: float, failing_call_seconds: float) -> Together:
    """Return a `Together` for batches whose orders all share a SKU. Until the time ``seconds``, the
    batch's transaction fails, just as each message fails in `down_for`."""

    def together(simulation: Simulation, batch: Collection[Message], end: Callable[[], None]) -> None:
        duration = min(failing_call_seconds, TOGETHER_SECONDS) if simulation.now < seconds else TRANSACTION_SECONDS
        simulation.after(duration if len(batch) > 1 else 0, end)

    return together


def arrivals(per_second: float, seconds: float, group: str = "") -> Iterator[Message]:
    """Yield orders that arrive independently at this average rate, for ``seconds``."""
    chance = random.Random(group or 1)
    moment = chance.expovariate(per_second)
    while moment < seconds:
        yield Message(moment, group)
        moment += chance.expovariate(per_second)
