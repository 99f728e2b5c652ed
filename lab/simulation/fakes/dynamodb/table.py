"""One table: items by key, conditional writes, and time to live."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.simulation.fakes.dynamodb.requests import Expressions, compile_request
from lab.simulation.fakes.dynamodb.values import (
    MAX_ITEM_BYTES,
    InvalidValueError,
    Item,
    copy_item,
    item_bytes,
    type_of,
)

Key = tuple[str, ...]
_WITHOUT_REFERENCES = 2  # marshal's format version 2 writes no references


class ConditionFailedError(Exception):
    """A write's condition does not hold. ``item`` is the stored item, if any."""

    def __init__(self, item: Item | None) -> None:
        super().__init__("The conditional request failed")
        self.item = item


@dataclass(frozen=True, slots=True)
class Write:
    """A checked write, ready to be applied: the items before and after the write (``None``: absent)."""

    table: Table
    key: Key
    before: Item | None
    after: Item | None

    def apply(self) -> None:
        """Store ``after``, or delete the stored item if ``after`` is ``None``."""
        if self.after is None:
            self.table.items.pop(self.key, None)
        else:
            self.table.items[self.key] = self.after


@dataclass(slots=True)
class Table:
    """A table without indexes.

    Attributes:
        name: Table name.
        key_types: Type (``S``, ``N`` or ``B``) of each key attribute by its name, beginning with the partition key.
        ttl_attribute: Attribute that holds the epoch second after which :meth:`sweep` deletes the item.
        items: Items by key. Their values are never changed in place.
    """

    name: str
    key_types: dict[str, str]
    ttl_attribute: str | None = None
    items: dict[Key, Item] = field(default_factory=dict)

    def key_of(self, item: Mapping[str, Any], *, whole: bool) -> Key:
        """Return the key of an item. If ``whole`` is true, ``item`` must have only the key
        attributes.

        Raises:
            InvalidValueError: a key attribute is missing, empty or of the wrong type, or ``whole`` is true and
                ``item`` has further attributes.
        """
        if whole and len(item) != len(self.key_types):
            raise InvalidValueError("The provided key element does not match the schema")
        parts: list[str] = []
        for name, kind in self.key_types.items():
            value = item.get(name)
            if value is None:
                raise InvalidValueError(
                    "The provided key element does not match the schema"
                    if whole
                    else f"One or more parameter values were invalid: Missing the key {name} in the item"
                )
            if type_of(value) != kind:
                raise InvalidValueError(
                    "The provided key element does not match the schema"
                    if whole
                    else f"One or more parameter values were invalid: Type mismatch for key {name} "
                    f"expected: {kind} actual: {type_of(value)}"
                )
            if value[kind] == "":
                raise InvalidValueError(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
                    f"contain an empty string value. Key: {name}"
                )
            parts.append(value[kind])
        return tuple(parts)

    def prepare(self, kind: str, params: Mapping[str, Any]) -> Write:
        """Check a ``Put``, ``Update`` (an upsert), ``Delete`` or ``ConditionCheck``, and write nothing.

        Raises:
            ConditionFailedError: the write's condition does not hold.
            InvalidExpressionError, InvalidValueError: the service would refuse the request.
        """
        expressions = compile_request(params)
        item = copy_item(params["Item"]) if kind == "Put" else None
        key = self.key_of(params["Key"] if item is None else item, whole=item is None)
        if expressions.update is not None and (changed := expressions.update.roots & self.key_types.keys()):
            raise InvalidValueError(
                f"One or more parameter values were invalid: Cannot update attribute {min(changed)}. "
                "This attribute is part of the key"
            )
        before = self._checked(key, expressions)
        if kind == "Update":
            base = before if before is not None else copy_item(params["Key"])
            item = base if expressions.update is None else expressions.update.apply(base, expressions.values)
        if item is not None:
            _refuse_large(item)
        return Write(self, key, before, before if kind == "ConditionCheck" else item)

    def _checked(self, key: Key, expressions: Expressions) -> Item | None:
        before = self.items.get(key)
        if expressions.condition is not None and not expressions.condition(before or {}, expressions.values):
            raise ConditionFailedError(before)
        return before

    def sweep(self, now: float) -> int:
        """Delete the items that have expired by ``now`` (epoch seconds), as the service does *some time* after expiry.

        Until a sweep, reads return expired items, and conditions apply to them.

        Returns:
            The number of deleted items.
        """
        name = self.ttl_attribute
        if name is None:
            return 0
        expired = [
            key for key, item in self.items.items() if "N" in item.get(name, {}) and float(item[name]["N"]) < now
        ]
        for key in expired:
            del self.items[key]
        return len(expired)


def _refuse_large(item: Item) -> None:
    # Marshalled without references, an item is at least as large as in DynamoDB. If the marshalled item is within the
    # limit, the exact count is skipped, because it is far slower.
    if len(marshal.dumps(item, _WITHOUT_REFERENCES)) > MAX_ITEM_BYTES and item_bytes(item) > MAX_ITEM_BYTES:
        raise InvalidValueError("Item size has exceeded the maximum allowed size")
