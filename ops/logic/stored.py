"""Rows of the orders table, including rows that are not valid orders, and idempotency records."""

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from runtime.logic.failures import CorruptDataError
from runtime.models.fields import SCHEMA_VERSION
from runtime.models.order import OrderLine, StoredOrder
from runtime.store.items import from_item, to_order

Item = Mapping[str, Any]
"""A row in DynamoDB's JSON."""

COMPLETED: Final = "COMPLETED"
UNREADABLE: Final = "unreadable"
_KEY: Final = "order_id"
_LINES: Final = "lines"
_VERSION: Final = "schema_version"


@dataclass(frozen=True, slots=True)
class UnreadableOrder:
    """A row that is not a valid order.

    Attributes:
        status: The stored status, if it can be read.
        problems: For each wrong attribute, what is wrong with it. The texts leave out the stored values.
        newer: Whether a newer version of this program wrote the row. This version cannot read it.
        item: The whole row.
    """

    order_id: str
    status: str | None
    problems: Mapping[str, str]
    newer: bool
    item: Item

    def __str__(self) -> str:
        wrong = "; ".join(f"{name}: {problem}" for name, problem in self.problems.items())
        return f"written by a newer version: {wrong}" if self.newer else wrong

    @property
    def repair_command(self) -> str:
        """Return the command that repairs the row."""
        return f"python -m ops order repair {shlex.quote(self.order_id)}"

    def as_json(self) -> dict[str, Any]:
        """Return the row's problems as a JSON object."""
        return {"order_id": self.order_id, "status": self.status, "unreadable": dict(self.problems)}


def read_row(item: Item) -> StoredOrder | UnreadableOrder:
    """Parse the order in a row, or describe what is wrong with the row."""
    try:
        return to_order(item)
    except (CorruptDataError, ArithmeticError):
        return _unreadable(item)


def fingerprint(item: Item) -> str:
    """Return eight hexadecimal digits that change if anything in the row changes."""
    return hashlib.sha256(json.dumps(item, sort_keys=True, default=repr).encode()).hexdigest()[:8]


def record_state(item: Item) -> str:
    """Return the state of an idempotency record: COMPLETED, INPROGRESS, or `UNREADABLE`.

    A COMPLETED record without an answer is `UNREADABLE`: Powertools cannot read it, so every attempt fails on it.
    """
    status = item.get("status", {}).get("S")
    if not isinstance(status, str) or (status == COMPLETED and not record_answer(item)):
        return UNREADABLE
    return status


def record_answer(item: Item) -> dict[str, Any]:
    """Return the answer that Powertools keeps in a record; empty if it is not a JSON object."""
    try:
        found = json.loads(item["data"]["S"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _unreadable(item: Item) -> UnreadableOrder:
    problems: dict[str, str] = {}
    fields: dict[str, Any] = {}
    for name, value in item.items():
        try:
            fields |= from_item({name: value})
        except ArithmeticError:
            problems[name] = "a number that is too long to read"
    fields = {name: value for name, value in fields.items() if value is not None}
    try:
        fields[_LINES] = [{name: line[name] for name in OrderLine.model_fields} for line in fields.get(_LINES, ())]
    except (KeyError, TypeError):
        del fields[_LINES]
        problems[_LINES] = "not a list of lines"
    try:
        StoredOrder.model_validate(fields)
    except ValidationError as error:
        for problem in error.errors():
            problems.setdefault(str(problem["loc"][0]), problem["msg"])
    status, version = fields.get("status"), fields.get(_VERSION)
    return UnreadableOrder(
        order_id=str(item[_KEY]["S"]),
        status=status if isinstance(status, str) else None,
        problems=problems,
        newer=isinstance(version, int) and version > SCHEMA_VERSION,
        item=item,
    )
