"""The operators of SNS and EventBridge filters. This module checks operands and matches texts without AWS.

Sources: Amazon SNS Developer Guide, "Amazon SNS subscription filter policies"; Amazon EventBridge User Guide,
"Comparison operators for use in event patterns".
"""

import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple, cast

from pydantic import JsonValue

_LOWER: Final = (">", ">=")
_UPPER: Final = ("<", "<=")
_OF_TEXTS: Final = ("prefix", "suffix", "equals-ignore-case")
_ANY_CASE: Final = "a text, or {equals-ignore-case: …} with a text"
_EXCLUDED: Final = "a text or number, a list of only texts or only numbers, or {prefix: …}"


def _is_scalar(operand: JsonValue) -> bool:
    # YAML allows `.nan` and `.inf`, but JSON does not.
    return not isinstance(operand, (dict, list)) and not (isinstance(operand, float) and not math.isfinite(operand))


def _is_text(operand: JsonValue) -> bool:
    return isinstance(operand, str)


def _is_text_or_any_case(operand: JsonValue) -> bool:
    return _is_text(operand) or (isinstance(operand, dict) and _is_one_of(operand, {"equals-ignore-case": _is_text}))


def _is_one_of(operand: dict[str, JsonValue], nested: Mapping[str, Callable[[JsonValue], bool]]) -> bool:
    return len(operand) == 1 and all(name in nested and nested[name](inner) for name, inner in operand.items())


def _are_texts(operand: JsonValue) -> bool:
    return all(map(_is_text, _listed(operand))) and operand != []


def _is_wildcard(operand: JsonValue) -> bool:
    return isinstance(operand, str) and "**" not in operand


def _are_wildcards(operand: JsonValue) -> bool:
    return all(map(_is_wildcard, _listed(operand))) and operand != []


def _is_excluded(operand: JsonValue, nested: Mapping[str, Callable[[JsonValue], bool]]) -> bool:
    if isinstance(operand, dict):
        return _is_one_of(operand, nested)
    return _are_texts(operand) or (all(map(_is_number, _listed(operand))) and operand != [])


def _listed(operand: JsonValue) -> list[JsonValue]:
    return operand if isinstance(operand, list) else [operand]


def _is_range(operand: JsonValue) -> bool:
    parts = operand if isinstance(operand, list) else []
    operators, numbers = parts[::2], parts[1::2]
    if len(operators) != len(numbers) or not all(map(_is_number, numbers)):
        return False
    if len(operators) == 1:
        return operators[0] in ("=", *_LOWER, *_UPPER)
    lower, upper = cast(list[float], numbers) if len(numbers) == 2 else (0, 0)
    return lower < upper and operators[0] in _LOWER and operators[1] in _UPPER


def _is_number(operand: JsonValue) -> bool:
    return type(operand) in (int, float) and _is_scalar(operand)


def _is_network(operand: JsonValue) -> bool:
    try:
        ipaddress.ip_network(str(operand), strict=False)
    except ValueError:
        return False
    return isinstance(operand, str)


def _with_case(test: Callable[[str, str], bool], text: str, operand: Any) -> bool:
    if isinstance(operand, dict):
        return test(text.lower(), str(operand["equals-ignore-case"]).lower())
    return test(text, operand)


def _passes_anything_but(text: str, operand: Any) -> bool:
    if not isinstance(operand, dict):
        return text not in _listed(operand)
    ((name, inner),) = operand.items()
    return not any(OPERATORS[name].matches(text, each) for each in _listed(inner))


def _never(_text: str, _operand: Any) -> bool:
    # For `numeric` and `cidr`: the texts of our events (type, id, currency) are neither numbers nor addresses.
    return False


class Operator(NamedTuple):
    """One comparison of a filter.

    Attributes:
        takes: Returns whether the operator accepts an operand.
        allowed: Describes the operands that it accepts.
        matches: Returns whether a text matches an operand.
    """

    takes: Callable[[JsonValue], bool]
    allowed: str
    matches: Callable[[str, Any], bool]


OPERATORS: Final[Mapping[str, Operator]] = {
    "anything-but": Operator(
        partial(_is_excluded, nested={**dict.fromkeys(_OF_TEXTS, _are_texts), "wildcard": _are_wildcards}),
        f"{_EXCLUDED}, {{suffix: …}}, {{equals-ignore-case: …}} or {{wildcard: …}}",
        _passes_anything_but,
    ),
    "cidr": Operator(_is_network, "a network such as 10.0.0.0/24", _never),
    "equals-ignore-case": Operator(_is_text, "a text", lambda text, operand: text.lower() == operand.lower()),
    "exists": Operator(lambda operand: isinstance(operand, bool), "true or false", lambda _, operand: bool(operand)),
    "numeric": Operator(_is_range, "a comparison such as ['=', 5] or ['>', 0, '<=', 100]", _never),
    "prefix": Operator(_is_text_or_any_case, _ANY_CASE, partial(_with_case, str.startswith)),
    "suffix": Operator(_is_text_or_any_case, _ANY_CASE, partial(_with_case, str.endswith)),
    "wildcard": Operator(
        _is_wildcard,
        "a text without **",
        lambda text, operand: re.fullmatch(".*".join(map(re.escape, operand.split("*"))), text) is not None,
    ),
}


# SNS's operators. Unlike EventBridge (above), SNS has no `wildcard`, and three operators take fewer forms of operands.
OF_TOPICS: Final[Mapping[str, Operator]] = {
    **{name: operator for name, operator in OPERATORS.items() if name != "wildcard"},
    "anything-but": Operator(partial(_is_excluded, nested={"prefix": _is_text}), _EXCLUDED, _passes_anything_but),
    "prefix": Operator(_is_text, "a text", str.startswith),
    "suffix": Operator(_is_text, "a text", str.endswith),
}


def value_problem(item: JsonValue, operators: Mapping[str, Operator] = OPERATORS) -> str | None:
    """Return None if `item` is a plain value or an operator with its operands; otherwise return what is allowed."""
    if isinstance(item, dict) and len(item) == 1:
        ((name, operand),) = item.items()
        if name in operators:
            operator = operators[name]
            return None if operator.takes(operand) else f"for {name}, {operator.allowed}"
    if _is_scalar(item):
        return None
    known = ", ".join(f"{{{name}: …}}" for name in operators)
    return f"a text, a number, true, false, null or one of {known}"


def lets_through(item: JsonValue, text: str) -> bool:
    """Return whether a text matches `item`, one value of a filter. `value_problem` must have accepted the value."""
    if not isinstance(item, dict):
        return item == text
    ((name, operand),) = item.items()
    return OPERATORS[name].matches(text, operand)
