"""The immutable attributes of an order in the orders table. Either the API or the worker writes them first."""

from typing import TYPE_CHECKING

from runtime.models.order import OrderMessage
from runtime.store.items import to_attribute

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


def immutable_attributes(message: OrderMessage) -> "dict[str, AttributeValueTypeDef]":
    """Return the immutable attributes of an order by name, without its key.

    They are written with `if_not_exists`, so the values of the first writer remain.
    """
    fields = message.model_dump(exclude={"order_id"}, exclude_none=True)
    return {name: to_attribute(value) for name, value in fields.items()}
