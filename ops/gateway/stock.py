"""Reads and changes the stock table. Every change is conditional, because orders take stock at the same time.

`audit` uses a reference point in the row: a time (`counted_at`) and the count at that time (`opening`). The tools write
a new reference point when they set a count or add an article. Units that are added later are added to `opening` too.
The worker changes only `available`.
"""

import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from ops.errors import RefusedError
from ops.gateway.rows import Item
from runtime.logic.clock import Clock, timestamp
from runtime.models.fields import from_timestamp, to_timestamp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MISSING: Final = "missing"
"""Shown instead of the count if the row has no attribute `available`."""
_WHOLE: Final = re.compile(r"-?[0-9]{1,38}")
_NAMES: Final = ("available", "sku", "opening", "counted_at")
_COUNTED: Final = "SET #available = :value, #opening = :value, #counted_at = :now"


@dataclass(frozen=True, slots=True)
class Count:
    """Content of a row of the stock table.

    Attributes:
        available: Available units; `None` if the stored value is not a whole number.
        stored: The attribute `available` in DynamoDB's JSON; `None` if the row does not have it.
        opening: Units at the reference point plus those added since; `None` without a reference point.
        counted_at: Time of the reference point (`Timestamp`). If `opening` is set without `counted_at`, `audit` counts
            the units of all confirmed orders, because it has no time to start from.
    """

    available: int | None
    stored: Mapping[str, Any] | None
    opening: int | None = None
    counted_at: str | None = None

    def __str__(self) -> str:
        if self.available is not None:
            return str(self.available)
        return MISSING if self.stored is None else json.dumps(self.stored, separators=(",", ":"), default=str)


class Stock:
    """Stock table: the available units of each article."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Clock = time) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._server_date: str | None = None

    def get(self, sku: str) -> Count | None:
        """Read the article's row; `None` if the article is unknown."""
        answer = self._client.get_item(TableName=self._table, Key={"sku": {"S": sku}}, ConsistentRead=True)
        self._server_date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        return count_of(answer["Item"]) if "Item" in answer else None

    def add(self, sku: str, count: int, before: Count | None) -> None:
        """Add `count` units. An article without a row gets a row.

        Raises:
            RefusedError: the row or its reference point was created or removed after `before` was read, the reference
                point is unreadable, or an order is changing the row.
        """
        values = {":value": {"N": str(count)}}
        if before is None:
            self._change(sku, _COUNTED, "attribute_not_exists(#available)", values)
        elif before.opening is None:
            condition = "attribute_exists(#available) AND attribute_not_exists(#opening)"
            self._change(sku, "SET #available = #available + :value", condition, values)
        else:
            condition = "attribute_exists(#available) AND attribute_exists(#opening)"
            update = "SET #available = #available + :value, #opening = #opening + :value"
            self._change(sku, update, condition, values)

    def replace(self, sku: str, count: int, expected: Count) -> None:
        """Set the count if the row's count is still `expected.stored`. The stored value need not be a number.

        Raises:
            RefusedError: the row has another value, or an order is changing it.
        """
        values: dict[str, Any] = {":value": {"N": str(count)}}
        condition = "attribute_exists(#sku) AND attribute_not_exists(#available)"
        if expected.stored is not None:
            condition, values[":expected"] = "#available = :expected", expected.stored
        self._change(sku, _COUNTED, condition, values)

    def _change(self, sku: str, update: str, condition: str, values: Mapping[str, Any]) -> None:
        named = [name for name in _NAMES if f"#{name}" in f"{update} {condition}"]
        moment = {":now": {"S": self._now()}} if ":now" in update else {}
        # A transaction has a client token. Without the token, a retry after a lost answer would add the units twice.
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
                            "ExpressionAttributeValues": {**values, **moment},
                        }
                    }
                ],
                ClientRequestToken=str(uuid.uuid4()),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            raise RefusedError(
                f"The stock of {sku} is not what was expected (now: {self.get(sku) or 'no row'}), or an order is "
                f"changing it at this moment. Nothing was changed. Look, and try again: python -m ops stock get {sku}"
            ) from None

    def _now(self) -> str:
        # Prefer AWS's time, which the worker uses too: this machine's clock may be wrong by minutes.
        return (
            timestamp(self._clock)
            if self._server_date is None
            else to_timestamp(parsedate_to_datetime(self._server_date))
        )


def count_of(item: Item) -> Count:
    """Read a row. Values that another program wrote may be invalid; they become `None`."""
    since, opening = item.get("counted_at", {}).get("S"), _whole(item.get("opening"))
    if "counted_at" in item and not _is_moment(since):
        opening = None
    return Count(_whole(item.get("available")), item.get("available"), opening, None if opening is None else since)


def _is_moment(text: Any) -> bool:
    try:
        return from_timestamp(text).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _whole(stored: Any) -> int | None:
    number = str(stored.get("N", "")) if stored else ""
    return int(number) if _WHOLE.fullmatch(number) else None
