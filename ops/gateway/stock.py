"""The stock table, as people change it: never blindly, because orders take stock meanwhile."""

import uuid
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ops.errors import RefusedError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Stock:
    """What is available of each article."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, sku: str) -> int | None:
        """How many are available; none if the article is unknown."""
        answer = self._client.get_item(TableName=self._table, Key={"sku": {"S": sku}}, ConsistentRead=True)
        return int(answer["Item"]["available"]["N"]) if "Item" in answer else None

    def add(self, sku: str, count: int, *, new: bool) -> None:
        """Add `count`; a `new` article begins with it.

        Raises:
            RefusedError: the article is unknown and not said to be new, or known and said to be.
        """
        if new:
            self._change(sku, "SET #available = :value", "attribute_not_exists(#available)", {":value": count})
        else:
            condition = "attribute_exists(#available)"
            self._change(sku, "SET #available = #available + :value", condition, {":value": count})

    def replace(self, sku: str, count: int, expected: int) -> None:
        """Set to `count` if it is `expected` now.

        Raises:
            RefusedError: it is not.
        """
        values = {":value": count, ":expected": expected}
        self._change(sku, "SET #available = :value", "#available = :expected", values)

    def _change(self, sku: str, update: str, condition: str, values: dict[str, int]) -> None:
        # A transaction of one, for its token: a lost answer and the client's own retry would otherwise add twice.
        try:
            self._client.transact_write_items(
                TransactItems=[
                    {
                        "Update": {
                            "TableName": self._table,
                            "Key": {"sku": {"S": sku}},
                            "UpdateExpression": update,
                            "ConditionExpression": condition,
                            "ExpressionAttributeNames": {"#available": "available"},
                            "ExpressionAttributeValues": {name: {"N": str(value)} for name, value in values.items()},
                        }
                    }
                ],
                ClientRequestToken=str(uuid.uuid4()),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            raise RefusedError(
                f"The stock of {sku} is not what was expected (now: {self.get(sku)}), or an order is taking from it "
                f"this moment. Nothing was changed. Look, and try again: python -m ops stock get {sku}"
            ) from None
