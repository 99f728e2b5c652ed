"""Reads and writes the orders table and the worker's idempotency records."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from ops.errors import RefusedError
from ops.gateway.rows import Rows
from ops.logic.case import Facts
from ops.logic.stored import COMPLETED, Item, UnreadableOrder, read_row, record_state
from runtime.handlers.powertools.idempotency import PROCESSED_PREFIX
from runtime.models.order import OPEN_STATUSES, SETTLED_STATUSES, OrderMessage, OrderStatus, ReasonCode, StoredOrder
from runtime.store.items import from_item, to_attribute
from runtime.store.order_item import immutable_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_FINAL_STATUSES: Final = tuple(status for status in OrderStatus if status not in OPEN_STATUSES)


class Orders:
    """Reads, discards and repairs orders."""

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
        self._rows = Rows(client, sleep)

    def facts(self, order_ids: Iterable[str]) -> Facts:
        """Return the stored facts about these orders, by consistent reads."""
        orders: dict[str, StoredOrder] = {}
        corrupt: dict[str, UnreadableOrder] = {}
        for item in self._rows.get(self._orders_table, "order_id", sorted(set(order_ids))):
            row = read_row(item)
            if isinstance(row, UnreadableOrder):
                corrupt[row.order_id] = row
            else:
                orders[row.order_id] = row
        settled = [order.order_id for order in orders.values() if order.status in SETTLED_STATUSES]
        return Facts(orders, corrupt, self._finished(settled))

    def read(self, order_id: str) -> StoredOrder | UnreadableOrder | None:
        """Return the order with this id, or its unreadable row; `None` if there is no row. The read is consistent."""
        answer = self._client.get_item(
            TableName=self._orders_table, Key={"order_id": {"S": order_id}}, ConsistentRead=True
        )
        return read_row(answer["Item"]) if "Item" in answer else None

    def get(self, order_id: str) -> StoredOrder | None:
        """Return one order, or `None` if it is not stored.

        Raises:
            RefusedError: the stored row is not a valid order.
        """
        row = self.read(order_id)
        return None if row is None else _order(row)

    def reason(self, order_id: str) -> dict[str, Any]:
        """Return the stored reason of a REJECTED or DISCARDED order; empty for other orders.

        The reason of a DISCARDED order names who decided, and when.
        """
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
        """Return the state of the worker's record of an order (`record_state`); `None` if there is no record."""
        record = self.record(order_id)
        return None if record is None else record_state(record)

    def record(self, order_id: str) -> Item | None:
        """The worker's record of an order; `None` if there is no record."""
        answer = self._client.get_item(
            TableName=self._records_table, Key={"id": {"S": record_id(order_id)}}, ConsistentRead=True
        )
        return answer.get("Item")

    def discard(self, order_id: str, *, by: str, text: str, at: str, content: OrderMessage | None) -> StoredOrder:
        """Mark an order DISCARDED if it is open or has no status. A final order is unchanged.

        Return the stored order. If the marked row has unreadable attributes, return only the id and the status.
        Attributes that the API did not store are taken from `content`. Without them, the client could not look up
        the order: the API returns an order only if the attribute `caller` is stored.

        Raises:
            RefusedError: the stored row is not a valid order, and has a status other than ACCEPTED and FAILED.
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
            # The type stubs do not declare `Item`, because only this error has it.
            response: Any = error.response
            return _order(read_row(response["Item"]))
        row = read_row(answer["Attributes"])
        # The order is discarded, even if the rest of its row is unreadable.
        return row if isinstance(row, StoredOrder) else StoredOrder(order_id=order_id, status=OrderStatus.DISCARDED)

    def repair(self, row: UnreadableOrder, known: Mapping[str, Any]) -> None:
        """Replace each unreadable attribute of `row` with its value in `known`; remove it if `known` has none.

        Raises:
            RefusedError: the status or an unreadable attribute changed after `row` was read; nothing was written.
        """
        removed = [name for name in row.problems if name in row.item]
        shown = _if_unchanged(row.item, [*removed, "status"])
        placeholder = {name: key for key, name in shown["ExpressionAttributeNames"].items()}
        shown["ExpressionAttributeValues"] |= {f":new{index}": value for index, value in enumerate(known.values())}
        assignments = [f"{placeholder[name]} = :new{index}" for index, name in enumerate(known)]
        gone = [placeholder[name] for name in removed if name not in known]
        update = [f"SET {', '.join(assignments)}"] * bool(assignments) + [f"REMOVE {', '.join(gone)}"] * bool(gone)
        with _refused_if_changed(row):
            self._client.update_item(
                TableName=self._orders_table,
                Key={"order_id": {"S": row.order_id}},
                UpdateExpression=" ".join(update),
                **shown,
            )

    def delete_record(self, row: UnreadableOrder) -> None:
        """Delete the worker's record if it has not changed since `row` was read from it.

        Raises:
            RefusedError: the record has changed; nothing was deleted.
        """
        shown = _if_unchanged(row.item, ["id", "status", "data"])
        with _refused_if_changed(row):
            self._client.delete_item(TableName=self._records_table, Key={"id": row.item["id"]}, **shown)

    def open_orders(self, accepted_before: str) -> Iterator[list[StoredOrder | UnreadableOrder]]:
        """Yield pages of open orders: those accepted before a timestamp, and those without a stored acceptance time.

        Rows that are not valid orders are included, unless they are final. The scan reads the whole table: there is no
        index for it, because such an index would be used only in incidents.
        """
        names = [f":final{index}" for index in range(len(_FINAL_STATUSES))]
        start: Any = {}
        while True:
            page = self._client.scan(
                TableName=self._orders_table,
                FilterExpression=f"attribute_not_exists(#status) OR NOT #status IN ({', '.join(names)})",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    name: {"S": status.value} for name, status in zip(names, _FINAL_STATUSES, strict=True)
                },
                **start,
            )
            # Times are compared here, not in the scan's filter. The filter could compare them only as texts,
            # and would leave out a row with an invalid time, such as "yesterday".
            yield [row for row in map(read_row, page["Items"]) if not _is_younger(row, accepted_before)]
            if not page.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _finished(self, order_ids: Sequence[str]) -> frozenset[str]:
        names = {record_id(order_id): order_id for order_id in order_ids}
        records = self._rows.get(self._records_table, "id", sorted(names))
        return frozenset(names[item["id"]["S"]] for item in records if record_state(item) == COMPLETED)


def _order(row: StoredOrder | UnreadableOrder) -> StoredOrder:
    if isinstance(row, UnreadableOrder):
        raise RefusedError(
            f"The row of order {row.order_id} is not a valid order ({row}). Nothing was changed. Repair the row first: "
            f"{row.repair_command}"
        )
    return row


def _if_unchanged(item: Item, names: Sequence[str]) -> dict[str, Any]:
    """Return parameters that let a request succeed only if these attributes are still as in `item`.

    `item` must have at least one of them.
    """
    unique = list(dict.fromkeys(names))
    conditions = [f"#{n} = :{n}" if name in item else f"attribute_not_exists(#{n})" for n, name in enumerate(unique)]
    return {
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": {f"#{n}": name for n, name in enumerate(unique)},
        "ExpressionAttributeValues": {f":{n}": item[name] for n, name in enumerate(unique) if name in item},
    }


@contextmanager
def _refused_if_changed(row: UnreadableOrder) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        raise RefusedError(
            f"The row of {row.order_id} has changed since it was shown; nothing was written. Look again: "
            f"{row.repair_command}"
        ) from None


def record_id(order_id: str) -> str:
    """Return the key of Powertools' record of an order in the worker's table."""
    return f"{PROCESSED_PREFIX}#{hashlib.sha256(json.dumps(order_id).encode()).hexdigest()}"


def _is_younger(row: StoredOrder | UnreadableOrder, moment: str) -> bool:
    return isinstance(row, StoredOrder) and row.accepted_at is not None and row.accepted_at >= moment
