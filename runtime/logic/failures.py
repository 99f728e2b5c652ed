"""The kinds of failure of one attempt, and how they are told to people without giving away what is in the order."""

import traceback
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from pydantic import ValidationError

MAX_ERROR_LENGTH: Final = 1024
# A name that the sender chose; it may be anything, so it is never repeated.
_FOREIGN_NAME_ERRORS: Final = frozenset({"extra_forbidden", "invalid_key"})
_SHOWN_PROBLEMS: Final = 10


class ProcessingError(Exception):
    """A failure with a text that is safe to log, store and send: it holds no values of the order."""


class PermanentError(ProcessingError):
    """No retry can help: the message goes to the dead-letter queue at once.

    Attributes:
        error_type: A stable name for the kind of failure.
        trusted_order_id: The order to mark `FAILED`; `None` if the message does not say reliably which it is.
    """

    def __init__(self, error_type: str, error: str, *, trusted_order_id: str | None) -> None:
        super().__init__(error)
        self.error_type = error_type
        self.trusted_order_id = trusted_order_id


class RetryableError(ProcessingError):
    """A later attempt may succeed."""


class NewerSchemaError(RetryableError):
    """The message was written by a newer version: a deploy or a rollback is under way."""


class ContentionError(RetryableError):
    """Other transactions held a row, or the table was throttled, for longer than was waited."""


class CorruptDataError(RetryableError):
    """A row cannot be what the program writes. It is for a person to repair; then the message can be redriven."""


class AuthorizerMissingError(RetryableError):
    """A request that no authorizer has seen, on a stack that has one. A deploy is under way, or it needs a repair.

    To take its caller for the anonymous one would show everybody's orders to everybody.
    """


class DeferredError(RetryableError):
    """Not started, for lack of time in this invocation."""


def error_type_of(failure: Exception) -> str:
    """A stable name for a failure: its own, the service's error code, or the exception's class."""
    if isinstance(failure, PermanentError):
        return failure.error_type
    if isinstance(failure, ClientError):
        return str(failure.response.get("Error", {}).get("Code") or "ClientError")
    return type(failure).__name__


def error_text_of(failure: Exception) -> str:
    """What went wrong, at most `MAX_ERROR_LENGTH` characters, without values of the order."""
    if isinstance(failure, ClientError):
        # The service's own text may quote what it was sent.
        text = f"{failure.operation_name} was refused: {error_type_of(failure)}"
    elif isinstance(failure, ValidationError):
        text = validation_text(failure)
    elif isinstance(failure, ProcessingError | BotoCoreError) and not isinstance(failure, ParamValidationError):
        # The client's own texts name endpoints and causes; only the one about parameters quotes what it was given.
        text = str(failure)
    else:
        text = "unexpected; the worker's log has the traceback"
    return text[:MAX_ERROR_LENGTH]


def trace_of(failure: BaseException) -> list[str]:
    """Where it was raised, the first cause first: types and code lines, never texts, which may quote the payload."""
    chain: list[BaseException] = []
    link: BaseException | None = failure
    # A chain may lead back into itself (`raise error from error`).
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    trace: list[str] = []
    for error in reversed(chain):
        trace += [frame.rstrip() for frame in traceback.format_tb(error.__traceback__)]
        trace.append(type(error).__name__)
    return trace


def validation_text(error: ValidationError) -> str:
    """Where the data is wrong (JSON pointers) and why, without the values that are."""
    problems = error.errors()
    shown = [f"{_pointer(problem['type'], problem['loc'])}: {problem['msg']}" for problem in problems[:_SHOWN_PROBLEMS]]
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more")
    return "; ".join(shown)


def _pointer(problem_type: str, location: tuple[int | str, ...]) -> str:
    parts = [str(part) for part in location]
    if problem_type in _FOREIGN_NAME_ERRORS:
        parts[-1:] = ["(unknown field)"]
    return "/" + "/".join(parts)
