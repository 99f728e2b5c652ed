"""The incidents. Each has a fault, a repair of the fault, and the commands after the repair."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lab.incidents.shop import FaultOfCall, Shop
from lab.simulation.fakes import Call, Fault
from lab.simulation.fakes.errors import client_error
from lab.simulation.fakes.faults import crash_after, crash_before, server_error, throttled, unreachable
from lab.simulation.fakes.wire import Perform, Response
from lab.simulation.world import ORDERS, STOCK, WORKER_RECORDS
from ops.gateway.orders import record_id

BY: Final = "--by Ada --reason incident"
REDRIVE: Final = f"dlq redrive {BY} --yes"
DISCARD: Final = f"dlq discard --where error_type=MALFORMED_BODY {BY} --yes"
ODD: Final = "SKU-ODD"
_EXIT: Final = "RequestId: 00000000-0000-0000-0000-000000000001 Error: Runtime exited with error: signal: killed"
_TIMEOUT: Final = "00000000-0000-0000-0000-000000000001 Task timed out after 60.00 seconds"
_IMPORT: Final = "[ERROR] Runtime.ImportModuleError: Unable to import module 'handlers': No module named 'x'"
_LOGS: Final = "logs --error --since 2h"


def _repaired(shop: Shop) -> None:
    shop.api_fault = shop.worker_fault = lambda _: None
    shop.startup_error = None


@dataclass(frozen=True)
class Incident:
    """One incident.

    Attributes:
        name: The incident's description in the table of docs/incidents.md.
        begin, end: Functions that cause the fault and repair it.
        minutes: How long the fault lasts.
        commands: The commands after the repair. While there are dead letters, the last command is repeated, at most
            three times. `{order}` stands for the incident's order. `{expect}` stands for the text after `--expect` in
            the output of `order repair`.
        per_hour: How many orders customers place in an hour.
    """

    name: str
    begin: Callable[[Shop], None]
    minutes: int
    commands: Sequence[str] = ()
    end: Callable[[Shop], None] = _repaired
    per_hour: float = 60


def _worker(fault: FaultOfCall, death_line: str = "") -> Callable[[Shop], None]:
    def begin(shop: Shop) -> None:
        shop.worker_fault, shop.death_line = fault, death_line

    return begin


def _dynamodb_down(shop: Shop) -> None:
    shop.api_fault = shop.worker_fault = lambda call: unreachable if call.service == "dynamodb" else None


def _of(operation: str, fault: Fault) -> FaultOfCall:
    return lambda call: fault if call.operation == operation else None


def _denied(call: Call, perform: Perform) -> Response:
    del perform
    raise client_error(call.operation, "AuthorizationError", "not authorized to perform: SNS:Publish", http_status=403)


def _import_error(shop: Shop) -> None:
    shop.startup_error = _IMPORT


def _poison(shop: Shop) -> None:
    shop.stack.world.orders_queue.send("this is not an order")


def _corrupt_stock(shop: Shop) -> None:
    shop.stock(ODD, 10)
    shop.stack.world.cloud.dynamodb.tables[STOCK].items[(ODD,)]["available"] = {"S": "many"}
    shop.about = shop.post(ODD)


def _corrupt_order(shop: Shop) -> None:
    shop.about = shop.post()
    shop.stack.world.cloud.dynamodb.tables[ORDERS].items[str(shop.about),]["total"] = {"S": "much"}


def _corrupt_record(shop: Shop) -> None:
    shop.about = shop.post()
    row = {"id": {"S": record_id(str(shop.about))}, "status": {"S": "COMPLETED"}, "expiration": {"N": "9999999999"}}
    shop.stack.world.cloud.dynamodb.tables[WORKER_RECORDS].items[row["id"]["S"],] = row


def _table_gone(shop: Shop) -> None:
    shop.removed = shop.stack.world.cloud.dynamodb.tables.pop(WORKER_RECORDS)


def _table_restored(shop: Shop) -> None:
    if shop.removed is not None:
        shop.stack.world.cloud.dynamodb.tables[WORKER_RECORDS] = shop.removed


def _flood(shop: Shop) -> None:
    """Make dead letters: one half are malformed messages, the other half are orders after their last attempt."""
    world, letters = shop.stack.world, shop.stack.world.dead_letters
    cause = {"error_type": {"DataType": "String", "StringValue": "MALFORMED_BODY"}}
    for number in range(1000):
        letters.send(f"this is not an order {number}", cause)
    held = {shop.post() for _ in range(1000)}
    error = {"error_type": {"S": "ThrottledError"}, "error": {"S": "Still"}, "attempt": {"N": "8"}}
    for message in [*world.orders_queue.messages.values()]:
        order_id = json.loads(message.body).get("order_id")
        if order_id in held:
            letters.messages[message.message_id] = world.orders_queue.messages.pop(message.message_id)
            world.cloud.dynamodb.tables[ORDERS].items[order_id,] |= {"status": {"S": "FAILED"}, "error": {"M": error}}


def _every_25th_send_fails(shop: Shop) -> None:
    sends = iter(range(10**9))
    shop.api_fault = lambda call: server_error if call.operation == "SendMessage" and next(sends) % 25 == 0 else None


_KILLED: Final = _worker(_of("TransactWriteItems", crash_before), _EXIT)
_TIMED_OUT: Final = _worker(_of("TransactWriteItems", crash_after), _TIMEOUT)
_SET: Final = f'stock set {ODD} 10 --expect \'{{"S":"many"}}\' --yes'
_REPAIR: Final = "order repair {order} --expect {expect} --yes"
INCIDENTS: Final = (
    Incident("DynamoDB throttles every settlement, 15 min", _worker(_of("TransactWriteItems", throttled)), 15),
    Incident("DynamoDB is down, 10 min", _dynamodb_down, 10),
    Incident("SNS denies publishing, 90 min", _worker(_of("Publish", _denied)), 90, ("errors", REDRIVE)),
    Incident("the worker cannot be imported, 60 min", _import_error, 60, (_LOGS, REDRIVE)),
    Incident("each worker is killed before it settles an order, 60 min", _KILLED, 60, (_LOGS, REDRIVE)),
    Incident("each worker times out after it settled an order, 60 min", _TIMED_OUT, 60, (_LOGS, REDRIVE)),
    Incident("a malformed message", _poison, 30, ("dlq list", DISCARD)),
    Incident("a stock row without a number", _corrupt_stock, 120, ("errors", f"stock get {ODD}", _SET, REDRIVE)),
    Incident("an unreadable order row", _corrupt_order, 120, ("dlq list", _REPAIR, REDRIVE)),
    Incident("a worker's idempotency record without its result", _corrupt_record, 120, ("errors", _REPAIR, REDRIVE)),
    Incident("the worker's idempotency table is deleted, 60 min", _table_gone, 60, (REDRIVE,), _table_restored),
    Incident("2,000 dead letters with two causes", _flood, 30, ("errors", DISCARD, REDRIVE)),
    Incident("DynamoDB is down, 3 h, in a shop with 20 orders an hour", _dynamodb_down, 180, per_hour=20),
    Incident(
        "a shop with 120 orders an hour: every 25th request fails, 8 h", _every_25th_send_fails, 480, per_hour=120
    ),
)
