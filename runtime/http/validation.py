"""From a parsed body to an order, or to a list of what is wrong and where."""

from collections.abc import Mapping
from typing import Final, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from runtime.http.problems import VALIDATION_FAILED, FieldError, ProblemError
from runtime.models.fields import Reference
from runtime.models.order import OrderLine, OrderRequest

MAX_ERRORS: Final = 20
_MAX_NAME: Final = 128

_ALLOWED: Final[Mapping[str, str]] = {
    name: info.description
    for model in (OrderRequest, OrderLine)
    for name, info in model.model_fields.items()
    if info.description and name != "lines"
} | {"reference": get_args(Reference)[1].description}  # of `Reference | None` the model knows none
_DETAILS: Final[Mapping[str, str]] = {
    "missing": "This field is required.",
    "extra_forbidden": "This field is not known. Remove it.",
    "tuple_type": "Must be an array of lines.",
    "too_short": "At least one line is required.",
    "too_long": "At most 50 lines are allowed.",
    "model_type": "Must be an object.",
}
_UNREADABLE_NAME: Final = "The name of a field is not valid Unicode. Remove the field."


def to_order(document: object) -> OrderRequest:
    """Return the order that `document`, parsed JSON, describes. Raises `ProblemError` (422)."""
    try:
        return OrderRequest.model_validate(document)
    except ValidationError as error:
        found = error.errors()
    errors = [_field_error(item) for item in _without_echoes(found)]
    more = f" The first {MAX_ERRORS} of {len(errors)} are listed." if len(errors) > MAX_ERRORS else ""
    raise ProblemError(
        VALIDATION_FAILED,
        f"The order has {len(errors)} error{'s' if len(errors) > 1 else ''}, see `errors`.{more}",
        errors=errors[:MAX_ERRORS],
    )


def _without_echoes(found: list[ErrorDetails]) -> list[ErrorDetails]:
    # When every line is wrong, pydantic adds that no line is left: true of its own work, not of what was sent.
    wrong_lines = any(error["loc"][:1] == ("lines",) and len(error["loc"]) > 1 for error in found)
    return [error for error in found if not (wrong_lines and error["type"] == "too_short")]


def _field_error(error: ErrorDetails) -> FieldError:
    return FieldError(pointer=_pointer(error["loc"]), detail=_detail(error))


def _detail(error: ErrorDetails) -> str:
    known = _DETAILS.get(error["type"])
    if known is not None:
        return known
    if error["type"] == "value_error":
        text = error["msg"].removeprefix("Value error, ")
        return f"{text[:1].upper()}{text[1:]}."
    allowed = _ALLOWED.get(str(error["loc"][-1])) if error["loc"] else None
    # pydantic points at the object for a name that it cannot read, and at the field for a value.
    return f"Allowed: {allowed}" if allowed else _UNREADABLE_NAME


def _pointer(location: tuple[int | str, ...]) -> str:
    # A name of the client's may be 60 KB long; the object that has it is pointed at instead.
    steps = location[:-1] if location and len(str(location[-1])) > _MAX_NAME else location
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
