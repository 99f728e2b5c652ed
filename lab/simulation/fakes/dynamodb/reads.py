"""GetItem, BatchGetItem and Scan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lab.simulation.fakes.dynamodb.requests import (
    Expressions,
    InvalidExpressionError,
    InvalidValueError,
    compile_request,
)
from lab.simulation.fakes.dynamodb.table import Table
from lab.simulation.fakes.dynamodb.values import Item, copy_item
from lab.simulation.fakes.errors import refuse
from lab.simulation.fakes.wire import OK, Response

_READ = frozenset(
    {
        "TableName",
        "ProjectionExpression",
        "ExpressionAttributeNames",
        "ConsistentRead",
        "ReturnConsumedCapacity",
    }
)
GET = _READ | {"Key"}
BATCH_GET = frozenset({"RequestItems", "ReturnConsumedCapacity"})
SCAN = _READ | {"ExpressionAttributeValues", "FilterExpression", "Limit", "ExclusiveStartKey", "Select"}
MAX_BATCH = 100

TableFinder = Callable[[str, str], Table]


def get(find: TableFinder, params: Mapping[str, Any]) -> Response:
    """Get one item; the answer has no ``Item`` if the item does not exist. Every read is strongly consistent."""
    table = find("GetItem", params["TableName"])
    item = _one(table, "GetItem", params["Key"], _compiled("GetItem", params))
    return {"ResponseMetadata": OK} if item is None else {"Item": item, "ResponseMetadata": OK}


def batch_get(find: TableFinder, params: Mapping[str, Any]) -> Response:
    """Get up to 100 items. ``UnprocessedKeys`` is empty unless a fault fills it."""
    responses: dict[str, list[Item]] = {}
    requested = params["RequestItems"]
    if sum(len(request["Keys"]) for request in requested.values()) > MAX_BATCH:
        refuse("BatchGetItem", "Too many items requested for the BatchGetItem call")
    for name, request in requested.items():
        table = find("BatchGetItem", name)
        expressions = _compiled("BatchGetItem", request)
        keys = [table.key_of(key, whole=True) for key in request["Keys"]]
        if len(set(keys)) != len(keys):
            refuse("BatchGetItem", "Provided list of item keys contains duplicates")
        found = (_one(table, "BatchGetItem", key, expressions) for key in request["Keys"])
        responses[name] = [item for item in found if item is not None]
    return {"Responses": responses, "UnprocessedKeys": {}, "ResponseMetadata": OK}


def scan(find: TableFinder, params: Mapping[str, Any]) -> Response:
    """Scan the items, at most ``Limit`` per call. They are sorted by key here; the service promises no sequence."""
    table = find("Scan", params["TableName"])
    return _page(table, sorted(table.items), params, _compiled("Scan", params))


def _page(
    table: Table, keys: Iterable[tuple[str, ...]], params: Mapping[str, Any], expressions: Expressions
) -> Response:
    remaining = list(keys)
    start = params.get("ExclusiveStartKey")
    if start is not None:
        after = table.key_of(start, whole=True)
        if after in remaining:
            remaining = remaining[remaining.index(after) + 1 :]
    # As in the service, the limit counts items before they are filtered. So a page can be empty although more follow.
    limit = params.get("Limit", len(remaining))
    page, rest = remaining[:limit], remaining[limit:]
    items = [table.items[key] for key in page]
    if expressions.filter is not None:
        items = [item for item in items if expressions.filter(item, expressions.values)]
    answer: Response = {"Count": len(items), "ScannedCount": len(page), "ResponseMetadata": OK}
    if params.get("Select") != "COUNT":
        answer["Items"] = [_shown(item, expressions) for item in items]
    if rest or (page and len(page) == params.get("Limit")):
        last = table.items[page[-1]]
        answer["LastEvaluatedKey"] = {name: last[name] for name in table.key_types}
    return answer


def _one(table: Table, operation: str, key: Item, expressions: Expressions) -> Item | None:
    try:
        item = table.items.get(table.key_of(key, whole=True))
    except InvalidValueError as error:
        refuse(operation, str(error))
    return None if item is None else _shown(item, expressions)


def _shown(item: Item, expressions: Expressions) -> Item:
    return copy_item(item) if expressions.projection is None else expressions.projection(item)


def _compiled(operation: str, params: Mapping[str, Any]) -> Expressions:
    try:
        return compile_request(params)
    except (InvalidExpressionError, InvalidValueError) as error:
        refuse(operation, str(error))
