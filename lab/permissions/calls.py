"""Finds the permissions that the handlers' AWS calls need on all paths of the crash-point tests."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

# The paths and faults are those of the crash-point tests, so that no second list of paths is needed. The faults reach
# the code that runs only after a failure.
from lab.simulation.crash_points.api_paths import CALLS_NOTHING
from lab.simulation.crash_points.cases import PATHS, crash_points
from lab.simulation.crash_points.disturbances import disturbances
from lab.simulation.crash_points.path import Path
from lab.simulation.crash_points.stage import Stage, staged
from lab.simulation.fakes import Call, Fault, Process
from lab.simulation.world import API_RECORDS, BUS, FIFO_SUFFIX, ORDERS, STOCK, TOPIC, WORKER_RECORDS

DISTURBANCES: Final = frozenset({"server error"})
"""This one kind of fault is enough to record the calls that the handlers make after a failure."""

# DynamoDB Developer Guide, "Using IAM with DynamoDB transactions": each item of a transaction needs the permission of
# its own action (a ConditionCheck needs ConditionCheckItem). IAM has no action TransactWriteItems.
_TRANSACTED: Final = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_OF_ONE_TABLE: Final = frozenset({"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"})
_OF_SQS: Final = frozenset({"SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"})


@dataclass(frozen=True, order=True)
class NeededPermission:
    """A permission that a call needs.

    Attributes:
        function: The function's logical name, such as `create-order`.
        action: IAM's name of the permission, such as `dynamodb:UpdateItem`.
        resource: The physical name of the resource, without the stack's prefix.
        call: The API operation that needs the permission; in a transaction also the item's kind,
            such as `TransactWriteItems (Put)`.
    """

    function: str
    action: str
    resource: str
    call: str


def permissions_of(call: Call) -> Iterator[tuple[str, str, str]]:
    """Yield action, resource (as the call names it) and operation for each permission that a call needs.

    Raises:
        LookupError: the permissions of this operation are not known here.
    """
    operation, params = call.operation, call.params
    if call.service == "dynamodb" and operation in _OF_ONE_TABLE:
        yield f"dynamodb:{operation}", params["TableName"], operation
    elif call.service == "dynamodb" and operation in {"TransactWriteItems", "TransactGetItems"}:
        yield from (_of_item(operation, item) for item in params["TransactItems"])
    # SQS Developer Guide, "Amazon SQS API permissions": a batch needs the permission of the single operation.
    elif call.service == "sqs" and operation.removesuffix("Batch") in _OF_SQS:
        yield f"sqs:{operation.removesuffix('Batch')}", params["QueueUrl"], operation
    elif call.service == "sns" and operation in {"Publish", "PublishBatch"}:
        yield "sns:Publish", params["TopicArn"], operation
    # EventBridge User Guide, "Permissions reference": PutEvents needs the permission on each entry's bus.
    elif call.service == "events" and operation == "PutEvents":
        yield from ((f"events:{operation}", entry["EventBusName"], operation) for entry in params["Entries"])
    else:
        message = (
            f"the call {call.service} {operation} is not known in lab/permissions/calls.py; add it there "
            "with the permission from AWS's Service Authorization Reference"
        )
        raise LookupError(message)


def _of_item(operation: str, item: Mapping[str, Any]) -> tuple[str, str, str]:
    ((kind, content),) = item.items()
    return f"dynamodb:{_TRANSACTED[kind]}", content["TableName"], f"{operation} ({kind})"


@cache
def needed_permissions() -> frozenset[NeededPermission]:
    """Return the permissions that the handlers need on all paths, without a fault and with a fault at each call."""
    return frozenset(found for path in (*PATHS, *CALLS_NOTHING) for found in _needed_on(path))


def needed_permissions_with(*, bus: bool) -> frozenset[NeededPermission]:
    """Return the permissions that the handlers need in a stack that publishes to a bus (`bus`) or to a topic."""
    elsewhere = "sns:Publish" if bus else "events:PutEvents"
    return frozenset(each for each in needed_permissions() if each.action != elsewhere)


def _needed_on(path: Path) -> Iterator[NeededPermission]:
    yield from _run(path, {})
    for call in crash_points(path):
        for disturbance in disturbances(call):
            if disturbance.name in DISTURBANCES:
                with staged(path.deployment) as stage:
                    yield from _run(path, {call.index: disturbance.fault(stage)})


def _run(path: Path, faults: Mapping[int, Fault]) -> Iterator[NeededPermission]:
    with staged(path.deployment) as stage:
        process = Process(faults=faults, on_call=path.background)
        path.prepare(stage)(process)
        names = _names(stage)
        for call in process.calls:
            for action, resource, how in permissions_of(call):
                yield NeededPermission(path.function.replace("_", "-"), action, names[resource], how)


def _names(stage: Stage) -> Mapping[str, str]:
    """Return the real name, without a stack's prefix, of each resource of the simulated deployment."""
    return {
        ORDERS: "orders",
        STOCK: "stock",
        API_RECORDS: "api-idempotency-table",
        WORKER_RECORDS: "worker-idempotency-table",
        stage.world.orders_queue.url: "orders-queue",
        stage.world.dead_letters.url: "orders-queue-dlq",
        TOPIC: "notifications",
        TOPIC + FIFO_SUFFIX: "notifications",
        BUS: "event-bus/events",
    }
