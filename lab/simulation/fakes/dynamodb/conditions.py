"""Condition and filter expressions, compiled to predicates."""

from __future__ import annotations

from collections.abc import Callable

from lab.simulation.fakes.dynamodb import values as av
from lab.simulation.fakes.dynamodb.operands import Operand, Scope, Values, operand, read, unmodelled
from lab.simulation.fakes.dynamodb.tokens import InvalidExpressionError, Stream
from lab.simulation.fakes.dynamodb.values import AttributeValue, Item

Condition = Callable[[Item, Values], bool]

_COMPARATORS: dict[str, Callable[[AttributeValue | None, AttributeValue | None], bool]] = {
    "=": av.equal,
    "<": lambda a, b: av.order(a, b) == -1,
    "<=": lambda a, b: av.order(a, b) in {-1, 0},
    ">": lambda a, b: av.order(a, b) == 1,
    ">=": lambda a, b: av.order(a, b) in {0, 1},
    # A missing attribute differs from every value: the service lets `<>` hold for it.
    "<>": lambda a, b: not av.equal(a, b),
}


def parse_condition(expression: str, scope: Scope) -> Condition:
    """Compile a condition.

    Raises:
        InvalidExpressionError: the service would refuse it.
    """
    stream = Stream(expression)
    condition = _disjunction(stream, scope)
    if stream.current.kind != "end":
        raise stream.unexpected()
    return condition


def _disjunction(stream: Stream, scope: Scope) -> Condition:
    parts = [_conjunction(stream, scope)]
    while stream.accept("OR"):
        parts.append(_conjunction(stream, scope))
    return parts[0] if len(parts) == 1 else (lambda item, values: any(part(item, values) for part in parts))


def _conjunction(stream: Stream, scope: Scope) -> Condition:
    parts = [_negation(stream, scope)]
    while stream.accept("AND"):
        parts.append(_negation(stream, scope))
    return parts[0] if len(parts) == 1 else (lambda item, values: all(part(item, values) for part in parts))


def _negation(stream: Stream, scope: Scope) -> Condition:
    if stream.accept("NOT"):
        inner = _negation(stream, scope)
        return lambda item, values: not inner(item, values)
    if stream.accept("("):
        inner = _disjunction(stream, scope)
        stream.expect(")")
        return inner
    token = stream.current
    if token.kind == "word" and stream.following().text == "(":
        return _function(stream, scope)
    return _comparison(stream, scope)


def _comparison(stream: Stream, scope: Scope) -> Condition:
    left = operand(stream, scope)
    if stream.at("BETWEEN"):
        raise unmodelled("BETWEEN")
    if stream.accept("IN"):
        return _membership(left, stream, scope)
    token = stream.current
    if token.kind != "symbol" or token.text not in _COMPARATORS:
        raise stream.unexpected()
    stream.take()
    compare = _COMPARATORS[token.text]
    right = operand(stream, scope)
    return lambda item, values: compare(left(item, values), right(item, values))


def _membership(left: Operand, stream: Stream, scope: Scope) -> Condition:
    stream.expect("(")
    options = [operand(stream, scope)]
    while stream.accept(","):
        options.append(operand(stream, scope))
    stream.expect(")")
    return lambda item, values: any(av.equal(left(item, values), option(item, values)) for option in options)


def _function(stream: Stream, scope: Scope) -> Condition:
    name = stream.take().text
    if name in {"begins_with", "contains", "size"}:
        raise unmodelled(name)
    build = _FUNCTIONS.get(name)
    if build is None:
        raise InvalidExpressionError(f"Invalid function name; function: {name}")
    stream.expect("(")
    condition = build(stream, scope)
    stream.expect(")")
    return condition


def _exists(stream: Stream, scope: Scope) -> Condition:
    present = read(scope.attribute(stream))
    return lambda item, values: present(item, values) is not None


def _not_exists(stream: Stream, scope: Scope) -> Condition:
    present = read(scope.attribute(stream))
    return lambda item, values: present(item, values) is None


def _attribute_type(stream: Stream, scope: Scope) -> Condition:
    whole = read(scope.attribute(stream))
    stream.expect(",")
    kind = operand(stream, scope)

    def condition(item: Item, values: Values) -> bool:
        found, wanted = whole(item, values), kind(item, values)
        return found is not None and wanted is not None and wanted.get("S") == av.type_of(found)

    return condition


# The service spells its functions in lower case and refuses any other spelling.
_FUNCTIONS: dict[str, Callable[[Stream, Scope], Condition]] = {
    "attribute_exists": _exists,
    "attribute_not_exists": _not_exists,
    "attribute_type": _attribute_type,
}
