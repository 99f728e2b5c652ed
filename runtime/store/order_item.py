"""Form of an order in the orders table, for whoever writes it first."""

from typing import TYPE_CHECKING

from runtime.models.order import OrderMessage
from runtime.store.items import to_attribute

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


def immutable_attributes(message: OrderMessage) -> "dict[str, AttributeValueTypeDef]":
    """Everything about an order that never changes, by attribute name; without its key and its status.

    Written with `if_not_exists`, so the first writer's values stay, whoever that is.
    """
    fields = message.model_dump(exclude={"order_id"}, exclude_none=True)
    return {name: to_attribute(value) for name, value in fields.items()}
