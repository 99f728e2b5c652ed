"""Words of an expression, and what the service refuses to read as an attribute's name."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TOKEN = re.compile(
    r"\s*(?:(?P<name>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)|(?P<number>\d+)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<symbol><>|<=|>=|[=<>(),.\[\]+\-]))"
)


class InvalidExpressionError(ValueError):
    """An expression that the service refuses; its text becomes the service's validation message."""


@dataclass(frozen=True, slots=True)
class Token:
    """``kind`` is one of name, value, number, word, symbol, end; ``text`` is as written."""

    kind: str
    text: str


END = Token("end", "<EOF>")


def tokenize(expression: str) -> list[Token]:
    """Split an expression into tokens.

    Raises:
        InvalidExpressionError: empty, or a character no token starts with.
    """
    if not expression.strip():
        raise InvalidExpressionError("The expression can not be empty;")
    tokens: list[Token] = []
    position = 0
    end = len(expression.rstrip())
    while position < end:
        match = _TOKEN.match(expression, position)
        if match is None:
            raise InvalidExpressionError(f'Syntax error; token: "{expression[position:].split()[0]}"')
        kind = match.lastgroup
        if kind is None:
            raise AssertionError("every alternative of the pattern is named")
        tokens.append(Token(kind, match.group(kind)))
        position = match.end()
    return tokens


@cache
def reserved_words() -> frozenset[str]:
    """DynamoDB's reserved words, upper case, as the installed moto lists them (read without importing it).

    Raises:
        LookupError: moto is not installed.
    """
    spec = importlib.util.find_spec("moto")
    if spec is None or spec.origin is None:
        raise LookupError("moto is needed for DynamoDB's reserved words: install requirements-dev.txt.")
    listing = Path(spec.origin).parent / "dynamodb" / "parsing" / "reserved_keywords.txt"
    return frozenset(listing.read_text(encoding="utf-8").upper().split())


class Stream:
    """Tokens with a cursor; words of the grammar match in any case, as in the service."""

    def __init__(self, expression: str) -> None:
        self.tokens = tokenize(expression)
        self.position = 0

    @property
    def current(self) -> Token:
        """The token under the cursor, or the end."""
        return self.tokens[self.position] if self.position < len(self.tokens) else END

    def following(self) -> Token:
        """The token after the current one, or the end."""
        return self.tokens[self.position + 1] if self.position + 1 < len(self.tokens) else END

    def take(self) -> Token:
        """The current token; moves on."""
        token = self.current
        self.position += 1
        return token

    def at(self, *texts: str) -> bool:
        """Whether the current token is one of these symbols or words."""
        return self.current.kind in {"symbol", "word"} and self.current.text.upper() in texts

    def accept(self, *texts: str) -> bool:
        """Take the current token if it is one of these."""
        if self.at(*texts):
            self.position += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Take this token.

        Raises:
            InvalidExpressionError: another token stands there.
        """
        if not self.accept(text):
            raise self.unexpected()

    def unexpected(self) -> InvalidExpressionError:
        """The service's message for a token that does not fit here."""
        return InvalidExpressionError(f'Syntax error; token: "{self.current.text}"')
