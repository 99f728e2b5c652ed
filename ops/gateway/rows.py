"""Reads many rows of tables, and counts requests, returned rows and read units."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ops.errors import OpsError
from ops.logic.counts import counted

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = Mapping[str, Any]
"""A row in DynamoDB's JSON."""
_MAX_KEYS: Final = 100
_MOST_TRIES: Final = 8


@dataclass
class Rows:
    """Consistent reads of many rows.

    Attributes:
        requests, rows: Number of requests made, and of rows returned.
        units: Read units that DynamoDB reported; `None` if it has reported none.
    """

    client: "DynamoDBClient"
    sleep: Callable[[float], None] = time.sleep
    requests: int = field(default=0, init=False)
    rows: int = field(default=0, init=False)
    units: float | None = field(default=None, init=False)

    def scan(self, table: str, **options: Any) -> Iterator[Sequence[Item]]:
        """Read all rows, page by page. `options` are options of Scan, such as a filter that selects rows."""
        start: Any = {}
        while True:
            page: Any = self.client.scan(
                TableName=table, ConsistentRead=True, ReturnConsumedCapacity="TOTAL", **options, **start
            )
            self._count(len(page["Items"]), [page.get("ConsumedCapacity")])
            yield page["Items"]
            if not page.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def get(self, table: str, key: str, values: Sequence[str]) -> Iterator[Item]:
        """Read the rows with these keys, which must be distinct. Keys without a row are left out.

        Raises:
            OpsError: DynamoDB throttles for too long.
        """
        for start in range(0, len(values), _MAX_KEYS):
            yield from self._batch(table, [{key: {"S": value}} for value in values[start : start + _MAX_KEYS]])

    def _batch(self, table: str, keys: list[dict[str, Any]]) -> Iterator[Item]:
        for attempt in range(_MOST_TRIES):
            answer: dict[str, Any] = {
                **self.client.batch_get_item(
                    RequestItems={table: {"Keys": keys, "ConsistentRead": True}}, ReturnConsumedCapacity="TOTAL"
                )
            }
            found = answer["Responses"].get(table, ())
            self._count(len(found), answer.get("ConsumedCapacity", ()))
            yield from found
            unread = answer.get("UnprocessedKeys", {}).get(table)
            if not unread:
                return
            keys = unread["Keys"]
            # DynamoDB returned only a part: it throttled the read, or the answer reached 16 MB. Wait, then try again.
            self.sleep(0.1 * 2**attempt)
        raise OpsError(
            f"DynamoDB did not return {counted(len(keys), 'requested row')} of {table}. Try again in a minute."
        )

    def _count(self, rows: int, consumed: Sequence[Any]) -> None:
        self.requests += 1
        self.rows += rows
        capacities = [each["CapacityUnits"] for each in consumed if each]
        if capacities:
            self.units = (self.units or 0) + sum(capacities)
