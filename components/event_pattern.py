"""Checks EventBridge's event patterns before a deploy."""

import json
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from components.filter_operators import value_problem

# The fields of an event. Only `detail` is an object with fields.
ENVELOPE = frozenset({"id", "version", "detail-type", "source", "account", "time", "region", "resources", "detail"})
_ANY_OF = "$or"
# AWS's quota of 2,048 characters, minus 148 for `source`, which the program adds to a pattern without `source`.
MAX_CHARACTERS = 1_900


def pattern_problems(pattern: Mapping[str, JsonValue]) -> Iterator[tuple[str, str]]:
    """For each problem of the pattern, yield what was given and what is allowed."""
    yield from _problems(pattern, ())
    size = len(json.dumps(dict(pattern)))
    if size > MAX_CHARACTERS:
        yield f"an event_pattern of {size} characters", f"at most {MAX_CHARACTERS}"


def _problems(node: Mapping[str, JsonValue], path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for key, value in node.items():
        where = ".".join((*path, key))
        if key == _ANY_OF:
            yield from _alternatives(value, path, where)
        elif not path and key not in ENVELOPE:
            yield f"the field {key!r} in event_pattern", f"{', '.join(sorted(ENVELOPE))}; order fields are under detail"
        elif isinstance(value, dict) and (path or key == "detail"):
            yield from (
                _problems(value, (*path, key))
                if value
                else iter([(f"nothing for {where} in event_pattern", "at least one field")])
            )
        elif not isinstance(value, list) or not value:
            yield f"{value!r} for {where} in event_pattern", "a list with at least one value, e.g. [order.rejected]"
        else:
            wrong = ((item, value_problem(item)) for item in value)
            yield from ((f"{item!r} for {where} in event_pattern", allowed) for item, allowed in wrong if allowed)


def _alternatives(value: JsonValue, path: tuple[str, ...], where: str) -> Iterator[tuple[str, str]]:
    alternatives = value if isinstance(value, list) else []
    if len(alternatives) < 2 or not all(isinstance(each, dict) and each for each in alternatives):
        yield f"{value!r} for {where} in event_pattern", "a list of at least two patterns"
        return
    for each in alternatives:
        if isinstance(each, dict):
            yield from _problems(each, path)
