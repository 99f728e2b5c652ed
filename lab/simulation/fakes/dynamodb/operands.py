"""Names and placeholders of expressions, compiled to closures over (item, values)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lab.simulation.fakes.dynamodb.tokens import InvalidExpressionError, Stream, reserved_words
from lab.simulation.fakes.dynamodb.values import AttributeValue, Item
from lab.simulation.fakes.errors import UnsupportedByFakeError

Values = Mapping[str, AttributeValue]
Operand = Callable[[Item, Values], AttributeValue | None]


@dataclass(slots=True)
class Scope:
    """Names given with a request, and which placeholders an expression has used."""

    names: Mapping[str, str]
    used_names: set[str] = field(default_factory=set)
    used_values: set[str] = field(default_factory=set)

    def attribute(self, stream: Stream) -> str:
        """Take the name of a top-level attribute: literal, or through ``#placeholder``."""
        name = self._name(stream)
        if stream.at(".", "["):
            raise unmodelled("a path into an attribute")
        return name

    def _name(self, stream: Stream) -> str:
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


def unmodelled(what: str) -> UnsupportedByFakeError:
    """The error for syntax of AWS's that nothing here uses."""
    return UnsupportedByFakeError(f"{what} is not modelled: Teach the fake.")


def read(name: str) -> Operand:
    """An operand that reads an attribute."""
    return lambda item, _values: item.get(name)


def placeholder(stream: Stream, scope: Scope) -> Operand:
    """Take ``:value``. Whether it was given is checked once per request, not at every use."""
    name = stream.take().text
    scope.used_values.add(name)
    return lambda _item, values: values[name]


def operand(stream: Stream, scope: Scope) -> Operand:
    """Take an operand of a condition: an attribute or ``:value``."""
    if stream.current.kind == "value":
        return placeholder(stream, scope)
    return read(scope.attribute(stream))
