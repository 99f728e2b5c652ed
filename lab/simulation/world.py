"""A simulated deployment: the real handlers, connected to the fakes as the stack connects them to AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from unittest.mock import patch

from lab.simulation.fakes import Call, Cloud, Entropy, Fault, Process, ProcessKilled
from lab.simulation.fakes.powertools import powertools_clock
from lab.simulation.fakes.sns import Subscription
from lab.simulation.queue_model import (
    Delivery,
    EventSourceMapping,
    Failed,
    FifoQueue,
    Message,
    Outcome,
    Queue,
    RedrivePolicy,
    Returned,
)
from lab.simulation.requests import api_event, lambda_context
from runtime.handlers import create_order, get_order, process_order
from runtime.handlers.create_order import CreateOrder
from runtime.handlers.get_order import GetOrder
from runtime.handlers.powertools.batch import BatchRunner
from runtime.http.responses import Response
from runtime.models.order import OrderStatus
from runtime.observability import logger, metrics
from runtime.settings import IntakeSettings, LookupSettings, WorkerSettings
from runtime.store.call_times import LEAST_MARGIN_SECONDS

T = TypeVar("T")

ORDERS, STOCK = "orders", "stock"
API_RECORDS, WORKER_RECORDS = "api-idempotency", "worker-idempotency"
TOPIC = "arn:aws:sns:us-east-1:000000000000:notifications"
FIFO_SUFFIX = ".fifo"
BUS = "orders-test-events"
MOST_DELIVERIES = 1000


@dataclass(frozen=True, slots=True)
class Deployment:
    """Settings from a stack's configuration. The visibility timeout is six times the worker's timeout."""

    batch_size: int = 10
    batch_threads: int = 1  # with more threads, the sequence of calls in a random history would depend on the machine
    max_receive_count: int = 8
    retry_base_seconds: int = 30
    retry_cap_seconds: int = 900
    api_timeout_seconds: float = 10
    worker_timeout_seconds: float = 60
    item_budget_seconds: float = 5
    time_margin_seconds: float = LEAST_MARGIN_SECONDS
    queue_retention_seconds: float = 4 * 86_400
    dead_letter_retention_seconds: float = 14 * 86_400
    api_record_seconds: int = 86_400
    worker_record_seconds: int = 20 * 86_400
    bus: bool = False
    fifo: bool = False
    jwt_authorizer: bool = False
    origin_secret_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One POST and its answer. ``response`` is ``None`` if the function was killed.

    ``sent_at`` and ``answered_at`` are seconds on the simulated clock.
    """

    caller: str | None
    key: str
    body: str
    response: Response | None
    sent_at: float = 0
    answered_at: float = 0

    @property
    def accepted(self) -> bool:
        """Return whether the answer's status is 202."""
        return self.response is not None and self.response["statusCode"] == 202


