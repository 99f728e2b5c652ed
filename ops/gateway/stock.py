"""The stock table, as people change it: never blindly, because orders take stock meanwhile."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from ops.errors import RefusedError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MISSING: Final = "missing"
"""Shown for a row without its attribute."""
_WHOLE: Final = re.compile(r"-?[0-9]{1,38}")


@dataclass(frozen=True, slots=True)
class Count:
    """What a row of the stock table says.

    Attributes:
        available: How many there are; none if what is stored is no whole number.
        stored: The attribute in DynamoDB's JSON; none if the row has none.
    """

    available: int | None
    stored: Mapping[str, Any] | None

    def __str__(self) -> str:
        if self.available is not None:
            return str(self.available)
        return MISSING if self.stored is None else json.dumps(self.stored, separators=(",", ":"), default=str)


class Stock:
    """What is available of each article."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, sku: str) -> Count | None:
        """What the article's row says; none if the article is unknown."""
        answer = self._client.get_item(TableName=self._table, Key={"sku": {"S": sku}}, ConsistentRead=True)
        return _count(answer["Item"].get("available")) if "Item" in answer else None

    def add(self, sku: str, count: int, *, new: bool) -> None:
        """Add `count`; a `new` article begins with it.

        Raises:
            RefusedError: the article is unknown and not said to be new, or known and said to be.
        """
        value = {":value": {"N": str(count)}}
        if new:
            self._change(sku, "SET #available = :value", "attribute_not_exists(#available)", value)
        else:
            condition = "attribute_exists(#available)"
            self._change(sku, "SET #available = #available + :value", condition, value)

    def replace(self, sku: str, count: int, expected: Count) -> None:
        """Set to `count` if the row says `expected` now, whatever that is.

        Raises:
            RefusedError: it does not.
        """
        values: dict[str, Any] = {":value": {"N": str(count)}}
        condition = "attribute_exists(#sku) AND attribute_not_exists(#available)"
        if expected.stored is not None:
            condition, values[":expected"] = "#available = :expected", expected.stored
        self._change(sku, "SET #available = :value", condition, values)

    def _change(self, sku: str, update: str, condition: str, values: Mapping[str, Any]) -> None:
        named = [name for name in ("available", "sku") if f"#{name}" in f"{update} {condition}"]
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
                            "ExpressionAttributeNames": {f"#{name}": name for name in named},
                            "ExpressionAttributeValues": values,
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


def _count(stored: Any) -> Count:
    number = str(stored.get("N", "")) if stored else ""
    return Count(int(number) if _WHOLE.fullmatch(number) else None, stored)
