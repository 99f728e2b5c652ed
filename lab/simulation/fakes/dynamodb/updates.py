"""Update and projection expressions, compiled to functions over items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.simulation.fakes.dynamodb import values as av
from lab.simulation.fakes.dynamodb.operands import Operand, Scope, Values, placeholder, read, unmodelled
from lab.simulation.fakes.dynamodb.tokens import InvalidExpressionError, Stream
from lab.simulation.fakes.dynamodb.values import AttributeValue, InvalidValueError, Item

# (item before the update, item being changed, values): right-hand sides read the item as it was.
Action = Callable[[Item, Item, Values], object]
Projection = Callable[[Item], Item]


@dataclass(frozen=True, slots=True)
class Update:
    """A compiled update. ``roots`` are the attributes that it may change."""

    actions: tuple[Action, ...]
    roots: frozenset[str]

    def apply(self, item: Item, values: Values) -> Item:
        """The new item; ``item`` stays as it is (values are never changed in place, so sharing is safe).

        Raises:
            InvalidValueError: a missing operand, or a wrong type.
        """
        changed = dict(item)
        for action in self.actions:
            action(item, changed, values)
        return changed


_MISSING = "The provided expression refers to an attribute that does not exist in the item"


def parse_update(expression: str, scope: Scope) -> Update:
    """Compile an update.

    Raises:
        InvalidExpressionError: the service would refuse it (also: one path changed twice, one clause twice).
    """
    stream = Stream(expression)
    actions: list[Action] = []
    targets: list[str] = []
    clauses: set[str] = set()
    while stream.current.kind != "end":
        clause = stream.take().text.upper()
        if clause in {"ADD", "DELETE"}:
            raise unmodelled(clause)
        if clause not in _CLAUSES:
            raise InvalidExpressionError(f'Syntax error; token: "{clause}"')
        if clause in clauses:
            raise InvalidExpressionError(f'The "{clause}" section can only be used once in an update expression;')
        clauses.add(clause)
        while True:
            target = scope.attribute(stream)
            targets.append(target)
            actions.append(_CLAUSES[clause](target, stream, scope))
            if not stream.accept(","):
                break
    _refuse_overlaps(targets)
    return Update(tuple(actions), frozenset(targets))


def parse_projection(expression: str, scope: Scope) -> Projection:
    """Compile a projection of attributes."""
    stream = Stream(expression)
    chosen = [scope.attribute(stream)]
    while stream.accept(","):
        chosen.append(scope.attribute(stream))
    if stream.current.kind != "end":
        raise stream.unexpected()
    _refuse_overlaps(chosen)
    return lambda item: {name: av.copy_value(item[name]) for name in chosen if name in item}


def _refuse_overlaps(names: list[str]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise InvalidExpressionError(
                f"Two document paths overlap with each other; must remove or rewrite one of these paths; path: {name}"
            )


def _set(target: str, stream: Stream, scope: Scope) -> Action:
    stream.expect("=")
    value = _sum(stream, scope)

    def action(before: Item, item: Item, values: Values) -> None:
        result = value(before, values)
        if result is None:
            raise InvalidValueError(_MISSING)
        item[target] = av.copy_value(result)

    return action


def _sum(stream: Stream, scope: Scope) -> Operand:
    left = _term(stream, scope)
    if not stream.at("+", "-"):
        return left
    sign = 1 if stream.take().text == "+" else -1
    right = _term(stream, scope)

    def total(item: Item, values: Values) -> AttributeValue:
        a, b = left(item, values), right(item, values)
        if a is None or b is None:
            raise InvalidValueError(_MISSING)
        return av.add(a, b, sign)

    return total


def _term(stream: Stream, scope: Scope) -> Operand:
    if stream.accept("("):
        inner = _sum(stream, scope)
        stream.expect(")")
        return inner
    if stream.current.kind == "value":
        return placeholder(stream, scope)
    if stream.current.kind == "word" and stream.following().text == "(":
        name = stream.take().text
        if name == "list_append":
            raise unmodelled(name)
        if name != "if_not_exists":
            raise InvalidExpressionError(f"Invalid function name; function: {name}")
        stream.expect("(")
        term = _if_not_exists(stream, scope)
        stream.expect(")")
        return term
    return read(scope.attribute(stream))


def _if_not_exists(stream: Stream, scope: Scope) -> Operand:
    present = read(scope.attribute(stream))
    stream.expect(",")
    otherwise = _sum(stream, scope)

    def choose(item: Item, values: Values) -> AttributeValue | None:
        found = present(item, values)
        return otherwise(item, values) if found is None else found

    return choose


def _remove(target: str, _stream: Stream, _scope: Scope) -> Action:
    return lambda _before, item, _values: item.pop(target, None)


_CLAUSES: dict[str, Callable[[str, Stream, Scope], Action]] = {"SET": _set, "REMOVE": _remove}