@dataclass(slots=True)
class World:
    """One deployment, and all its answers to POST requests and all its notifications.

    Use it inside :func:`simulated`, which gives Powertools the simulated time. Runs may nest: a hook of ``cloud.wire``
    may start a second run inside the first. Nested runs use different handler objects, as in two execution
    environments.
    """

    seed: int = 0
    deployment: Deployment = field(default_factory=Deployment)
    cloud: Cloud = field(init=False)
    orders_queue: Queue = field(init=False)
    dead_letters: Queue = field(init=False)
    mapping: EventSourceMapping = field(init=False)
    subscriber: Subscription = field(init=False)
    exchanges: list[Exchange] = field(default_factory=list)
    initial_stock: dict[str, int] = field(default_factory=dict)
    _idle_creators: list[CreateOrder] = field(default_factory=list)
    _idle_workers: list[BatchRunner] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cloud = Cloud(Entropy(self.seed))
        clock, entropy, config = self.cloud.clock, self.cloud.entropy, self.deployment
        self.cloud.dynamodb.add_table(ORDERS, order_id="S")
        self.cloud.dynamodb.add_table(STOCK, sku="S")
        for records in (API_RECORDS, WORKER_RECORDS):
            self.cloud.dynamodb.add_table(records, ttl="expiration", id="S")
        kind = FifoQueue if config.fifo else Queue
        self.dead_letters = kind(
            f"dead{self._suffix}", clock, entropy, retention_seconds=config.dead_letter_retention_seconds
        )
        self.orders_queue = kind(
            f"orders{self._suffix}",
            clock,
            entropy,
            visibility_seconds=6 * config.worker_timeout_seconds,
            retention_seconds=config.queue_retention_seconds,
            redrive=RedrivePolicy(self.dead_letters, config.max_receive_count),
        )
        for queue in (self.orders_queue, self.dead_letters):
            self.cloud.sqs.add_queue(queue)
        self.mapping = EventSourceMapping(self.orders_queue, 1 if config.fifo else config.batch_size)
        self.subscriber = self.cloud.events.add_bus(BUS) if config.bus else self.cloud.sns.add_topic(self._topic)

    # --- callers ----------------------------------------------------------------------------------------------------

    def post(self, key: str, body: str, *, caller: str | None = None, process: Process | None = None) -> Exchange:
        """POST an order once, and append the exchange to ``exchanges``."""
        event = api_event(caller, method="POST", headers={"idempotency-key": key}, body=body)
        context = lambda_context(self.cloud.clock, self.deployment.api_timeout_seconds)
        creator = self._idle_creators.pop() if self._idle_creators else self._creator()
        sent_at = self.cloud.clock.time()
        response = self._run(process, lambda: creator.handle(event, context))
        if response is not None:
            self._idle_creators.append(creator)  # a killed process loses its handler object
        exchange = Exchange(caller, key, body, response, sent_at, self.cloud.clock.time())
        self.exchanges.append(exchange)
        return exchange

    def get(self, order_id: str, *, caller: str | None = None) -> Response:
        """GET an order."""
        event = api_event(caller, method="GET", order_id=order_id)
        context = lambda_context(self.cloud.clock, self.deployment.api_timeout_seconds)
        return self._reader().handle(event, context)

    # --- queue and worker -------------------------------------------------------------------------------------------

    def deliver(self, process: Process | None = None) -> frozenset[str] | None:
        """Deliver one batch to the worker. Return the ids of the failed messages, or ``None`` if no
        message is visible. The mapping does not delete the failed messages."""
        delivery = self.mapping.poll()
        if delivery is None:
            return None
        return self.mapping.finish(delivery, self.work(delivery, process))

    def work(self, delivery: Delivery, process: Process | None = None) -> Outcome:
        """Run the worker on a batch. The caller of this function then passes the outcome to ``mapping.finish``. To
        simulate a zombie, the caller passes the outcome late or never."""
        context = lambda_context(self.cloud.clock, self.deployment.worker_timeout_seconds)
        worker = self._idle_workers.pop() if self._idle_workers else self._worker()
        try:
            value = self._run(process, lambda: worker.run(delivery.event, context))
        except Exception as error:  # noqa: BLE001 - to Lambda, any raised error is a failed invocation
            return Failed(f"{type(error).__name__}: {error}")
        if value is None:
            return Failed("killed")
        self._idle_workers.append(worker)
        return Returned(value)

    def drain(self, on_call: Callable[[Call], Fault | None] | None = None) -> int:
        """Advance the clock and deliver until the orders queue is empty; returns the number of batches.

        ``on_call`` gets each call to AWS, and returns the fault to inject, if any.

        Raises:
            RuntimeError: the queue is not empty after ``MOST_DELIVERIES`` deliveries.
        """
        batches = 0
        for _ in range(MOST_DELIVERIES):
            next_visible = self.orders_queue.next_visible_at()
            if next_visible is None:
                return batches
            self.cloud.clock.advance_to(next_visible)
            batches += self.deliver(Process(on_call=on_call)) is not None
        raise RuntimeError(
            f"The orders queue is not empty after {MOST_DELIVERIES} deliveries: {self.orders_queue.counts()}"
        )

    # --- people on call ---------------------------------------------------------------------------------------------

    def redrive(self, message: Message) -> Message:
        """Send a copy of a dead letter, with a new message id, to the orders queue, and delete the dead letter."""
        sent = self.orders_queue.resend(message)
        del self.dead_letters.messages[message.message_id]
        return sent

    def discard(self, order_id: str) -> bool:
        """Discard an order, as a person on call may; returns ``False`` if the order was already final.

        An id without a row gets a row with the status ``DISCARDED``.
        """
        order = self.orders.get(order_id)
        if order is not None and order["status"]["S"] not in {OrderStatus.ACCEPTED, OrderStatus.FAILED}:
            return False
        self.cloud.dynamodb.tables[ORDERS].items[(order_id,)] = {
            **(order or {"order_id": {"S": order_id}}),
            "status": {"S": OrderStatus.DISCARDED.value},
        }
        return True

    def stock_up(self, sku: str, available: int) -> None:
        """Set a SKU's stock. The invariants take this number as the SKU's initial stock."""
        self.initial_stock[sku] = available
        self.cloud.dynamodb.tables[STOCK].items[(sku,)] = {"sku": {"S": sku}, "available": {"N": str(available)}}

    # --- state --------------------------------------------------------------------------------------------------------

    @property
    def orders(self) -> dict[str, dict[str, Any]]:
        """Items of the orders table by order id."""
        return {key[0]: item for key, item in self.cloud.dynamodb.tables[ORDERS].items.items()}

    def available(self, sku: str) -> int:
        """Return the available quantity of a SKU."""
        return int(self.cloud.dynamodb.tables[STOCK].items[(sku,)]["available"]["N"])

    # --- wiring -------------------------------------------------------------------------------------------------------

    def _run(self, process: Process | None, work: Callable[[], T]) -> T | None:
        """Return the result of ``work``, or ``None`` if its process was killed."""
        try:
            return self.cloud.wire.run(process or Process(), work)
        except ProcessKilled:
            return None

    @property
    def _suffix(self) -> str:
        return FIFO_SUFFIX if self.deployment.fifo else ""

    @property
    def _topic(self) -> str:
        return TOPIC + self._suffix

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.cloud.clock.time(), UTC)

    def _creator(self) -> CreateOrder:
        settings = IntakeSettings(
            orders_table=ORDERS,
            orders_queue_url=self.orders_queue.url,
            orders_queue_fifo=self.deployment.fifo,
            idempotency_table=API_RECORDS,
            idempotency_ttl_seconds=self.deployment.api_record_seconds,
            **self._access_settings(),
        )
        return create_order.build(
            dynamodb=self.cloud.dynamodb_client,
            sqs=self.cloud.sqs_client,
            settings=settings,
            now=self._now,
            sleep=self.cloud.clock.sleep,
        )

    def _reader(self) -> GetOrder:
        settings = LookupSettings(orders_table=ORDERS, **self._access_settings())
        return get_order.build(dynamodb=self.cloud.dynamodb_client, settings=settings)

    def _access_settings(self) -> dict[str, Any]:
        config = self.deployment
        return {"jwt_authorizer": config.jwt_authorizer, "origin_secret_sha256": config.origin_secret_sha256}

    def _worker(self) -> BatchRunner:
        config = self.deployment
        settings = WorkerSettings(
            orders_table=ORDERS,
            stock_table=STOCK,
            idempotency_table=WORKER_RECORDS,
            idempotency_ttl_seconds=config.worker_record_seconds,
            orders_queue_url=self.orders_queue.url,
            orders_queue_fifo=self.deployment.fifo,
            dead_letter_queue_url=self.dead_letters.url,
            notifications_topic_arn="" if config.bus else self._topic,
            notifications_bus_name=BUS if config.bus else "",
            event_source="/orders-test",
            max_receive_count=config.max_receive_count,
            retry_base_seconds=config.retry_base_seconds,
            retry_cap_seconds=config.retry_cap_seconds,
            batch_threads=config.batch_threads,
            item_budget_seconds=config.item_budget_seconds,
            time_margin_seconds=config.time_margin_seconds,
        )
        return process_order.build(
            dynamodb=self.cloud.dynamodb_client,
            sqs=self.cloud.sqs_client,
            sns=self.cloud.sns_client,
            events=self.cloud.events_client,
            settings=settings,
            clock=self.cloud.clock,
            random=self.cloud.entropy.random.random,
        )


def _no_metric(*_: Any, **__: Any) -> None:
    """Stand in for ``Metrics.add_metric``."""


@contextmanager
def simulated(world: World) -> Iterator[World]:
    """Run Powertools on ``world``'s clock in this context, without logs or metrics.

    No guarantee depends on logs or metrics, and they would slow down random histories."""
    level = logger.log_level
    logger.setLevel("CRITICAL")
    try:
        with powertools_clock(world.cloud.clock), patch.object(metrics, "add_metric", _no_metric):
            yield world
    finally:
        logger.setLevel(level)
