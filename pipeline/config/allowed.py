"""Describes the values that a field allows, from its declaration."""

from collections.abc import Iterable
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo


def allowed(field: FieldInfo) -> str:
    """Return the allowed values in words, e.g. `a whole number from 1 to 900`, or the text that the field declares."""
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "allowed" in extra:
        return str(extra["allowed"])
    if get_origin(field.annotation) is Literal:
        return f"one of {', '.join(str(value) for value in get_args(field.annotation))}"
    if field.annotation is bool:
        return "true or false"
    if field.annotation is int:
        return f"a whole number from {_bound(field.metadata, Ge)} to {_bound(field.metadata, Le)}"
    return "text"


def _bound(metadata: Iterable[object], kind: type[Ge] | type[Le]) -> str:
    values = [item.ge if isinstance(item, Ge) else item.le for item in metadata if isinstance(item, kind)]
    return str(values[0])
