"""The fake DynamoDB client: the low-level methods that the program and Powertools call. Its tables are in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.simulation.clock import Clock, Entropy
from lab.simulation.fakes.dynamodb import reads
from lab.simulation.fakes.dynamodb.requests import InvalidExpressionError, InvalidValueError
from lab.simulation.fakes.dynamodb.table import ConditionFailedError, Table, Write
from lab.simulation.fakes.dynamodb.transactions import KNOWN, Transactions
from lab.simulation.fakes.dynamodb.values import Item, copy_item
from lab.simulation.fakes.errors import (
    EXCEPTIONS,
    ExceptionsNamespace,
    UnsupportedByFakeError,
    client_error,
    only_known,
    refuse,
)
from lab.simulation.fakes.wire import OK, Response, Wire

_SINGLE = frozenset({"ReturnValues", "ReturnConsumedCapacity"})
_TRANSACT = frozenset({"TransactItems", "ClientRequestToken", "ReturnConsumedCapacity"})
_RETURN_VALUES = {
    "PutItem": frozenset({"NONE", "ALL_OLD"}),
    "DeleteItem": frozenset({"NONE", "ALL_OLD"}),
    "UpdateItem": frozenset({"NONE", "ALL_OLD", "ALL_NEW"}),
}


class FakeDynamoDB:
    """Stands in for ``boto3.client("dynamodb")``. It refuses unmodelled parameters and syntax."""

    exceptions: ExceptionsNamespace = EXCEPTIONS

    def __init__(self, clock: Clock, entropy: Entropy, wire: Wire) -> None:
        self.clock = clock
        self.entropy = entropy
        self.wire = wire
        self.tables: dict[str, Table] = {}
        self.transactions = Transactions(clock, self._table)

    def add_table(self, name: str, ttl: str | None = None, **key_types: str) -> Table:
        """Create a table: ``add_table("orders", order_id="S")``. ``ttl`` names its time-to-live attribute."""
        table = Table(name, key_types, ttl)
        self.tables[name] = table
        return table

    def sweep(self) -> int:
        """Delete expired items, as time to live does; returns the number of deleted items."""
        return sum(table.sweep(self.clock.time()) for table in self.tables.values())

    # --- writes -------------------------------------------------------------------------------------------------

    def put_item(self, **params: Any) -> Response:
        """Put one item."""
        return self._write("Put", params)

    def update_item(self, **params: Any) -> Response:
        """Update one item, or create it."""
        return self._write("Update", params)

    def delete_item(self, **params: Any) -> Response:
        """Delete one item."""
        return self._write("Delete", params)

    def transact_write_items(self, **params: Any) -> Response:
        """Write up to 100 items: all or none."""
        only_known("TransactWriteItems", params, _TRANSACT)
        # botocore adds a token to a request that has none. A retry repeats the token, and so has no second effect.
        token = params.get("ClientRequestToken") or self.entropy.uuid()
        return self.wire.carry("dynamodb", "TransactWriteItems", params, lambda: self._transact(params, token))

    def _transact(self, params: Mapping[str, Any], token: str) -> Response:
        self.transactions.refuse_duplicates(params["TransactItems"])
        self.transactions.write(params["TransactItems"], token)
        return {"ResponseMetadata": OK}

    def _write(self, kind: str, params: Mapping[str, Any]) -> Response:
        operation = f"{kind}Item"
        only_known(operation, params, KNOWN[kind] | _SINGLE)
        return self.wire.carry("dynamodb", operation, params, lambda: self._written(operation, kind, params))

    def _written(self, operation: str, kind: str, params: Mapping[str, Any]) -> Response:
        table = self._table(operation, params["TableName"])
        wanted = params.get("ReturnValues", "NONE")
        if wanted.startswith("UPDATED_"):
            raise UnsupportedByFakeError(f"ReturnValues={wanted} is not modelled. Extend the fake, or use ALL_NEW.")
        if wanted not in _RETURN_VALUES[operation]:
            refuse(operation, f"Return values set to invalid value: {wanted}")
        try:
            write = table.prepare(kind, params)
        except ConditionFailedError as failure:
            raise _condition_failed(operation, params, failure.item) from failure
        except (InvalidExpressionError, InvalidValueError) as error:
            refuse(operation, str(error))
        write.apply()
        return {**_returned(wanted, write), "ResponseMetadata": OK}

    # --- reads --------------------------------------------------------------------------------------------------

    def get_item(self, **params: Any) -> Response:
        """Get one item by key."""
        only_known("GetItem", params, reads.GET)
        return self.wire.carry("dynamodb", "GetItem", params, lambda: reads.get(self._table, params))

    def batch_get_item(self, **params: Any) -> Response:
        """Get up to 100 items by key."""
        only_known("BatchGetItem", params, reads.BATCH_GET)
        return self.wire.carry("dynamodb", "BatchGetItem", params, lambda: reads.batch_get(self._table, params))

    def scan(self, **params: Any) -> Response:
        """Scan a table. With a filter, return only the items for which it is true."""
        only_known("Scan", params, reads.SCAN)
        return self.wire.carry("dynamodb", "Scan", params, lambda: reads.scan(self._table, params))

    def _table(self, operation: str, name: str) -> Table:
        if name not in self.tables:
            raise client_error(
                operation, "ResourceNotFoundException", f"Requested resource not found: Table: {name} not found"
            )
        return self.tables[name]


def _condition_failed(operation: str, params: Mapping[str, Any], item: Item | None) -> Exception:
    extra: dict[str, Any] = {}
    if params.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and item is not None:
        extra["Item"] = copy_item(item)
    return client_error(operation, "ConditionalCheckFailedException", "The conditional request failed", extra=extra)


def _returned(wanted: str, write: Write) -> dict[str, Any]:
    if wanted == "NONE":
        return {}
    source = write.before if wanted == "ALL_OLD" else write.after
    return {} if source is None else {"Attributes": copy_item(source)}
