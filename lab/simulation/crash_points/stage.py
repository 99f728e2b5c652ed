"""Stage: the simulated system in which one path (path.py) is run. It remembers what callers
requested, and simulates what can follow a disturbed run: retries, late effects, redeliveries and
redrives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from lab.simulation.fakes import Process
from lab.simulation.queue_model import Message
from lab.simulation.requests import order_body
from lab.simulation.world import API_RECORDS, WORKER_RECORDS, Deployment, Exchange, World, simulated

ANSWERED = frozenset({202, 422})
"""Statuses that end a caller's retries. 202: the order is accepted. 422: the body is invalid, or the key was used with
another body."""
MOST_RETRIES = 12
PAUSE_SECONDS = 5
DAY = 86_400


@dataclass(slots=True)
class Stage:
    """A simulated system (`World`) in which one path through a handler is run.

    Attributes:
        process: The process of the disturbed run.
        intents: Caller, key and body of every order that :meth:`post` requested, even if no answer came.
        no_retries: The callers do not retry.
        recover: For a path that fails even without a disturbance: removes the cause (for example,
            repairs a corrupt row) before the queue delivers the message again.
        late: Calls of killed processes. These calls have not taken effect yet.
        down: Whether a disturbance made a service unavailable until the end of the disturbed run.
        stuck: One text for each intent that got no final answer after all retries.
    """

    world: World
    process: Process = field(default_factory=Process)
    intents: dict[tuple[str | None, str, str], None] = field(default_factory=dict)
    no_retries: bool = False
    recover: Callable[[], None] = lambda: None
    late: list[Callable[[], Any]] = field(default_factory=list)
    down: bool = False
    stuck: list[str] = field(default_factory=list)

    # --- preparation -------------------------------------------------------------------------------------------------

    def post(
        self, key: str = "k", body: str | None = None, *, caller: str = "ann", process: Process | None = None
    ) -> Exchange:
        """POST an order and remember it as an intent."""
        body = order_body() if body is None else body
        self.intents[caller, key, body] = None
        return self.world.post(key, body, caller=caller, process=process)

    def accept(self, key: str = "k", *lines: tuple[str, int]) -> str:
        """POST an order without faults, and return its id."""
        response = self.post(key, order_body(*lines)).response
        if response is None or response["statusCode"] != 202:
            raise AssertionError(f"the path needs an accepted order, but the answer is {response}")
        return str(response["headers"]["Location"]).rpartition("/")[2]

    def message(self) -> Message:
        """The only message of the orders queue."""
        (message,) = self.world.orders_queue.messages.values()
        return message

    def redeliver(self) -> None:
        """Make every message of the orders queue visible, even if its visibility timeout is running."""
        for message_id in self.world.orders_queue.messages:
            self.world.orders_queue.redeliver(message_id)

    # --- time --------------------------------------------------------------------------------------------------------

    def deadline_passes(self) -> None:
        """Move the clock past the deadline of every current run."""
        config = self.world.deployment
        self.world.cloud.clock.advance(max(config.api_timeout_seconds, config.worker_timeout_seconds) + 1)

    def lease_passes(self) -> None:
        """Move the clock past the queue's visibility timeout. Every lease has ended by then."""
        self.world.cloud.clock.advance(self.world.orders_queue.visibility_seconds + 1)

    def records_expire(self) -> None:
        """Move the clock by a day, and delete all idempotency records of both functions."""
        self.world.cloud.clock.advance(DAY + 1)
        for table in (API_RECORDS, WORKER_RECORDS):
            self.world.cloud.dynamodb.tables[table].items.clear()

    # --- after the run -----------------------------------------------------------------------------------------------

    def retry_and_drain(self) -> None:
        """Call `recover`, retry every intent (unless `no_retries`), and deliver until the orders queue is empty."""
        self.recover()
        if not self.no_retries:
            for intent in list(self.intents):
                self._repeat(*intent)
        self.world.drain()

    def _repeat(self, caller: str | None, key: str, body: str) -> None:
        for _ in range(MOST_RETRIES):
            response = self.world.post(key, body, caller=caller).response
            if response is not None and response["statusCode"] in ANSWERED:
                return
            self.world.cloud.clock.advance(PAUSE_SECONDS)
        self.stuck.append(f"the caller of key {key} has no final answer after {MOST_RETRIES} requests: {response}")

    def late_effects_arrive(self) -> None:
        """Let the calls of killed processes take effect."""
        while self.late:
            try:
                self.late.pop(0)()
            except ClientError:
                continue  # the process that made the call was killed, so no process gets the error

    def everything_is_delivered_again(self) -> None:
        """Deliver every deleted message once more, as a standard queue may. A FIFO queue never does."""
        if self.world.deployment.fifo:
            return
        for message_id in list(self.world.orders_queue.deleted):
            self.world.orders_queue.resurrect(message_id)
        self.world.drain()

    def everything_is_redriven(self) -> None:
        """Redrive every dead letter, as a person on call would."""
        for message in list(self.world.dead_letters.messages.values()):
            self.world.redrive(message)
        self.world.drain()

    def statuses(self) -> tuple[str, ...]:
        """The statuses of all orders, sorted."""
        return tuple(sorted(order["status"]["S"] for order in self.world.orders.values()))


@contextmanager
def staged(deployment: Deployment | None = None, seed: int = 1) -> Iterator[Stage]:
    """Yield a new stage with a stock of 100 ``SKU-1`` and 5 ``SKU-2``."""
    with simulated(World(seed=seed, deployment=deployment or Deployment())) as world:
        world.stock_up("SKU-1", 100)
        world.stock_up("SKU-2", 5)
        yield Stage(world)
