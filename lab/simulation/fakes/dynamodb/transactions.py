"""TransactWriteItems: writes all items or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.simulation.clock import Clock
from lab.simulation.fakes.dynamodb.requests import InvalidExpressionError
from lab.simulation.fakes.dynamodb.table import ConditionFailedError, Key, Table, Write
from lab.simulation.fakes.dynamodb.values import InvalidValueError, copy_item
from lab.simulation.fakes.errors import client_error, only_known, refuse
from lab.simulation.fakes.faults import cancellation

OPERATION = "TransactWriteItems"
TOKEN_LIFE_SECONDS = 600
MAX_ITEMS = 100

_COMMON = frozenset(
    {
        "TableName",
        "ConditionExpression",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
        "ReturnValuesOnConditionCheckFailure",
    }
)
KNOWN = {
    "Put": _COMMON | {"Item"},
    "Update": _COMMON | {"Key", "UpdateExpression"},
    "Delete": _COMMON | {"Key"},
    "ConditionCheck": _COMMON | {"Key"},
}

TableFinder = Callable[[str, str], Table]


@dataclass(slots=True)
class Transactions:
    """Runs write transactions. For ten minutes after a success, a call with the same token and items writes nothing."""

    clock: Clock
    find: TableFinder
    tokens: dict[str, tuple[float, Sequence[Mapping[str, Any]]]] = field(default_factory=dict)

    def write(self, items: Sequence[Mapping[str, Any]], token: str) -> None:
        """Apply every item or none.

        Raises:
            ClientError: ``TransactionCanceledException`` with one reason per item, ``ValidationException``, or
                ``IdempotentParameterMismatchException`` if the token was used with other items.
        """
        if self._already_done(token, items):
            return
        if not 0 < len(items) <= MAX_ITEMS:
            refuse(OPERATION, f"Member must have length between 1 and {MAX_ITEMS}; given: {len(items)}")
        writes: list[Write] = []
        reasons: list[dict[str, Any]] = []
        for entry in items:
            write, reason = self._prepare(entry)
            reasons.append(reason)
            if write is not None:
                writes.append(write)
        if len(writes) != len(items):
            raise cancellation(reasons)
        for write in writes:
            write.apply()
        self.tokens[token] = (self.clock.time(), items)

    def reasons(self, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return the cancellation reasons that these items would get now, one for each item. Nothing is written."""
        return [self._prepare(entry)[1] for entry in items]

    def _already_done(self, token: str, items: Sequence[Mapping[str, Any]]) -> bool:
        known = self.tokens.get(token)
        if known is None or self.clock.time() - known[0] > TOKEN_LIFE_SECONDS:
            return False
        if known[1] != items:
            raise client_error(
                OPERATION,
                "IdempotentParameterMismatchException",
                "Request token was used with different parameters in the last 10 minutes",
            )
        return True

    def _prepare(self, entry: Mapping[str, Any]) -> tuple[Write | None, dict[str, Any]]:
        if len(entry) != 1:
            refuse(OPERATION, "TransactItems can only contain one of Check, Put, Update or Delete")
        ((kind, params),) = entry.items()
        if kind not in KNOWN:
            refuse(OPERATION, f"Unknown member {kind} of TransactItems; allowed: {sorted(KNOWN)}")
        only_known(f"{OPERATION}/{kind}", params, KNOWN[kind])
        _refuse_incomplete(kind, params)
        try:
            return self.find(OPERATION, params["TableName"]).prepare(kind, params), {"Code": "None"}
        except ConditionFailedError as failure:
            reason = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
            if params.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and failure.item is not None:
                return None, {**reason, "Item": copy_item(failure.item)}
            return None, reason
        except InvalidExpressionError as error:
            refuse(OPERATION, str(error))
        except InvalidValueError as error:
            # If a value does not fit the stored item, the service cancels the transaction. If it is invalid in itself,
            # the service refuses the request. This fake cancels in both cases, and refuses only invalid keys.
            return None, {"Code": "ValidationError", "Message": str(error)}

    def refuse_duplicates(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Refuse a transaction with two operations on one item."""
        seen: set[tuple[str, Key]] = set()
        for entry in items:
            for kind, params in entry.items():
                table = self.find(OPERATION, params["TableName"])
                target = params["Item"] if kind == "Put" else params["Key"]
                try:
                    where = (table.name, table.key_of(target, whole=kind != "Put"))
                except InvalidValueError as error:
                    refuse(OPERATION, str(error))
                if where in seen:
                    refuse(OPERATION, "Transaction request cannot include multiple operations on one item")
                seen.add(where)


def _refuse_incomplete(kind: str, params: Mapping[str, Any]) -> None:
    needed = {"Update": "UpdateExpression", "ConditionCheck": "ConditionExpression"}.get(kind)
    if needed is not None and needed not in params:
        refuse(OPERATION, f"{kind} needs {needed}", "ParamValidationError")
