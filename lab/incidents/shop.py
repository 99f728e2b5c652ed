"""A shop in simulated time: customers order, workers process, and each minute's metrics are stored as in CloudWatch."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from lab.incidents.stack import MINUTE, NAMES, STREAM, Stack
from lab.simulation.cloudwatch.causes import read_emf
from lab.simulation.cloudwatch.evaluator_metrics import MetricKey
from lab.simulation.cloudwatch.registered import PREFIX, WATCHED
from lab.simulation.cloudwatch.scenarios import api, function, sqs
from lab.simulation.fakes import Call, Fault, Process
from lab.simulation.fakes.dynamodb.table import Table
from lab.simulation.fakes.faults import throttled
from lab.simulation.queue_model import Failed, Queue
from lab.simulation.requests import order_body
from lab.simulation.world import STOCK

SKU: Final = "SKU-1"
STOCKED: Final = 100_000
FaultOfCall = Callable[[Call], Fault | None]
_MOST_BATCHES: Final = 60
"""How many batches the workers can process in a minute."""


@dataclass
class Shop:
    """The shop and its faults.

    Attributes:
        per_hour: How many orders customers place in an hour.
        api_fault: Returns the fault of an AWS call by the function `create_order`, or None if the call succeeds.
        worker_fault: Returns the fault of an AWS call by the worker, or None if the call succeeds.
        startup_error: If set, each worker dies before it processes a message, and Lambda logs this line.
        death_line: The line that Lambda logs when a worker dies while it processes messages.
        about: The id of the order that the incident is about, if there is one.
        removed: A table that an incident has removed and restores at its end.
    """

    stack: Stack
    per_hour: float
    api_fault: FaultOfCall = lambda _: None
    worker_fault: FaultOfCall = lambda _: None
    startup_error: str | None = None
    death_line: str = ""
    about: str | None = None
    removed: Table | None = None
    _due: float = 0
    _posted: int = 0
    _moved: dict[str, float] = field(default_factory=dict)
    _counts: Counter[MetricKey] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.stock(SKU, STOCKED)

    def stock(self, sku: str, count: int) -> None:
        """Add an article with its opening stock, the reference point of `ops audit`."""
        world = self.stack.world
        world.stock_up(sku, count)
        world.cloud.dynamodb.tables[STOCK].items[(sku,)]["opening"] = {"N": str(count)}

    def minutes(self, count: int) -> None:
        """Simulate `count` minutes."""
        for _ in range(count):
            self.minute()

    def minute(self) -> None:
        """Simulate a minute: orders, deliveries, metrics, alarms."""
        clock = self.stack.world.cloud.clock
        begin = int(clock.now) // MINUTE * MINUTE
        self._due += self.per_hour / 60
        while self._due >= 1:
            self._due -= 1
            self.post()
        self._work()
        clock.advance_to(begin + MINUTE)
        self._publish(begin)
        self.stack.alarms.run(begin + MINUTE, begin + MINUTE)

    def post(self, sku: str = SKU) -> str | None:
        """Send one order. Return its id if the order was accepted."""
        self._posted += 1
        process = Process(on_call=self._watched(self.api_fault))
        response = self.stack.world.post(
            f"key-{self._posted}", order_body((sku, 1)), caller="ann", process=process
        ).response
        self._counts[function("Invocations", "create_order")] += 1
        self._counts[api("Count")] += 1
        if response is None:
            self._counts[function("Errors", "create_order")] += 1
        if response is None or response["statusCode"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._counts[api("5xx")] += 1
            return None
        return str(json.loads(response["body"])["order_id"])

    def _work(self) -> None:
        world = self.stack.world
        for _ in range(_MOST_BATCHES):
            delivery = world.mapping.poll()
            if delivery is None:
                return
            outcome = (
                Failed(self.startup_error)
                if self.startup_error
                else world.work(delivery, Process(on_call=self._watched(self.worker_fault)))
            )
            self._counts[function("Invocations", "process_order")] += 1
            if isinstance(outcome, Failed):
                self._counts[function("Errors", "process_order")] += 1
                self.stack.logs.write(
                    f"/aws/lambda/{PREFIX}-process-order", STREAM, self.startup_error or self.death_line
                )
            world.mapping.finish(delivery, outcome)

    def _watched(self, fault: FaultOfCall) -> FaultOfCall:
        def on_call(call: Call) -> Fault | None:
            found = fault(call)
            if found is throttled and call.service == "dynamodb":
                for name in _tables(call):
                    self._counts[
                        MetricKey.of("AWS/DynamoDB", "WriteThrottleEvents", {"TableName": f"{PREFIX}-{name}"})
                    ] += 1
            return found

        return on_call

    def _publish(self, at: int) -> None:
        store = self.stack.store
        for document in self.stack.collect():
            for each in read_emf(document):
                store.put(each.key, at, each.values, each.unit)
        zero = (function("Errors", "create_order"), function("Errors", "process_order"), api("4xx"), api("5xx"))
        for key in zero:
            self._counts[key] += 0
        for key, count in self._counts.items():
            store.put(key, at, count, "Count")
        self._counts.clear()
        for queue in (self.stack.world.orders_queue, self.stack.world.dead_letters):
            name = {value: key for key, value in WATCHED.items()}[NAMES[queue.name]]
            for metric, value, unit in self._depth(queue):
                store.put(sqs(metric, name), at, value, unit)

    def _depth(self, queue: Queue) -> Iterator[tuple[str, float, str]]:
        visible, in_flight, _ = queue.counts()
        yield "ApproximateNumberOfMessagesVisible", visible, "Count"
        yield "ApproximateNumberOfMessagesNotVisible", in_flight, "Count"
        now, dead = queue.clock.time(), queue.redrive is None
        # ApproximateAgeOfOldestMessage: a dead letter's age begins with its move to the dead-letter
        # queue. In the orders queue, the metric ignores messages with 3 or more receives.
        for message_id in queue.messages if dead else ():
            self._moved.setdefault(message_id, now)
        kept = [one for one in queue.messages.values() if dead or one.receive_count < 3]
        ages = [now - (self._moved[one.message_id] if dead else one.sent_at) for one in kept]
        if ages:
            yield "ApproximateAgeOfOldestMessage", max(ages), "Seconds"


def _tables(call: Call) -> set[str]:
    items = call.params.get("TransactItems")
    if items is None:
        return {str(call.params["TableName"])}
    return {str(request["TableName"]) for item in items for request in item.values()}
