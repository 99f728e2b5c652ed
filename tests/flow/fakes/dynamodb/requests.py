"""The expressions of one request: compiled (cached by text), with names and values checked as the service does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tests.flow.fakes.dynamodb.conditions import Condition, parse_condition
from tests.flow.fakes.dynamodb.operands import Scope, Values
from tests.flow.fakes.dynamodb.tokens import InvalidExpressionError
from tests.flow.fakes.dynamodb.updates import Projection, Update, parse_projection, parse_update
from tests.flow.fakes.dynamodb.values import InvalidValueError, copy_value

_Compiled = tuple[Any, frozenset[str], frozenset[str]]

_PARSERS: dict[str, Callable[[str, Scope], Any]] = {
    "KeyConditionExpression": parse_condition,
    "ConditionExpression": parse_condition,
    "FilterExpression": parse_condition,
    "UpdateExpression": parse_update,
    "ProjectionExpression": parse_projection,
}


@dataclass(frozen=True, slots=True)
class Expressions:
    """What a request's expressions compile to; absent ones are ``None``."""

    values: Values
    key_condition: Condition | None = None
    condition: Condition | None = None
    filter: Condition | None = None
    update: Update | None = None
    projection: Projection | None = None


_FIELDS = {
    "KeyConditionExpression": "key_condition",
    "ConditionExpression": "condition",
    "FilterExpression": "filter",
    "UpdateExpression": "update",
    "ProjectionExpression": "projection",
}


@lru_cache(maxsize=2048)
def _compile(kind: str, expression: str, names: tuple[tuple[str, str], ...]) -> _Compiled:
    scope = Scope(dict(names))
    try:
        compiled = _PARSERS[kind](expression, scope)
    except InvalidExpressionError as error:
        raise InvalidExpressionError(f"Invalid {kind}: {error}") from error
    return compiled, frozenset(scope.used_names), frozenset(scope.used_values)


def compile_request(params: Mapping[str, Any]) -> Expressions:
    """Compile every expression of a request.

    Raises:
        InvalidExpressionError: bad syntax; a placeholder that is not defined, or defined and not used.
        InvalidValueError: a bad attribute value.
    """
    names: Mapping[str, str] = params.get("ExpressionAttributeNames", {})
    raw_values: Mapping[str, Any] = params.get("ExpressionAttributeValues", {})
    named = tuple(names.items())
    used_names: frozenset[str] = frozenset()
    used_values: frozenset[str] = frozenset()
    compiled: dict[str, Any] = {}
    for kind, field in _FIELDS.items():
        if kind in params:
            compiled[field], some_names, some_values = _compile(kind, params[kind], named)
            used_names |= some_names
            used_values |= some_values
            _defined(kind, some_values, raw_values)
    _all_used("ExpressionAttributeNames", names, used_names, bool(compiled))
    _all_used("ExpressionAttributeValues", raw_values, used_values, bool(compiled))
    return Expressions(values={name: copy_value(value) for name, value in raw_values.items()}, **compiled)


def _defined(kind: str, used: frozenset[str], given: Mapping[str, Any]) -> None:
    missing = used - given.keys()
    if missing:
        raise InvalidExpressionError(
            f"Invalid {kind}: An expression attribute value used in expression is not defined; "
            f"attribute value: {min(missing)}"
        )


def _all_used(parameter: str, given: Mapping[str, Any], used: frozenset[str], any_expression: bool) -> None:
    unused = given.keys() - used
    if not unused:
        return
    if not any_expression:
        raise InvalidExpressionError(f"{parameter} can only be specified when using expressions")
    raise InvalidExpressionError(
        f"Value provided in {parameter} unused in expressions: keys: {{{', '.join(sorted(unused))}}}"
    )


__all__ = ["Expressions", "InvalidExpressionError", "InvalidValueError", "compile_request"]
