"""Requests to DynamoDB: results of writes, errors of failed conditions, and transactions."""

from __future__ import annotations

from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from tests.flow.conformance.backends import Backend
from tests.flow.conformance.scenario import code_of, registry

API = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/"
PUT, UPDATE, TRANSACT = API + "API_PutItem.html", API + "API_UpdateItem.html", API + "API_TransactWriteItems.html"

SCENARIOS, scenario = registry()
KEY = {"id": {"S": "1"}}


def _item(number: int = 1, **more: Any) -> dict[str, Any]:
    return {**KEY, "n": {"N": str(number)}, **more}


def _update(table: str, key: str, change: int, at_least: int, **more: Any) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": table,
            "Key": {"id": {"S": key}},
            "UpdateExpression": "SET n = n - :q",
            "ConditionExpression": "n >= :min",
            "ExpressionAttributeValues": {":q": {"N": str(change)}, ":min": {"N": str(at_least)}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **more,
        }
    }


def _cancelled(backend: Backend, items: list[Any]) -> Any:
    try:
        backend.dynamodb.transact_write_items(TransactItems=items)
    except ClientError as error:
        reasons: Any = error.response.get("CancellationReasons", [])
        return error.response["Error"]["Code"], [(reason["Code"], reason.get("Item")) for reason in reasons]
    return "ok"


@scenario(expected={"n": {"N": "1"}, "id": {"S": "1"}}, docs=PUT)
def failed_put_returns_the_old_item(backend: Backend) -> Any:
    table = backend.table()
    backend.dynamodb.put_item(TableName=table, Item=_item())
    try:
        backend.dynamodb.put_item(
            TableName=table,
            Item=_item(2),
            ConditionExpression="attribute_not_exists(id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        return error.response.get("Item")
    return "ok"


@scenario(expected=(False, "The conditional request failed"), docs=PUT)
def failed_put_returns_no_item_by_default(backend: Backend) -> Any:
    table = backend.table()
    backend.dynamodb.put_item(TableName=table, Item=_item())
    try:
        backend.dynamodb.put_item(TableName=table, Item=_item(2), ConditionExpression="attribute_not_exists(id)")
    except ClientError as error:
        return "Item" in error.response, error.response["Error"]["Message"]
    return "ok"


@scenario(expected=[None, {**KEY, "n": {"N": "1"}}], docs=PUT)
def put_returns_all_old(backend: Backend) -> Any:
    table = backend.table()
    return [
        backend.dynamodb.put_item(TableName=table, Item=_item(number), ReturnValues="ALL_OLD").get("Attributes")
        for number in (1, 2)
    ]


@scenario(
    expected={
        "NONE": None,
        "ALL_OLD": {**KEY, "n": {"N": "1"}, "other": {"S": "x"}},
        "ALL_NEW": {**KEY, "n": {"N": "2"}, "other": {"S": "x"}},
    },
    docs=UPDATE,
)
def update_can_return_nothing_or_the_old_or_the_new_item(backend: Backend) -> Any:
    table = backend.table()
    kinds: tuple[Any, ...] = ("NONE", "ALL_OLD", "ALL_NEW")
    seen: dict[str, Any] = {}
    for kind in kinds:
        backend.dynamodb.put_item(TableName=table, Item=_item(1, other={"S": "x"}))
        seen[kind] = backend.dynamodb.update_item(
            TableName=table,
            Key=KEY,
            UpdateExpression="SET n = n + :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues=kind,
        ).get("Attributes")
    return seen


@scenario(expected={**KEY, "n": {"N": "7"}}, docs=UPDATE)
def update_creates_a_missing_item(backend: Backend) -> Any:
    table = backend.table()
    return backend.dynamodb.update_item(
        TableName=table,
        Key=KEY,
        UpdateExpression="SET n = if_not_exists(n, :n)",
        ExpressionAttributeValues={":n": {"N": "7"}},
        ReturnValues="ALL_NEW",
    )["Attributes"]


@scenario(
    expected=["ValidationException"] * 3, docs=API + "API_PutItem.html#DDB-PutItem-request-ExpressionAttributeNames"
)
def every_placeholder_must_be_used(backend: Backend) -> Any:
    table = backend.table()
    condition = {"ConditionExpression": "attribute_not_exists(id)"}
    extra: list[Any] = [
        {**condition, "ExpressionAttributeNames": {"#unused": "n"}},
        {**condition, "ExpressionAttributeValues": {":unused": {"N": "1"}}},
        {"ExpressionAttributeValues": {":unused": {"N": "1"}}},
    ]
    return [code_of(partial(backend.dynamodb.put_item, TableName=table, Item=_item(), **one)) for one in extra]


@scenario(expected=["ValidationException", "ValidationException", "ResourceNotFoundException"], docs=PUT)
def keys_and_table_names_are_checked(backend: Backend) -> Any:
    table = backend.table()
    return [
        code_of(lambda: backend.dynamodb.put_item(TableName=table, Item={"id": {"S": ""}})),
        code_of(lambda: backend.dynamodb.put_item(TableName=table, Item={"n": {"N": "1"}})),
        code_of(lambda: backend.dynamodb.put_item(TableName="no-such-table", Item=_item())),
    ]


@scenario(
    expected=(
        (
            "TransactionCanceledException",
            [("None", None), ("ConditionalCheckFailed", {"id": {"S": "b"}, "n": {"N": "1"}})],
        ),
        ["10", "1"],
    ),
    docs=TRANSACT,
)
def a_transaction_is_all_or_nothing(backend: Backend) -> Any:
    table = backend.table()
    for key, number in (("a", 10), ("b", 1)):
        backend.dynamodb.put_item(TableName=table, Item={"id": {"S": key}, "n": {"N": str(number)}})
    seen = _cancelled(backend, [_update(table, "a", 2, 2), _update(table, "b", 2, 2)])
    return seen, [
        backend.dynamodb.get_item(TableName=table, Key={"id": {"S": key}})["Item"]["n"]["N"] for key in ("a", "b")
    ]


@scenario(expected=("TransactionCanceledException", [("ConditionalCheckFailed", None), ("None", None)]), docs=TRANSACT)
def a_cancellation_shows_no_item_if_the_item_is_missing(backend: Backend) -> Any:
    table = backend.table()
    put = {"Put": {"TableName": table, "Item": {"id": {"S": "z"}}}}
    return _cancelled(backend, [_update(table, "absent", 1, 1), put])


@scenario(
    expected=("TransactionCanceledException", [("ConditionalCheckFailed", None), ("ConditionalCheckFailed", None)]),
    docs=TRANSACT,
)
def every_failing_item_has_its_reason(backend: Backend) -> Any:
    table = backend.table()
    return _cancelled(backend, [_update(table, "a", 1, 1), _update(table, "b", 1, 1)])


@scenario(expected="ValidationException", docs=TRANSACT)
def a_transaction_has_at_most_one_operation_per_item(backend: Backend) -> Any:
    table = backend.table()
    items: list[Any] = [_update(table, "a", 1, 1), _update(table, "a", 1, 1)]
    return code_of(lambda: backend.dynamodb.transact_write_items(TransactItems=items))


@scenario(expected=("8", "IdempotentParameterMismatchException"), docs=TRANSACT)
def a_token_makes_a_transaction_idempotent(backend: Backend) -> Any:
    table = backend.table()
    backend.dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}, "n": {"N": "10"}})
    token = backend.fresh("token")
    items: list[Any] = [_update(table, "a", 2, 2)]
    for _ in range(2):
        backend.dynamodb.transact_write_items(TransactItems=items, ClientRequestToken=token)
    other: list[Any] = [_update(table, "a", 3, 2)]
    code = code_of(lambda: backend.dynamodb.transact_write_items(TransactItems=other, ClientRequestToken=token))
    return backend.dynamodb.get_item(TableName=table, Key={"id": {"S": "a"}})["Item"]["n"]["N"], code


