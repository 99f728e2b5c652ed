"""Compiles the expressions of a request (cached by text), and checks their placeholders as the service does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lab.simulation.fakes.dynamodb.expressions import (
    Condition,
    InvalidExpressionError,
    Projection,
    Scope,
    Update,
    Values,
    parse_condition,
    parse_projection,
    parse_update,
)
from lab.simulation.fakes.dynamodb.values import InvalidValueError

_Compiled = tuple[Any, frozenset[str], frozenset[str]]

_PARSERS: dict[str, Callable[[str, Scope], Any]] = {
    "ConditionExpression": parse_condition,
    "FilterExpression": parse_condition,
    "UpdateExpression": parse_update,
    "ProjectionExpression": parse_projection,
}


@dataclass(frozen=True, slots=True)
class Expressions:
    """Compiled expressions of a request; an absent expression is ``None``."""

    values: Values
    condition: Condition | None = None
    filter: Condition | None = None
    update: Update | None = None
    projection: Projection | None = None


# `Expressions` has a field for each of these expressions, in the same sequence, after `values`.
_FIELDS = tuple(_PARSERS)
_NOTHING: dict[str, Any] = {}


def _compile(kind: str, expression: str, names: tuple[tuple[str, str], ...]) -> _Compiled:
    scope = Scope(dict(names))
    try:
        compiled = _PARSERS[kind](expression, scope)
    except InvalidExpressionError as error:
        raise InvalidExpressionError(f"Invalid {kind}: {error}") from error
    return compiled, frozenset(scope.used_names), frozenset(scope.used_values)


def compile_request(params: Mapping[str, Any]) -> Expressions:
    """Compile every expression of a request. Values are copied and checked later, when they are stored.

    Raises:
        InvalidExpressionError: bad syntax, or a placeholder that is undefined or unused.
    """
    names: Mapping[str, str] = params.get("ExpressionAttributeNames", _NOTHING)
    values: Mapping[str, Any] = params.get("ExpressionAttributeValues", _NOTHING)
    texts = tuple(params.get(kind) for kind in _FIELDS)
    return Expressions(values, *_checked(texts, tuple(names.items()), tuple(values)))


@lru_cache(maxsize=2048)
def _checked(
    texts: tuple[str | None, ...], names: tuple[tuple[str, str], ...], value_names: tuple[str, ...]
) -> tuple[Any, ...]:
    """Compile the expressions in the sequence of ``_FIELDS``. A program has few expressions, so the cache is small."""
    used_names: frozenset[str] = frozenset()
    used_values: frozenset[str] = frozenset()
    compiled: list[Any] = []
    for kind, text in zip(_FIELDS, texts, strict=True):
        if text is None:
            compiled.append(None)
            continue
        one, some_names, some_values = _compile(kind, text, names)
        used_names |= some_names
        used_values |= some_values
        _defined(kind, some_values, value_names)
        compiled.append(one)
    any_expression = any(text is not None for text in texts)
    _all_used("ExpressionAttributeNames", dict(names).keys(), used_names, any_expression)
    _all_used("ExpressionAttributeValues", set(value_names), used_values, any_expression)
    return tuple(compiled)


def _defined(kind: str, used: frozenset[str], given: tuple[str, ...]) -> None:
    missing = used.difference(given)
    if missing:
        raise InvalidExpressionError(
            f"Invalid {kind}: An expression attribute value used in expression is not defined; "
            f"attribute value: {min(missing)}"
        )


def _all_used(parameter: str, given: Set[str], used: frozenset[str], any_expression: bool) -> None:
    unused = given - used
    if not unused:
        return
    if not any_expression:
        raise InvalidExpressionError(f"{parameter} can only be specified when using expressions")
    raise InvalidExpressionError(
        f"Value provided in {parameter} unused in expressions: keys: {{{', '.join(sorted(unused))}}}"
    )


__all__ = ["Expressions", "InvalidExpressionError", "InvalidValueError", "compile_request"]
