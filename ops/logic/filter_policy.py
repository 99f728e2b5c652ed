"""What a topic's filter policy lets through, of message attributes that are texts.

Source: Amazon SNS Developer Guide, "Amazon SNS subscription filter policies" and "String value matching".
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ops.errors import RefusedError


def passes(policy: Mapping[str, Any], attributes: Mapping[str, str]) -> bool:
    """Whether each of the policy's attributes matches one of its values. The policy was checked."""
    return all(any(_matches(each, attributes.get(name)) for each in policy[name]) for name in policy)


def check(policy: Mapping[str, Any]) -> None:
    """Look at every value of the policy.

    Raises:
        RefusedError: one is not known here, so nobody can say what it lets through.
    """
    for conditions in policy.values():
        if not isinstance(conditions, list):
            raise _unknown(conditions)
        for condition in conditions:
            _matches(condition, "")


def _matches(condition: object, value: str | None) -> bool:
    if isinstance(condition, str):
        return value == condition
    if isinstance(condition, Mapping) and len(condition) == 1:
        ((operator, operand),) = condition.items()
        if operator == "exists":
            return (value is not None) is bool(operand)
        if operator in _OPERATORS:
            return value is not None and _OPERATORS[operator](value, operand)
    raise _unknown(condition)


def _is_none_of(value: str, operand: object) -> bool:
    excluded: Sequence[object] = operand if isinstance(operand, list) else [operand]
    return not any(_matches(each, value) for each in excluded)


_OPERATORS: Final[Mapping[str, Callable[[str, Any], bool]]] = {
    "prefix": lambda value, operand: value.startswith(operand),
    "suffix": lambda value, operand: value.endswith(operand),
    "equals-ignore-case": lambda value, operand: value.casefold() == operand.casefold(),
    "anything-but": _is_none_of,
}


def _unknown(condition: object) -> RefusedError:
    return RefusedError(
        f"The subscription's filter has {condition!r}, which is not known here, so nobody can say which events it lets "
        "through. Nothing was sent. Publish to all subscribers instead: python -m ops order replay-events ID"
    )
