"""Converts Python values to DynamoDB items and back."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from pydantic import ValidationError

from runtime.logic.failures import CorruptDataError, validation_text
from runtime.models.order import OrderLine, StoredOrder

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_SERIALIZER: Final = TypeSerializer()
_DESERIALIZER: Final = TypeDeserializer()


def to_attribute(value: Any) -> "AttributeValueTypeDef":
    """Return a value in DynamoDB's JSON; `None` becomes NULL.

    Raises `TypeError` for a float. Amounts of money are stored as text, never as floats.
    """
    attribute: AttributeValueTypeDef = _SERIALIZER.serialize(value)
    return attribute


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item in DynamoDB's JSON as Python values; whole numbers become `int`, others `Decimal`."""
    return {name: _plain(_DESERIALIZER.deserialize(value)) for name, value in item.items()}


def to_order(item: Mapping[str, Any]) -> StoredOrder:
    """Return the order in an item of the orders table.

    Raises:
        CorruptDataError: the item is no order, or only a newer version can read it.
    """
    # When an order is settled, each optional field that its message lacks is stored as NULL. For
    # `StoredOrder`, a missing field means the same, so NULLs are left out here.
    fields = {name: value for name, value in from_item(item).items() if value is not None}
    try:
        # Unknown fields of a line are ignored. A newer version may have written them, and after a rollback this version
        # must read those orders.
        fields["lines"] = [{name: line[name] for name in OrderLine.model_fields} for line in fields.get("lines", ())]
        return StoredOrder.model_validate(fields)
    except ValidationError as error:
        raise CorruptDataError(f"An item of the orders table is not an order: {validation_text(error)}") from None
    except (KeyError, TypeError):
        raise CorruptDataError("An item of the orders table is not an order: its lines are unreadable.") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
