"""Evaluates subscription filters: SNS filter policies for message attributes, EventBridge patterns for the event."""

from collections.abc import Mapping
from typing import Any, Final

from components.filter_operators import lets_through, value_problem
from ops.errors import RefusedError

_ANY_OF: Final = "$or"
_UNSUPPORTED: Final = frozenset({"cidr", "numeric"})


def passes(pattern: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """Return whether `fields` match the pattern. Call `check` on the pattern first.

    The pattern lists conditions for each field that it names. The field's value must fulfil one of them; if the
    value is a list, one element must. A nested pattern must match the field's value; if the value is a
    list, it must match one object of the list. Of the patterns in `$or`, one must match.
    """
    return all(_holds(name, wanted, fields) for name, wanted in pattern.items())


def _holds(name: str, wanted: Any, fields: Mapping[str, Any]) -> bool:
    if name == _ANY_OF:
        return any(passes(each, fields) for each in wanted)
    found = fields.get(name)
    values = (found or [None]) if isinstance(found, list) else [found]
    if isinstance(wanted, Mapping):
        return any(passes(wanted, value if isinstance(value, Mapping) else {}) for value in values)
    return any(_matches(item, value) for item in wanted for value in values)


def _matches(item: Any, value: Any) -> bool:
    if value is None:
        return bool(item == {"exists": False})
    if isinstance(value, str):
        return lets_through(item, value)
    if not isinstance(item, Mapping):
        return bool(item == value)
    excluded = item.get("anything-but")
    return item == {"exists": True} or value not in (excluded if isinstance(excluded, list) else [excluded, None])


def check(pattern: object) -> None:
    """Check that `passes` supports every condition of the pattern.

    Raises:
        RefusedError: a condition is not supported.
    """
    if isinstance(pattern, Mapping):
        for name, wanted in pattern.items():
            for each in wanted if name == _ANY_OF else [wanted]:
                check(each)
    elif not isinstance(pattern, list):
        raise _unknown(pattern)
    else:
        for item in pattern:
            if value_problem(item) or (isinstance(item, Mapping) and item.keys() & _UNSUPPORTED):
                raise _unknown(item)


def _unknown(condition: object) -> RefusedError:
    return RefusedError(
        f"The subscription's filter has {condition!r}, which is not supported here. "
        "Nothing was sent. Publish to all subscribers instead: python -m ops order replay-events ID"
    )
