"""Reads one order by its id."""

from typing import TYPE_CHECKING, Final

from runtime.models.answers import OrderView
from runtime.models.order import StoredOrder
from runtime.store.dependency import calling
from runtime.store.items import to_order

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The internal error of a failed order is not read, so it cannot leak.
_ATTRIBUTES: Final = tuple(name for name in StoredOrder.model_fields if name in {"caller", *OrderView.model_fields})


class OrderLookup:
    """The API's reads of the orders table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table_name = table_name

    def get(self, order_id: str) -> StoredOrder | None:
        """Return the order, or None. The read is consistent, so that a caller finds the order right after the 202.

        Raises `DependencyError`, and `CorruptDataError` for an item that is no order.
        """
        with calling("dynamodb:GetItem"):
            found = self._client.get_item(
                TableName=self._table_name,
                Key={"order_id": {"S": order_id}},
                ConsistentRead=True,
                ProjectionExpression=", ".join(f"#{name}" for name in _ATTRIBUTES),
                ExpressionAttributeNames={f"#{name}": name for name in _ATTRIBUTES},
            )
        return to_order(found["Item"]) if "Item" in found else None
