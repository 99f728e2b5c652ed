"""The orders table and the worker's records, as the tools read and write them."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from ops.errors import OpsError
from ops.logic.case import Facts
from runtime.handlers.powertools.idempotency import PROCESSED_PREFIX
from runtime.logic.failures import CorruptDataError
from runtime.models.order import OPEN_STATUSES, SETTLED_STATUSES, OrderMessage, OrderStatus, ReasonCode, StoredOrder
from runtime.store.items import from_item, to_attribute, to_order
from runtime.store.order_item import immutable_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MAX_KEYS: Final = 100
_MOST_TRIES: Final = 8
_COMPLETED: Final = "COMPLETED"

Item = dict[str, Any]


class Orders:
    """Reads orders, and discards them."""

    def __init__(
        self,
        client: "DynamoDBClient",
        orders_table: str,
        records_table: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._orders_table = orders_table
        self._records_table = records_table
        self._sleep = sleep

    def facts(self, order_ids: Iterable[str]) -> Facts:
        """What is stored about these orders, as of now (consistent reads)."""
        orders: dict[str, StoredOrder] = {}
        corrupt: set[str] = set()
        for item in self._items(self._orders_table, "order_id", sorted(set(order_ids))):
            try:
                order = to_order(item)
            except CorruptDataError:
                corrupt.add(item["order_id"]["S"])
            else:
                orders[order.order_id] = order
        settled = [order.order_id for order in orders.values() if order.status in SETTLED_STATUSES]
        return Facts(orders, corrupt, self._finished(settled))

    def get(self, order_id: str) -> StoredOrder | None:
        """One order, or none.

        Raises:
            CorruptDataError: what is stored is no order.
        """
        answer = self._client.get_item(
            TableName=self._orders_table, Key={"order_id": {"S": order_id}}, ConsistentRead=True
        )
        return to_order(answer["Item"]) if "Item" in answer else None

    def reason(self, order_id: str) -> dict[str, Any]:
        """Why an order is REJECTED or DISCARDED, with who decided and when: more than the model keeps for callers."""
        answer = self._client.get_item(
            TableName=self._orders_table,
            Key={"order_id": {"S": order_id}},
            ConsistentRead=True,
            ProjectionExpression="#reason",
            ExpressionAttributeNames={"#reason": "reason"},
        )
        reason = from_item(answer.get("Item", {})).get("reason")
        return reason if isinstance(reason, dict) else {}

    def record_status(self, order_id: str) -> str | None:
        """What the worker's record of an order says: COMPLETED, INPROGRESS, or none."""
        answer = self._client.get_item(
            TableName=self._records_table, Key={"id": {"S": record_id(order_id)}}, ConsistentRead=True
        )
        return answer["Item"]["status"]["S"] if "Item" in answer else None

    def discard(self, order_id: str, *, by: str, text: str, at: str, content: OrderMessage | None) -> StoredOrder:
        """Give an open order up for good; the order as it is stored afterwards, or as it was if it is final already.

        `content` fills in what the API did not store: otherwise the customer would never see the order.
        """
        reason = {"code": ReasonCode.DISCARDED.value, "by": by, "text": text, "at": at}
        immutable = immutable_attributes(content) if content is not None else {}
        parts = ["#status = :status", "#reason = :reason"]
        parts += [f"#{name} = if_not_exists(#{name}, :{name})" for name in immutable]
        try:
            answer = self._client.update_item(
                TableName=self._orders_table,
                Key={"order_id": {"S": order_id}},
                UpdateExpression=f"SET {', '.join(parts)} REMOVE #error",
                ConditionExpression="attribute_not_exists(#status) OR #status IN (:open0, :open1)",
                ExpressionAttributeNames={f"#{name}": name for name in ("status", "reason", "error", *immutable)},
                ExpressionAttributeValues={
                    ":status": {"S": OrderStatus.DISCARDED.value},
                    ":reason": to_attribute(reason),
                    **{f":{name}": value for name, value in immutable.items()},
                    **{f":open{index}": {"S": status.value} for index, status in enumerate(OPEN_STATUSES)},
                },
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            # The type stubs know only the members that every error has.
            response: Any = error.response
            return to_order(response["Item"])
        return to_order(answer["Attributes"])

    def open_orders(self, accepted_before: str) -> Iterator[tuple[list[StoredOrder], list[str]]]:
        """Open orders that were accepted before a timestamp (or whose acceptance is not stored), page by page.

        Beside them the ids of rows that are no orders, for a person to repair. Reads the whole table: no index is kept
        for a question that is asked in incidents only.
        """
        start: Any = {}
        while True:
            page = self._client.scan(
                TableName=self._orders_table,
                FilterExpression="#status IN (:open0, :open1) AND "
                "(attribute_not_exists(#accepted_at) OR #accepted_at < :before)",
                ExpressionAttributeNames={"#status": "status", "#accepted_at": "accepted_at"},
                ExpressionAttributeValues={
                    ":before": {"S": accepted_before},
                    **{f":open{index}": {"S": status.value} for index, status in enumerate(OPEN_STATUSES)},
                },
                **start,
            )
            yield _readable(page["Items"])
            if not page.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _finished(self, order_ids: Sequence[str]) -> frozenset[str]:
        names = {record_id(order_id): order_id for order_id in order_ids}
        records = self._items(self._records_table, "id", sorted(names))
        return frozenset(names[item["id"]["S"]] for item in records if item["status"]["S"] == _COMPLETED)

    def _items(self, table: str, key: str, values: Sequence[str]) -> Iterator[Item]:
        for start in range(0, len(values), _MAX_KEYS):
            yield from self._batch(table, [{key: {"S": value}} for value in values[start : start + _MAX_KEYS]])

    def _batch(self, table: str, keys: list[Item]) -> Iterator[Item]:
        for attempt in range(_MOST_TRIES):
            answer: Item = {**self._client.batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})}
            yield from answer["Responses"].get(table, ())
            unread = answer.get("UnprocessedKeys", {}).get(table)
            if not unread:
                return
            keys = unread["Keys"]
            # Throttled: DynamoDB answered a part and asks for a pause.
            self._sleep(0.1 * 2**attempt)
        raise OpsError(f"DynamoDB throttles reads of {table}: {len(keys)} orders unread. Try again in a minute.")


def _readable(items: Iterable[Any]) -> tuple[list[StoredOrder], list[str]]:
    orders: list[StoredOrder] = []
    corrupt: list[str] = []
    for item in items:
        try:
            orders.append(to_order(item))
        except CorruptDataError:
            corrupt.append(item["order_id"]["S"])
    return orders, corrupt


def record_id(order_id: str) -> str:
    """The key under which Powertools keeps the worker's record of an order."""
    return f"{PROCESSED_PREFIX}#{hashlib.sha256(json.dumps(order_id).encode()).hexdigest()}"