@scenario(expected=("ok", {"id": {"S": "a"}, "n": {"N": "5"}}, None), docs=TRANSACT)
def a_transaction_puts_deletes_and_checks(backend: Backend) -> Any:
    table = backend.table()
    for key in ("b", "c"):
        backend.dynamodb.put_item(TableName=table, Item={"id": {"S": key}})
    items: list[Any] = [
        {"Put": {"TableName": table, "Item": {"id": {"S": "a"}, "n": {"N": "5"}}}},
        {"Delete": {"TableName": table, "Key": {"id": {"S": "b"}}}},
        {
            "ConditionCheck": {
                "TableName": table,
                "Key": {"id": {"S": "c"}},
                "ConditionExpression": "attribute_exists(id)",
            }
        },
    ]
    code = code_of(lambda: backend.dynamodb.transact_write_items(TransactItems=items))
    stored = [backend.dynamodb.get_item(TableName=table, Key={"id": {"S": key}}).get("Item") for key in ("a", "b")]
    return code, *stored


@scenario(expected=[["a"], 2], docs=API + "API_BatchGetItem.html")
def reads_can_be_projected_and_paged(backend: Backend) -> Any:
    table = backend.table()
    for key in ("a", "b"):
        backend.dynamodb.put_item(TableName=table, Item={"id": {"S": key}, "n": {"N": "1"}})
    batch = backend.dynamodb.batch_get_item(
        RequestItems={table: {"Keys": [{"id": {"S": "a"}}, {"id": {"S": "no"}}], "ProjectionExpression": "id"}}
    )
    first = backend.dynamodb.scan(TableName=table, Limit=1)
    second = backend.dynamodb.scan(TableName=table, ExclusiveStartKey=first["LastEvaluatedKey"])
    return [
        [item["id"]["S"] for item in batch["Responses"][table] if set(item) == {"id"}],
        first["Count"] + second["Count"],
    ]
