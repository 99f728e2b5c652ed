"""IAM's evaluation of the policies of one identity."""

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Final

Statements = list[dict[str, Any]]
Context = Mapping[str, str]
"""Condition keys of a request with their values. A key that the request does not have is left out."""

_COMPARES: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": str.__eq__,
    "StringLike": fnmatchcase,
    "ArnEquals": fnmatchcase,
    "ArnLike": fnmatchcase,
}


def allows(statements: Statements, action: str, resource: str, context: Context | None = None) -> bool:
    """Return whether IAM allows it by these statements: some `Allow` fits, and no `Deny` does.

    Raises `LookupError` for a condition's operator that is not known here.
    """
    effects = {each["Effect"] for each in statements if _fits(each, action, resource, context or {})}
    return effects == {"Allow"}


def _fits(statement: Mapping[str, Any], action: str, resource: str, context: Context) -> bool:
    return (
        _names(statement, action.lower())
        and any(_like(resource, each) for each in listed(statement["Resource"]))
        and all(
            _holds(operator, key, listed(wanted), context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _names(statement: Mapping[str, Any], action: str) -> bool:
    named = listed(statement["Action"] if "Action" in statement else statement["NotAction"])
    return any(_like(action, each.lower()) for each in named) == ("Action" in statement)


# The same few names are compared thousands of times.
@cache
def _like(value: str, pattern: str) -> bool:
    return fnmatchcase(value, pattern)


def _holds(operator: str, key: str, wanted: Iterable[str], context: Context) -> bool:
    if operator == "Null":
        return (key not in context) == (list(wanted) == ["true"])
    # Over the one value that these requests have a set operator is the operator itself.
    each_value, _, name = operator.rpartition(":")
    optional, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    negated, name = "Not" in name, name.replace("Not", "")
    if name not in _COMPARES:
        message = f"given the condition operator {operator}; known: Null, {', '.join(_COMPARES)}, and their Not"
        raise LookupError(message)
    if key not in context:
        # A missing key fits no value, so a negated operator holds; of no values none fits, and none does not.
        return {"ForAnyValue": False, "ForAllValues": True}.get(each_value, optional or negated)
    return any(_COMPARES[name](context[key], each) for each in wanted) != negated


def listed(value: Any) -> list[str]:
    """One string or many, as a policy has them, always as a list."""
    return [value] if isinstance(value, str) else list(value)
