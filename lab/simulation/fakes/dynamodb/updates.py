"""Update and projection expressions, compiled to functions over items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.simulation.fakes.dynamodb import values as av
from lab.simulation.fakes.dynamodb.operands import Operand, Path, Scope, Values, lookup, path, placeholder, read
from lab.simulation.fakes.dynamodb.tokens import InvalidExpressionError, Stream
from lab.simulation.fakes.dynamodb.values import AttributeValue, InvalidValueError, Item

# (item before the update, item being changed, values): right-hand sides read the item as it was.
Action = Callable[[Item, Item, Values], None]
Projection = Callable[[Item], Item]


@dataclass(frozen=True, slots=True)
class Update:
    """A compiled update. ``roots`` are the top-level attributes that it may change."""

    actions: tuple[Action, ...]
    roots: frozenset[str]
    nested: bool

    def apply(self, item: Item, values: Values) -> Item:
        """The new item; ``item`` stays as it is (top-level values are never changed in place, so sharing is safe).

        Raises:
            InvalidValueError: a missing operand, a wrong type, or a path that leads nowhere.
        """
        changed = av.copy_item(item) if self.nested else dict(item)
        for action in self.actions:
            action(item, changed, values)
        return changed


_MISSING = "The provided expression refers to an attribute that does not exist in the item"
_BAD_PATH = "The document path provided in the update expression is invalid for update"


def parse_update(expression: str, scope: Scope) -> Update:
    """Compile an update.

    Raises:
        InvalidExpressionError: the service would refuse it (also: one path changed twice, one clause twice).
    """
    stream = Stream(expression)
    actions: list[Action] = []
    targets: list[Path] = []
    clauses: set[str] = set()
    while stream.current.kind != "end":
        clause = stream.take().text.upper()
        if clause not in _CLAUSES:
            raise InvalidExpressionError(f'Syntax error; token: "{clause}"')
        if clause in clauses:
            raise InvalidExpressionError(f'The "{clause}" section can only be used once in an update expression;')
        clauses.add(clause)
        while True:
            target = path(stream, scope)
            targets.append(target)
            actions.append(_CLAUSES[clause](target, stream, scope))
            if not stream.accept(","):
                break
    _refuse_overlaps(targets)

    roots = frozenset(str(target[0]) for target in targets)
    return Update(tuple(actions), roots, nested=any(len(target) > 1 for target in targets))


def parse_projection(expression: str, scope: Scope) -> Projection:
    """Compile a projection of top-level and nested attributes."""
    stream = Stream(expression)
    paths = [path(stream, scope)]
    while stream.accept(","):
        paths.append(path(stream, scope))
    if stream.current.kind != "end":
        raise stream.unexpected()
    _refuse_overlaps(paths)

    def project(item: Item) -> Item:
        projected: Item = {}
        for where in paths:
            found = lookup(item, where)
            if found is not None:
                _place(projected, where, found)
        return projected

    return project


def _place(projected: Item, where: Path, found: AttributeValue) -> None:
    if any(isinstance(part, int) for part in where[:-1]):
        raise InvalidExpressionError("The fake does not project below a list element: project the whole list.")
    holder: dict[str, Any] = projected
    for part in where[:-1]:
        holder = holder.setdefault(str(part), {"M": {}})["M"]
    last = where[-1]
    if isinstance(last, int):
        raise InvalidExpressionError("The fake does not project list elements: project the whole list.")
    holder[last] = av.copy_value(found)


def _refuse_overlaps(paths: list[Path]) -> None:
    for index, one in enumerate(paths):
        for other in paths[index + 1 :]:
            shorter = min(len(one), len(other))
            if one[:shorter] == other[:shorter]:
                raise InvalidExpressionError(
                    "Two document paths overlap with each other; must remove or rewrite one of these paths; "
                    f"path one: {list(one)}, path two: {list(other)}"
                )


def _set(target: Path, stream: Stream, scope: Scope) -> Action:
    stream.expect("=")
    value = _sum(stream, scope)

    def action(before: Item, item: Item, values: Values) -> None:
        result = value(before, values)
        if result is None:
            raise InvalidValueError(_MISSING)
        _write(item, target, av.copy_value(result))

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
        stream.expect("(")
        if name not in _VALUE_FUNCTIONS:
            raise InvalidExpressionError(f"Invalid function name; function: {name}")
        term = _VALUE_FUNCTIONS[name](stream, scope)
        stream.expect(")")
        return term
    return read(path(stream, scope))


def _if_not_exists(stream: Stream, scope: Scope) -> Operand:
    present = read(path(stream, scope))
    stream.expect(",")
    otherwise = _sum(stream, scope)

    def choose(item: Item, values: Values) -> AttributeValue | None:
        found = present(item, values)
        return otherwise(item, values) if found is None else found

    return choose


def _list_append(stream: Stream, scope: Scope) -> Operand:
    first = _term(stream, scope)
    stream.expect(",")
    second = _term(stream, scope)

    def append(item: Item, values: Values) -> AttributeValue:
        a, b = first(item, values), second(item, values)
        if a is None or b is None:
            raise InvalidValueError(_MISSING)
        if "L" not in a or "L" not in b:
            raise InvalidValueError("An operand in the update expression has an incorrect data type")
        return {"L": [*a["L"], *b["L"]]}

    return append


def _remove(target: Path, _stream: Stream, _scope: Scope) -> Action:
    if isinstance(target[-1], int):
        raise InvalidExpressionError("The fake does not REMOVE list elements: teach it, or keep whole lists.")

    def action(_before: Item, item: Item, _values: Values) -> None:
        if len(target) == 1:
            item.pop(str(target[0]), None)
            return
        holder = lookup(item, target[:-1])
        if holder is None or "M" not in holder:
            raise InvalidValueError(_BAD_PATH)
        holder["M"].pop(target[-1], None)

    return action


def _add(target: Path, stream: Stream, scope: Scope) -> Action:
    amount = _clause_value(stream, scope)

    def action(before: Item, item: Item, values: Values) -> None:
        given, old = amount(item, values), lookup(before, target)
        if given is None:
            raise AssertionError("a placeholder always has a value")
        kind = av.type_of(given)
        if kind not in {"N", "SS", "NS", "BS"} or (old is not None and kind not in old):
            raise InvalidValueError("An operand in the update expression has an incorrect data type")
        if old is None:
            _write(item, target, av.copy_value(given))
        elif kind == "N":
            _write(item, target, av.add(old, given))
        else:
            _write(item, target, {kind: [*old[kind], *(one for one in given[kind] if one not in old[kind])]})

    return action


def _delete(target: Path, stream: Stream, scope: Scope) -> Action:
    members = _clause_value(stream, scope)

    def action(before: Item, item: Item, values: Values) -> None:
        given, old = members(item, values), lookup(before, target)
        if given is None:
            raise AssertionError("a placeholder always has a value")
        kind = av.type_of(given)
        if kind not in {"SS", "NS", "BS"} or (old is not None and kind not in old):
            raise InvalidValueError("An operand in the update expression has an incorrect data type")
        if old is None:
            return
        rest = [one for one in old[kind] if one not in given[kind]]
        if rest:
            _write(item, target, {kind: rest})
        else:  # a set is never empty: the attribute goes
            _remove(target, stream, scope)(before, item, values)

    return action


def _clause_value(stream: Stream, scope: Scope) -> Operand:
    if stream.current.kind != "value":
        raise stream.unexpected()
    return placeholder(stream, scope)


def _write(item: Item, target: Path, value: AttributeValue) -> None:
    last = target[-1]
    if len(target) == 1:
        item[str(last)] = value
        return
    holder = lookup(item, target[:-1])
    if isinstance(last, str) and holder is not None and "M" in holder:
        holder["M"][last] = value
    elif isinstance(last, int) and holder is not None and "L" in holder:
        holder["L"][last : last + 1] = [value]
    else:
        raise InvalidValueError(_BAD_PATH)


_VALUE_FUNCTIONS: dict[str, Callable[[Stream, Scope], Operand]] = {
    "if_not_exists": _if_not_exists,
    "list_append": _list_append,
}
_CLAUSES: dict[str, Callable[[Path, Stream, Scope], Action]] = {
    "SET": _set,
    "REMOVE": _remove,
    "ADD": _add,
    "DELETE": _delete,
}
