"""Stores an order that the API accepts (docs/adr/0003-api-upserts.md)."""

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from runtime.models.order import OrderMessage, OrderStatus
from runtime.store.dependency import calling, error_code
from runtime.store.order_item import immutable_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UpdateItemInputTypeDef, UpdateItemOutputTypeDef

_CONFLICT_ATTEMPTS: Final = 6
_CONFLICT_BASE_SECONDS: Final = 0.02


class OrderIntake:
    """The API's writes to the orders table."""

    def __init__(self, client: "DynamoDBClient", table_name: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._table_name = table_name
        self._sleep = sleep

    def upsert_accepted(self, message: OrderMessage) -> str:
        """Store the order as `ACCEPTED`. Fields that are already stored do not change.

        Returns the stored `accepted_at`: the value that the API or the worker wrote first.
        Raises `DependencyError`; the order may still have been stored.
        """
        with calling("dynamodb:UpdateItem"):
            stored = self._update(self._upsert(message))
        return stored["Attributes"]["accepted_at"]["S"]

    def _update(self, request: "UpdateItemInputTypeDef") -> "UpdateItemOutputTypeDef":
        # The message was sent before, so the worker may be settling this order in a transaction. During those few
        # milliseconds DynamoDB refuses the write, and botocore does not retry it.
        for attempt in range(_CONFLICT_ATTEMPTS - 1):
            try:
                return self._client.update_item(**request)
            except ClientError as error:
                if error_code(error) != "TransactionConflictException":
                    raise
                self._sleep(random.uniform(0.5, 1) * _CONFLICT_BASE_SECONDS * 2**attempt)  # noqa: S311 - jitter
        return self._client.update_item(**request)

    def _upsert(self, message: OrderMessage) -> "UpdateItemInputTypeDef":
        values = {**immutable_attributes(message), "status": {"S": OrderStatus.ACCEPTED.value}}
        # Every name has a placeholder, because `status`, `lines`, `total` … are or may become reserved words.
        return {
            "TableName": self._table_name,
            "Key": {"order_id": {"S": message.order_id}},
            "UpdateExpression": "SET " + ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in values),
            "ExpressionAttributeNames": {f"#{name}": name for name in values},
            "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
            "ReturnValues": "ALL_NEW",
        }
