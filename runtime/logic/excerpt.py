"""The part of a document that decides why it is refused: a refusal then costs little, however long the document is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from runtime.models.fields import MAX_LINES
from runtime.models.order import OrderLine

MAX_ERRORS: Final = 20
"""So many errors of a document are listed at most, in the order in which the whole document has them."""

_LINES: Final = "lines"
# Whatever comes after so many lines: this many are wrong, or one more than are allowed is right.
_ENOUGH_LINES: Final = MAX_LINES + MAX_ERRORS + 1
_ENOUGH_UNKNOWN: Final = MAX_ERRORS + 1


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A document without what can only add errors beyond the first ones.

    Attributes:
        document: What is left. It is valid if and only if the whole is.
        unknown_left_out: How many unknown members were left out; each is an error.
        lines_left_out: Lines were left out too, and nobody counted their errors.
    """

    document: object
    unknown_left_out: int = 0
    lines_left_out: bool = False

    def count(self, found: Sequence[ErrorDetails]) -> str:
        """How many errors the whole document has, given those `found` in the excerpt: `3`, or `more than 211`."""
        count = len(found) + self.unknown_left_out
        in_lines = any(error["loc"][:1] == (_LINES,) and len(error["loc"]) > 1 for error in found)
        return f"more than {count}" if self.lines_left_out and in_lines else str(count)


def excerpt(document: object, model: type[BaseModel]) -> Excerpt:
    """The excerpt of `document`, parsed JSON that is to become a `model`, which has lines as orders have."""
    content, unknown = _shortened(document, model.model_fields, _ENOUGH_UNKNOWN)
    left_out = max(unknown - _ENOUGH_UNKNOWN, 0)
    lines = content.get(_LINES) if isinstance(content, dict) else None
    if not isinstance(lines, list):
        return Excerpt(content, left_out)
    kept: list[object] = []
    listed = 0
    for line in lines[:_ENOUGH_LINES]:
        # A line that is wrong stays wrong: one unknown member is left in each.
        most = max(_ENOUGH_UNKNOWN - listed, 1)
        short, unknown = _shortened(line, OrderLine.model_fields, most)
        kept.append(short)
        listed += unknown
        left_out += max(unknown - most, 0)
    return Excerpt({**content, _LINES: kept}, left_out, len(lines) > _ENOUGH_LINES)


def _shortened(members: Any, known: Collection[str], most: int) -> tuple[Any, int]:
    """An object with at most so many members that are not `known`, and how many of those it has.

    What is no object, and one without more members than are known, stays as it is.
    """
    if not isinstance(members, dict) or len(members) <= len(known):
        return members, 0
    unknown = [name for name in members if name not in known]
    if len(unknown) <= most:
        return members, len(unknown)
    left_out = frozenset(unknown[most:])
    return {name: value for name, value in members.items() if name not in left_out}, len(unknown)
