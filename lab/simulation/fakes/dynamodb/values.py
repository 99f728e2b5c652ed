"""Checks, copies, compares and measures attribute values of the low-level API (``{"S": …}``)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from lab.simulation.fakes.errors import UnsupportedByFakeError

AttributeValue = dict[str, Any]
Item = dict[str, AttributeValue]

MAX_ITEM_BYTES = 400 * 1024
_ORDERED = frozenset({"S", "N", "B"})
_ATTRIBUTE_OVERHEAD = 3


class InvalidValueError(ValueError):
    """A value that the service refuses. The exception's text becomes the service's validation message."""


def copy_value(value: AttributeValue) -> AttributeValue:
    """Return a checked deep copy.

    Raises:
        InvalidValueError: the value does not have exactly one type, or is a number that the service refuses.
        UnsupportedByFakeError: the type is not modelled.
    """
    if len(value) == 1 and "S" in value:  # a shortcut: most values are text, and copying them must be fast
        return {"S": value["S"]}
    if len(value) != 1:
        raise InvalidValueError(
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes"
        )
    ((kind, content),) = value.items()
    if kind in {"BOOL", "B", "NULL"}:
        return {kind: content}
    if kind == "N":
        return {"N": number_text(content)}
    if kind == "M":
        return {"M": {name: copy_value(inner) for name, inner in content.items()}}
    if kind == "L":
        return {"L": [copy_value(inner) for inner in content]}
    raise UnsupportedByFakeError(
        f"Unknown attribute type {kind!r} in {value!r}; known: S N B BOOL NULL M L. Extend the fake."
    )


def copy_item(item: Item) -> Item:
    """Return a checked deep copy of an item."""
    return {name: copy_value(value) for name, value in item.items()}


def number_text(content: str) -> str:
    """Return a number as the service returns it: without superfluous zeros and without an exponent.

    Raises:
        InvalidValueError: the text is not a number, or has more than 38 significant digits.
    """
    if content.isdecimal() and content.isascii() and len(content) <= 38 and (content[0] != "0" or len(content) == 1):
        return content
    try:
        number = Decimal(content)
    except (InvalidOperation, TypeError) as error:
        raise InvalidValueError(f"The parameter cannot be converted to a numeric value: {content}") from error
    if not number.is_finite():
        raise InvalidValueError(f"The parameter cannot be converted to a numeric value: {content}")
    normal = number.normalize()
    if len(normal.as_tuple().digits) > 38:
        raise InvalidValueError("Attempting to store more than 38 significant digits in a Number")
    return f"{normal:f}"


def type_of(value: AttributeValue) -> str:
    """The type letter(s) of a value."""
    return next(iter(value))


def equal(left: AttributeValue | None, right: AttributeValue | None) -> bool:
    """Compare two operands as ``=`` does. The result is false if either operand is missing."""
    if left is None or right is None:
        return False
    kind = type_of(left)
    if kind != type_of(right):
        return False
    a, b = left[kind], right[kind]
    if kind == "N":
        return bool(a == b) or Decimal(a) == Decimal(b)
    if kind == "M":
        return a.keys() == b.keys() and all(equal(a[name], b[name]) for name in a)
    if kind == "L":
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def order(left: AttributeValue | None, right: AttributeValue | None) -> int | None:
    """Return -1 if ``left`` sorts before ``right``, 0 if both are equal, else 1; ``None`` if they cannot be
    compared."""
    if left is None or right is None:
        return None
    kind = type_of(left)
    if kind != type_of(right) or kind not in _ORDERED:
        return None
    a, b = left[kind], right[kind]
    if kind == "N":
        a, b = Decimal(a), Decimal(b)
    elif kind == "S":
        a, b = a.encode(), b.encode()
    return int(a > b) - int(a < b)


def add(left: AttributeValue, right: AttributeValue, sign: int = 1) -> AttributeValue:
    """Return the sum of two numbers, or their difference if ``sign`` is -1.

    Raises:
        InvalidValueError: an operand is not a number.
    """
    if "N" not in left or "N" not in right:
        raise InvalidValueError("An operand in the update expression has an incorrect data type")
    a, b = left["N"], right["N"]
    try:
        return {"N": str(int(a) + sign * int(b))}
    except ValueError:
        return {"N": number_text(str(Decimal(a) + sign * Decimal(b)))}


def item_bytes(item: Item) -> int:
    """Return an item's approximate size for the limit of 400 KB: names and values in UTF-8, and nesting overhead."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: AttributeValue) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return len(content) // 2 + 1
    if kind == "M":
        return _ATTRIBUTE_OVERHEAD + sum(1 + len(name.encode()) + _value_bytes(one) for name, one in content.items())
    if kind == "L":
        return _ATTRIBUTE_OVERHEAD + sum(1 + _value_bytes(one) for one in content)
    if kind in {"BOOL", "NULL"}:
        return 1
    return len(content)
