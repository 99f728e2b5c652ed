"""Paths, placeholders and functions of expressions, compiled to closures over (item, values)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.simulation.fakes.dynamodb import values as av
from lab.simulation.fakes.dynamodb.tokens import InvalidExpressionError, Stream, reserved_words
from lab.simulation.fakes.dynamodb.values import AttributeValue, Item

Values = Mapping[str, AttributeValue]
Path = tuple[str | int, ...]
Operand = Callable[[Item, Values], AttributeValue | None]


@dataclass(slots=True)
class Scope:
    """Names given with a request, and which placeholders an expression has used."""

    names: Mapping[str, str]
    used_names: set[str] = field(default_factory=set)
    used_values: set[str] = field(default_factory=set)

    def attribute(self, stream: Stream) -> str:
        """Take one attribute name: literal, or through ``#placeholder``."""
        token = stream.current
        if token.kind == "name":
            stream.take()
            self.used_names.add(token.text)
            if token.text not in self.names:
                raise InvalidExpressionError(
                    f"An expression attribute name used in the document path is not defined; "
                    f"attribute name: {token.text}"
                )
            return self.names[token.text]
        if token.kind != "word":
            raise stream.unexpected()
        if token.text.upper() in reserved_words():
            raise InvalidExpressionError(f"Attribute name is a reserved keyword; reserved keyword: {token.text}")
        stream.take()
        return token.text


def path(stream: Stream, scope: Scope) -> Path:
    """Take a document path: ``a.#b[0].c``."""
    parts: list[str | int] = [scope.attribute(stream)]
    while True:
        if stream.accept("."):
            parts.append(scope.attribute(stream))
        elif stream.accept("["):
            number = stream.take()
            if number.kind != "number":
                raise InvalidExpressionError(f'Syntax error; token: "{number.text}"')
            stream.expect("]")
            parts.append(int(number.text))
        else:
            return tuple(parts)


def lookup(item: Item, where: Path) -> AttributeValue | None:
    """The value at a path, or ``None``."""
    found: AttributeValue | None = item.get(str(where[0]))
    for part in where[1:]:
        if found is None:
            return None
        found = _step(found, part)
    return found


def _step(value: AttributeValue, part: str | int) -> AttributeValue | None:
    if isinstance(part, str):
        inner: Any = value.get("M", {})
        return inner.get(part)  # type: ignore[no-any-return]  # values are JSON-like
    members: list[AttributeValue] = value.get("L", [])
    return members[part] if part < len(members) else None


def read(where: Path) -> Operand:
    """An operand that reads a path."""
    if len(where) == 1:
        name = str(where[0])
        return lambda item, _values: item.get(name)
    return lambda item, _values: lookup(item, where)


def placeholder(stream: Stream, scope: Scope) -> Operand:
    """Take ``:value``. Whether it was given is checked once per request, not at every use."""
    name = stream.take().text
    scope.used_values.add(name)
    return lambda _item, values: values[name]


def operand(stream: Stream, scope: Scope) -> Operand:
    """Take an operand of a condition: a path, ``:value``, or ``size(path)``."""
    if stream.current.kind == "value":
        return placeholder(stream, scope)
    if stream.at("SIZE") and stream.following().text == "(":
        stream.take()
        stream.expect("(")
        inner = read(path(stream, scope))
        stream.expect(")")
        return lambda item, values: av.size(inner(item, values))
    return read(path(stream, scope))
