"""Functions that build messages, stored orders and dead letters, and that run a redrive or discard in a world."""

from __future__ import annotations

import json
from typing import Any

from lab.simulation.crash_points.worker_paths import table_down
from lab.simulation.fakes import Call, Fault
from lab.simulation.fakes.faults import throttled
from lab.simulation.fakes.logs import FakeLogs
from lab.simulation.requests import order_body
from lab.simulation.world import ORDERS, WORKER_RECORDS, World
from ops.discard_many import DiscardCounts, DiscardMany
from ops.gateway.journal import Journal, Run
from ops.gateway.orders import Orders, record_id
from ops.gateway.queues import DeadLetterQueue, OrdersQueue
from ops.logic.conditions import Conditions
from ops.logic.dead_letter import Received
from ops.logic.decision import Decision
from ops.rate_limit import RateLimit
from ops.redrive import Redrive, RedriveCounts
from ops.sweep import Sweep
from runtime.models.fields import SCHEMA_VERSION
from runtime.models.order import OrderMessage, OrderStatus, StoredOrder
from runtime.store.order_item import immutable_attributes
from tests.ops.mock_stack import MockStack

ORDER_ID = "1bfa2889-307d-56d4-8339-4dc839c7313d"
OTHER_ID = "2bfa2889-307d-56d4-8339-4dc839c7313d"
STRANGE = ORDER_ID
GOOD = OTHER_ID
CALLER = "ab" * 32
DECISION = ("--by", "Ada", "--reason", "a test")


def body(**overrides: Any) -> str:
    return json.dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "order_id": ORDER_ID,
            "caller": CALLER,
            "accepted_at": "2026-01-01T00:00:00.000Z",
            "correlation_id": "c-1",
            "currency": "EUR",
            "lines": [{"sku": "SKU-1", "quantity": 2, "unit_price": "19.90"}],
            "total": "39.80",
            **overrides,
        }
    )


def text(value: str, data_type: str = "String") -> dict[str, str]:
    return {"DataType": data_type, "StringValue": value}


def received(**overrides: Any) -> Received:
    attributes = {
        "order_id": text(ORDER_ID),
        "schema_version": text(str(SCHEMA_VERSION), "Number"),
        "correlation_id": text("c-1"),
    }
    fields: dict[str, Any] = {
        "message_id": "m-1",
        "receipt": "r-1",
        "body": body(),
        "attributes": attributes,
        "sent_at": 1_767_225_600.0,
    }
    return Received(**{**fields, **overrides})


def stored(**overrides: Any) -> StoredOrder:
    return StoredOrder(**{"order_id": ORDER_ID, "status": OrderStatus.FAILED, **overrides})


def accept(world: World, key: str) -> str:
    """POST an order and return its id."""
    response = world.post(key, order_body(), caller="ann").response
    assert response is not None
    return str(response["headers"]["Location"]).rpartition("/")[2]


def dead_letter(world: World, count: int) -> list[str]:
    """Accept `count` orders, make every attempt fail until all are dead letters, and return the orders' ids."""
    ids = [accept(world, f"key-{number}") for number in range(count)]
    world.drain(table_down)
    assert len(world.dead_letters.messages) == count
    return ids


def order_that_settles_during_discard(world: World) -> str:
    """Put an order's message into the orders queue and the dead-letter queue, and return the order's id.

    Just before a command writes `DISCARDED`, the worker settles the order with the message in the orders queue.
    """
    order_id = accept(world, "k")
    (source,) = world.orders_queue.messages.values()
    world.dead_letters.send(source.body, source.attributes)

    def settle_first(call: Call) -> None:
        if call.operation == "UpdateItem":
            world.cloud.wire.before = None
            world.drain()

    world.cloud.wire.before = settle_first
    return order_id


def topic_down(call: Call) -> Fault | None:
    """Fail every call to SNS, so that no event is published."""
    return throttled if call.service == "sns" else None


def orders_of(world: World) -> Orders:
    return Orders(world.cloud.dynamodb_client, ORDERS, WORKER_RECORDS, world.cloud.clock.sleep)


def sweep_of(world: World) -> Sweep:
    return Sweep(DeadLetterQueue(world.cloud.sqs_client, world.dead_letters.url))


def logs_of(world: World) -> FakeLogs:
    """Return an empty log group. Calls to it go through `world.cloud.wire`, where tests inject faults."""
    return FakeLogs(world.cloud.wire, world.cloud.clock, "/aws/lambda/worker")


def journal_of(world: World, logs: FakeLogs | None = None) -> Journal:
    return Journal((logs or logs_of(world)).client, "/aws/lambda/worker", world.cloud.clock)


def begun(world: World, verb: str, logs: FakeLogs | None = None) -> Run:
    """Begin a run of command `verb` by Ada, and record it in the journal."""
    return journal_of(world, logs).begin(verb, Decision.of("Ada", "a test"), [])


def redrive(
    world: World, *where: str, act: bool = True, rate: float = 1000, logs: FakeLogs | None = None
) -> RedriveCounts:
    """Run the redrive once over a world's queues."""
    run = Redrive(
        orders=orders_of(world),
        queue=OrdersQueue(world.cloud.sqs_client, world.orders_queue.url),
        where=Conditions.parse(where),
        pace=RateLimit(rate, world.cloud.clock),
        clock=world.cloud.clock,
        run=begun(world, "redrive", logs) if act else None,
    )
    with sweep_of(world) as sweep:
        return run.go(sweep)


def discard_many(world: World, *where: str, act: bool = True, logs: FakeLogs | None = None) -> DiscardCounts:
    """Discard a world's dead letters in one pass."""
    run = DiscardMany(
        orders=orders_of(world),
        where=Conditions.parse(where),
        clock=world.cloud.clock,
        run=begun(world, "discard", logs) if act else None,
    )
    with sweep_of(world) as sweep:
        return run.go(sweep)


def good_row(order_id: str = OTHER_ID, **changes: Any) -> dict[str, Any]:
    """Return the row of an accepted order, as the API stores it."""
    message = OrderMessage.model_validate_json(body(order_id=order_id))
    return {"order_id": {"S": order_id}, "status": {"S": "ACCEPTED"}, **immutable_attributes(message), **changes}


def put_strange_records(stack: MockStack, row: dict[str, Any], record: dict[str, Any]) -> None:
    """Store the order `STRANGE` and its record with these changes, and the order `GOOD` with a dead letter."""
    stack.put_order({**good_row(STRANGE), **row})
    stack.put_record({"id": {"S": record_id(STRANGE)}, **record})
    stack.put_order(good_row())
    stack.put_dead_letter(body(order_id=GOOD), {"order_id": text(GOOD)})
