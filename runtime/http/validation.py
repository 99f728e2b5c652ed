"""Turns a parsed body into an order, or into a list of its errors with their places."""

from collections.abc import Iterator, Mapping
from typing import Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from runtime.http.problems import VALIDATION_FAILED, FieldError, ProblemError
from runtime.models.fields import MAX_LINES
from runtime.models.order import OrderRequest

MAX_ERRORS: Final = 20
"""The most errors that one answer lists."""

_MAX_NAME: Final = 128


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models inside an annotation, such as `OrderLine` in `Annotated[tuple[OrderLine, ...], …]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _descriptions(model: type[BaseModel], at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """Yield the path and the description of each field of `model` and of the models inside it."""
    for name, field in model.model_fields.items():
        yield (*at, name), field.description
        for inner in _models(field.annotation):
            yield from _descriptions(inner, (*at, name))


_LINES: Final = ("lines",)
_ALLOWED: Final = {names: text for names, text in _descriptions(OrderRequest) if names != _LINES}
_DETAILS: Final[Mapping[str, str]] = {
    "missing": "This field is required.",
    "extra_forbidden": "This field is not known. Remove it.",
    "model_type": "Must be an object.",
}
_OF_LINES: Final[Mapping[str, str]] = {
    "tuple_type": "Must be an array of lines.",
    "too_short": "At least one line is required.",
    "too_long": f"At most {MAX_LINES} lines are allowed.",
}
_UNREADABLE_NAME: Final = "The name of a field is not valid Unicode. Remove the field."


def to_order(document: object) -> OrderRequest:
    """Return the order that `document`, parsed JSON, describes. Raises `ProblemError` (422)."""
    try:
        return OrderRequest.model_validate(document)
    except ValidationError as error:
        # The parts that are left out (`url`, …) are not used. Making them would take most of the time of `errors()`.
        found = error.errors(include_url=False, include_context=False, include_input=False)
    errors = _without_follow_up_errors(found)
    count = len(errors)
    more = f" The first {MAX_ERRORS} of {count} are listed." if count > MAX_ERRORS else ""
    raise ProblemError(
        VALIDATION_FAILED,
        f"The order has {count} error{'s' if count > 1 else ''}, see `errors`.{more}",
        errors=[_field_error(item) for item in errors[:MAX_ERRORS]],
    )


def _without_follow_up_errors(found: list[ErrorDetails]) -> list[ErrorDetails]:
    # If every line is wrong, pydantic also reports too few lines, because it counts only the valid ones.
    wrong_lines = any(error["loc"][:1] == ("lines",) and len(error["loc"]) > 1 for error in found)
    return [error for error in found if not (wrong_lines and error["type"] == "too_short")]


def _field_error(error: ErrorDetails) -> FieldError:
    return FieldError(pointer=_pointer(error["loc"]), detail=_detail(error))


def _detail(error: ErrorDetails) -> str:
    kind, names = error["type"], tuple(step for step in error["loc"] if isinstance(step, str))
    known = _DETAILS.get(kind) or (_OF_LINES.get(kind) if names == _LINES else None)
    if known is not None:
        return known
    if kind == "value_error":
        text = error["msg"].removeprefix("Value error, ")
        return f"{text[:1].upper()}{text[1:]}."
    # For a wrong value, pydantic gives the place of the field. For an unreadable field name, it
    # gives the place of the object around the field, which is never in `_ALLOWED`.
    return f"Allowed: {_ALLOWED[names]}" if names in _ALLOWED else _UNREADABLE_NAME


def _pointer(location: tuple[int | str, ...]) -> str:
    # A client can send a field whose name has 60 KB. Then the pointer is that of the object around the field.
    steps = location[:-1] if location and len(str(location[-1])) > _MAX_NAME else location
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
