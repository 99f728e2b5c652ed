"""Reading one order by its id."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from runtime.models.order import OrderLine, StoredOrder
from runtime.store.dependency import calling
from runtime.store.items import from_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Not the internal error of a failed order: what is not read cannot leak.
_ATTRIBUTES: Final = (
    "order_id",
    "status",
    "caller",
    "accepted_at",
    "settled_at",
    "reason",
    "total",
    "currency",
    "lines",
    "reference",
)
_LINE_FIELDS: Final = frozenset(OrderLine.model_fields)


class OrderLookup:
    """The API's reads of the orders table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table_name = table_name

    def get(self, order_id: str) -> StoredOrder | None:
        """Return the order, or None. A caller who was answered 202 sees it at once (consistent read).

        Raises `DependencyError`, and `pydantic.ValidationError` for an item that is no order.
        """
        with calling("dynamodb:GetItem"):
            found = self._client.get_item(
                TableName=self._table_name,
                Key={"order_id": {"S": order_id}},
                ConsistentRead=True,
                ProjectionExpression=", ".join(f"#{name}" for name in _ATTRIBUTES),
                ExpressionAttributeNames={f"#{name}": name for name in _ATTRIBUTES},
            )
        if "Item" not in found:
            return None
        item = from_item(found["Item"])
        item["lines"] = [_known_fields(line) for line in item.get("lines") or ()]
        return StoredOrder.model_validate(item)


def _known_fields(line: Mapping[str, Any]) -> dict[str, Any]:
    # A newer version may have written more, and a rollback must not hide its orders.
    return {name: value for name, value in line.items() if name in _LINE_FIELDS}
