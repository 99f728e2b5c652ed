"""Evaluates the policies of one identity, as IAM does."""

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Final

Statements = list[dict[str, Any]]
Context = Mapping[str, str]
"""The condition keys that a request has, and their values."""

_COMPARES: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": str.__eq__,
    "StringLike": fnmatchcase,
    "ArnEquals": fnmatchcase,
    "ArnLike": fnmatchcase,
}


def allows(statements: Statements, action: str, resource: str, context: Context | None = None) -> bool:
    """Return whether these statements allow the action: an `Allow` matches, and no `Deny` does.

    Raises `LookupError` for a condition operator that is not supported here.
    """
    effects = {each["Effect"] for each in statements if _fits(each, action, resource, context or {})}
    return effects == {"Allow"}


def _fits(statement: Mapping[str, Any], action: str, resource: str, context: Context) -> bool:
    return (
        _covers_action(statement, action.lower())
        and any(_like(resource, each) for each in listed(statement["Resource"]))
        and all(
            _holds(operator, key, listed(wanted), context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _covers_action(statement: Mapping[str, Any], action: str) -> bool:
    named = listed(statement["Action"] if "Action" in statement else statement["NotAction"])
    return any(_like(action, each.lower()) for each in named) == ("Action" in statement)


# Results are cached, because the same few names are compared thousands of times.
@cache
def _like(value: str, pattern: str) -> bool:
    return fnmatchcase(value, pattern)


def _holds(operator: str, key: str, wanted: Iterable[str], context: Context) -> bool:
    if operator == "Null":
        return (key not in context) == (list(wanted) == ["true"])
    # A context has at most one value per key. So if the key is in the context, `ForAnyValue:X` and `ForAllValues:X`
    # mean `X`.
    each_value, _, name = operator.rpartition(":")
    optional, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    negated, name = "Not" in name, name.replace("Not", "")
    if name not in _COMPARES:
        message = (
            f"the condition operator {operator} is not supported; known: Null, {', '.join(_COMPARES)}, "
            "and their negations"
        )
        raise LookupError(message)
    if key not in context:
        # Without the key, ForAllValues holds and ForAnyValue does not. Any other operator holds only if it is negated
        # or ends in `IfExists`.
        return {"ForAnyValue": False, "ForAllValues": True}.get(each_value, optional or negated)
    return any(_COMPARES[name](context[key], each) for each in wanted) != negated


def listed(value: Any) -> list[str]:
    """Return a policy's string or list of strings as a list."""
    return [value] if isinstance(value, str) else list(value)
