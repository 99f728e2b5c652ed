"""The grammar of metric math and of composite alarm rules: text to a small tree."""

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<operator>==|!=|<=|>=|[-+*/<>(),]))"
)
_LEVELS: Final = (("OR",), ("AND",), ("==", "!=", "<=", ">=", "<", ">"), ("+", "-"), ("*", "/"))


class ExpressionSyntaxError(ValueError):
    """The text is not an expression of the grammar."""


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Binary:
    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Call:
    name: str
    arguments: tuple["Node", ...]


Node = Number | Name | Binary | Call


def tokens(text: str) -> list[tuple[str, str]]:
    """Split into (kind, text) pairs.

    Raises:
        ExpressionSyntaxError: a character that starts no token.
    """
    found: list[tuple[str, str]] = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise ExpressionSyntaxError(f"{text!r} cannot be read at {text[position:]!r}")
        found.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return found


def parse(text: str) -> Node:
    """Parse a metric math expression.

    Raises:
        ExpressionSyntaxError: it is not one.
    """
    parser = _Parser(text)
    node = parser.level(0)
    parser.end()
    return node


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._at = 0

    def end(self) -> None:
        if self._at != len(self._tokens):
            raise ExpressionSyntaxError(f"{self._text!r}: {self._tokens[self._at][1]!r} is not expected there")

    def level(self, depth: int) -> Node:
        if depth == len(_LEVELS):
            return self._primary()
        node = self.level(depth + 1)
        while (operator := self._operator(depth)) is not None:
            node = Binary(operator, node, self.level(depth + 1))
        return node

    def _operator(self, depth: int) -> str | None:
        _, operator = self._peek()
        if operator not in _LEVELS[depth]:
            return None
        self._at += 1
        return operator

    def _primary(self) -> Node:
        kind, word = self._next()
        match kind, word:
            case "number", _:
                return Number(float(word))
            case "name", _ if self._peek()[1] == "(":
                self._at += 1
                return Call(word, self._arguments())
            case "name", _:
                return Name(word)
            case "operator", "(":
                node = self.level(0)
                self._expect(")")
                return node
            case _:
                raise ExpressionSyntaxError(f"{self._text!r}: {word!r} is not expected there")

    def _arguments(self) -> tuple[Node, ...]:
        items = [self.level(0)]
        while True:
            _, word = self._next()
            if word == ")":
                return tuple(items)
            if word != ",":
                raise ExpressionSyntaxError(f"{self._text!r}: expected ',' or ')', found {word!r}")
            items.append(self.level(0))

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        if token[0] == "end":
            raise ExpressionSyntaxError(f"{self._text!r} ends too early")
        self._at += 1
        return token

    def _expect(self, word: str) -> None:
        if self._next()[1] != word:
            raise ExpressionSyntaxError(f"{self._text!r}: {word!r} is missing")
