"""The kinds of failure of one attempt, and how they are told to people without giving away what is in the order."""

import traceback
from typing import Final, NamedTuple

from pydantic import ValidationError

MAX_ERROR_LENGTH: Final = 1024
# A name that the sender chose; it may be anything, so it is never repeated.
_FOREIGN_NAME_ERRORS: Final = frozenset({"extra_forbidden", "invalid_key"})
_SHOWN_PROBLEMS: Final = 10
# DynamoDB's names for another transaction on the row; each other reason to be busy is load.
_CONFLICTS: Final = frozenset({"TransactionConflict", "TransactionConflictException", "TransactionInProgressException"})


class ProcessingError(Exception):
    """A failure with a text that is safe to log, store and send: it holds no values of the order."""


class PermanentError(ProcessingError):
    """No retry can help: the message goes to the dead-letter queue at once.

    `error_type` is a stable name for the kind of failure.
    """

    def __init__(self, error_type: str, error: str) -> None:
        super().__init__(error)
        self.error_type = error_type


class RetryableError(ProcessingError):
    """A later attempt may succeed."""


class NewerSchemaError(RetryableError):
    """The message was written by a newer version: a deploy or a rollback is under way."""


class BusyError(RetryableError):
    """DynamoDB did nothing, because of other transactions or load. The same call may succeed in a moment.

    Attributes:
        throttled: Whether it was load.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"DynamoDB was busy: {code}")
        self.throttled = code not in _CONFLICTS


class InProgressError(RetryableError):
    """Another run of the same order or request is in progress: its lease still holds."""


class RecordError(RetryableError):
    """The order's idempotency record could not be written; a lease of ours may have stayed behind."""


class ContentionError(RetryableError):
    """Other transactions held a row for longer than was waited."""


class ThrottledError(RetryableError):
    """A table was throttled for longer than was waited."""


class CorruptDataError(RetryableError):
    """A row cannot be what the program writes. It is for a person to repair; then the message can be redriven."""


class AuthorizerMissingError(RetryableError):
    """A request that no authorizer has seen, on a stack that has one. A deploy is under way, or it needs a repair.

    To take its caller for the anonymous one would show everybody's orders to everybody.
    """


class DeferredError(RetryableError):
    """Not started, for lack of time in this invocation."""


class DependencyError(Exception):
    """A call of another service failed; whether it took effect is unknown.

    `operation` is like `dynamodb:UpdateItem`, `code` the service's error code or the client's error class. Both are
    safe to log; the text of the cause may not be, and is not repeated.
    """

    def __init__(self, operation: str, code: str) -> None:
        super().__init__(f"{operation} failed: {code}")
        self.operation = operation
        self.code = code


class Described(NamedTuple):
    """A failure in words that are safe to log, store and send.

    `error_type` is a stable name: the failure's own, the service's error code, or the exception's class. `error` says
    what went wrong, in at most `MAX_ERROR_LENGTH` characters, without values of the order.
    """

    error_type: str
    error: str


def describe(failure: Exception) -> Described:
    """Tell of a failure; of one that is not ours, only its class."""
    if isinstance(failure, ProcessingError):
        text = str(failure)
    elif isinstance(failure, ValidationError):
        text = validation_text(failure)
    else:
        text = "unexpected; the worker's log has the traceback"
    error_type = failure.error_type if isinstance(failure, PermanentError) else type(failure).__name__
    return Described(error_type, text[:MAX_ERROR_LENGTH])


def trace_of(failure: BaseException) -> list[str]:
    """Places where it was raised, first cause first: types and code lines, never texts, which may quote the payload."""
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
    """The wrong places of the data (JSON pointers) and the reasons, without the values."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    shown = [f"{_pointer(problem['type'], problem['loc'])}: {problem['msg']}" for problem in problems[:_SHOWN_PROBLEMS]]
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more")
    return "; ".join(shown)


def _pointer(problem_type: str, location: tuple[int | str, ...]) -> str:
    parts = [str(part) for part in location]
    if problem_type in _FOREIGN_NAME_ERRORS:
        parts[-1:] = ["(unknown field)"]
    return "/" + "/".join(parts)
