"""The worker's writes of orders and stock.

Every write of an order is an upsert with one condition: the order is not stored yet, or it is still open. So the worker
may run before the API's write, and no late run changes an outcome.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from runtime.logic.cancelled_transaction import ItemReason, SettlementCancelledError
from runtime.logic.failures import BusyError, CorruptDataError
from runtime.logic.protocols import Written
from runtime.models.order import OPEN_STATUSES, OrderMessage, OrderStatus, Reason, StoredOrder, quantities
from runtime.store.dependency import error_code
from runtime.store.items import from_item, to_attribute, to_order
from runtime.store.order_item import immutable_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        TransactWriteItemTypeDef,
        UpdateTypeDef,
    )

# DynamoDB's temporary errors. botocore retries some of them, but not for long enough.
_CONTENTION_CODES: Final = frozenset(
    {
        "TransactionConflictException",
        "TransactionInProgressException",
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
    }
)
# The fields that a message may lack. Settling writes a NULL for each missing field, so that a later run of the API
# (it writes with `if_not_exists`) cannot add the field. An added field would change the bytes of a repeated event.
_OPTIONAL: Final = tuple(
    name for name, field in OrderMessage.model_fields.items() if not field.is_required() and field.default is None
)
_NULL: "Final[AttributeValueTypeDef]" = {"NULL": True}


@dataclass(slots=True)
class _Assignments:
    """The assignments of an update. Every name has a placeholder, because some, like `status`, are reserved."""

    parts: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    values: "dict[str, AttributeValueTypeDef]" = field(default_factory=dict)

    def put(self, name: str, value: "AttributeValueTypeDef", *, keep: bool = False) -> None:
        self.parts.append(f"#{name} = if_not_exists(#{name}, :{name})" if keep else f"#{name} = :{name}")
        self.names[f"#{name}"] = name
        self.values[f":{name}"] = value


class SettlementStore:
    """Writes to the tables of orders and stock. Implements `runtime.logic.protocols.Settlements`."""

    def __init__(self, client: "DynamoDBClient", orders_table: str, stock_table: str) -> None:
        self._client = client
        self._orders_table = orders_table
        self._stock_table = stock_table

    def confirm(self, orders: Sequence[OrderMessage], *, settled_at: str, token: str) -> None:
        """Write one transaction: each order's row, then each article's row.

        The SDK's retries of the call share `token`. If the call succeeded but its answer was lost,
        DynamoDB reports success to the retry, without evaluating the conditions again.
        """
        items: list[TransactWriteItemTypeDef] = [
            {"Update": self._outcome(order, OrderStatus.CONFIRMED, settled_at, None)} for order in orders
        ]
        items += [{"Update": self._take(sku, quantity)} for sku, quantity in quantities(orders).items()]
        try:
            self._client.transact_write_items(TransactItems=items, ClientRequestToken=token)
        except ClientError as error:
            if error_code(error) == "TransactionCanceledException":
                raise _cancelled(error, len(orders), len(items)) from error
            _raise_if_busy(error)
            raise

    def reject(self, message: OrderMessage, reason: Reason, *, settled_at: str) -> Written:
        """Write the outcome unless the order is final. Return the stored row in both cases."""
        item, by_us = self._write(self._outcome(message, OrderStatus.REJECTED, settled_at, reason))
        return Written(to_order(item), by_us)

    def mark_failed(self, order_id: str, error: Mapping[str, str | int], message: OrderMessage | None) -> None:
        """Mark the order `FAILED` unless it is final."""
        assignments = _Assignments()
        assignments.put("status", {"S": OrderStatus.FAILED.value})
        assignments.put("error", {"M": {name: to_attribute(value) for name, value in error.items()}})
        for name, value in (immutable_attributes(message) if message else {}).items():
            assignments.put(name, value, keep=True)
        self._write(self._upsert(order_id, assignments))

    def find(self, order_id: str) -> StoredOrder | None:
        """Read the order by a consistent read."""
        answer = self._client.get_item(
            TableName=self._orders_table, Key={"order_id": {"S": order_id}}, ConsistentRead=True
        )
        return to_order(answer["Item"]) if "Item" in answer else None

    def _write(self, update: "UpdateTypeDef") -> tuple[Mapping[str, Any], bool]:
        """Write the update. Return the stored item, and whether the condition was true.

        If the answer to a write that made the order final is lost, the SDK's retry finds the condition false.
        """
        try:
            answer = self._client.update_item(**update, ReturnValues="ALL_NEW")
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return _response(error).get("Item", {}), False
            _raise_if_busy(error)
            raise
        return answer["Attributes"], True

    def _outcome(
        self, message: OrderMessage, status: OrderStatus, settled_at: str, reason: Reason | None
    ) -> "UpdateTypeDef":
        assignments = _Assignments()
        assignments.put("status", {"S": status.value})
        assignments.put("settled_at", {"S": settled_at})
        if reason is not None:
            skus: list[AttributeValueTypeDef] = [{"S": sku} for sku in reason.skus]
            assignments.put("reason", {"M": {"code": {"S": reason.code.value}, "skus": {"L": skus}}})
        immutable = {**dict.fromkeys(_OPTIONAL, _NULL), **immutable_attributes(message)}
        for name, value in immutable.items():
            assignments.put(name, value, keep=True)
        update = self._upsert(message.order_id, assignments)
        update["UpdateExpression"] += " REMOVE #error"
        update["ExpressionAttributeNames"] = {**assignments.names, "#error": "error"}
        return update

    def _upsert(self, order_id: str, assignments: _Assignments) -> "UpdateTypeDef":
        open_statuses: dict[str, AttributeValueTypeDef] = {
            f":open{index}": {"S": status.value} for index, status in enumerate(OPEN_STATUSES)
        }
        return {
            "TableName": self._orders_table,
            "Key": {"order_id": {"S": order_id}},
            "ConditionExpression": f"attribute_not_exists(#status) OR #status IN ({', '.join(open_statuses)})",
            "UpdateExpression": f"SET {', '.join(assignments.parts)}",
            "ExpressionAttributeNames": assignments.names,
            "ExpressionAttributeValues": {**assignments.values, **open_statuses},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _take(self, sku: str, quantity: int) -> "UpdateTypeDef":
        return {
            "TableName": self._stock_table,
            "Key": {"sku": {"S": sku}},
            "ConditionExpression": "#available >= :quantity",
            "UpdateExpression": "SET #available = #available - :quantity",
            "ExpressionAttributeNames": {"#available": "available"},
            "ExpressionAttributeValues": {":quantity": {"N": str(quantity)}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


def _cancelled(error: ClientError, orders: int, count: int) -> SettlementCancelledError:
    reasons = _response(error).get("CancellationReasons") or []
    if len(reasons) != count:
        raise CorruptDataError(f"DynamoDB gave {len(reasons)} cancellation reasons for {count} items.") from error
    stored = to_order(reasons[0]["Item"]) if reasons[0].get("Item") else None
    each = tuple(_item_reason(reason) for reason in reasons)
    return SettlementCancelledError(each[:orders], stored, each[orders:])


def _item_reason(reason: Mapping[str, Any]) -> ItemReason:
    item = reason.get("Item")
    return ItemReason(reason.get("Code") or "None", from_item(item) if item else None)


def _raise_if_busy(error: ClientError) -> None:
    if error_code(error) in _CONTENTION_CODES:
        raise BusyError(error_code(error)) from error


def _response(error: ClientError) -> Mapping[str, Any]:
    # The type stubs have only the members that all errors have.
    response: Mapping[str, Any] = error.response
    return response
