"""One table: items by key, conditional writes, and time to live."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.simulation.fakes.dynamodb.requests import Expressions
from lab.simulation.fakes.dynamodb.values import (
    MAX_ITEM_BYTES,
    InvalidValueError,
    Item,
    copy_item,
    item_bytes,
    type_of,
)

Key = tuple[str, ...]
_WITHOUT_REFERENCES = 2  # a version of marshal's format


class ConditionFailedError(Exception):
    """A write's condition does not hold. ``item`` is what stands there, if anything."""

    def __init__(self, item: Item | None) -> None:
        super().__init__("The conditional request failed")
        self.item = item


@dataclass(frozen=True, slots=True)
class Write:
    """A checked write, ready to be applied: the item before it and the item after it (``None``: absent)."""

    table: Table
    key: Key
    before: Item | None
    after: Item | None

    def apply(self) -> None:
        """Make it so."""
        if self.after is None:
            self.table.items.pop(self.key, None)
        else:
            self.table.items[self.key] = self.after


@dataclass(slots=True)
class Table:
    """A table without indexes.

    Attributes:
        name: Table name.
        key_types: Key attribute name to type (``S``, ``N`` or ``B``), partition key first.
        ttl_attribute: Attribute with the epoch second after which :meth:`sweep` deletes the item.
        items: Items by key. Values in here are never changed in place.
    """

    name: str
    key_types: dict[str, str]
    ttl_attribute: str | None = None
    items: dict[Key, Item] = field(default_factory=dict)

    def key_of(self, item: Mapping[str, Any], *, whole: bool) -> Key:
        """The key within an item, or (``whole``) a key that must hold nothing else.

        Raises:
            InvalidValueError: a key attribute is missing, empty, of another type, or something is left over.
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

    def prepare_put(self, raw: Item, expressions: Expressions) -> Write:
        """Check a put without doing it."""
        item = copy_item(raw)
        key = self.key_of(item, whole=False)
        before = self._checked(key, expressions)
        _refuse_large(item)
        return Write(self, key, before, item)

    def prepare_update(self, raw_key: Item, expressions: Expressions) -> Write:
        """Check an update (an upsert, as in the service) without doing it."""
        key = self.key_of(raw_key, whole=True)
        if expressions.update is not None and expressions.update.roots & self.key_types.keys():
            name = min(expressions.update.roots & self.key_types.keys())
            raise InvalidValueError(
                f"One or more parameter values were invalid: Cannot update attribute {name}. "
                "This attribute is part of the key"
            )
        before = self._checked(key, expressions)
        base = before if before is not None else copy_item(raw_key)
        after = base if expressions.update is None else expressions.update.apply(base, expressions.values)
        _refuse_large(after)
        return Write(self, key, before, after)

    def prepare_delete(self, raw_key: Item, expressions: Expressions) -> Write:
        """Check a delete without doing it."""
        key = self.key_of(raw_key, whole=True)
        return Write(self, key, self._checked(key, expressions), None)

    def prepare_check(self, raw_key: Item, expressions: Expressions) -> Write:
        """Check a condition; applying the result changes nothing."""
        key = self.key_of(raw_key, whole=True)
        before = self._checked(key, expressions)
        return Write(self, key, before, before)

    def _checked(self, key: Key, expressions: Expressions) -> Item | None:
        before = self.items.get(key)
        if expressions.condition is not None and not expressions.condition(before or {}, expressions.values):
            raise ConditionFailedError(before)
        return before

    def sweep(self, now: float) -> int:
        """Delete what has expired by ``now`` (epoch seconds), as the service does *some time* after expiry.

        Returns:
            How many items went. Until then, expired items are still read and still meet conditions.
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
    # Marshalled without references an item is never shorter than it counts: what is short needs no exact count, which
    # is far slower.
    if len(marshal.dumps(item, _WITHOUT_REFERENCES)) > MAX_ITEM_BYTES and item_bytes(item) > MAX_ITEM_BYTES:
        raise InvalidValueError("Item size has exceeded the maximum allowed size")
