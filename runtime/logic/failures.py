"""The kinds of failure of one attempt, and their descriptions, which contain no values of the order."""

import traceback
from typing import Final, NamedTuple

from pydantic import ValidationError

MAX_ERROR_LENGTH: Final = 1024
# pydantic's types of errors about a field's name. The sender chose the name, so it may contain
# private data. Therefore no error text repeats it.
_FOREIGN_NAME_ERRORS: Final = frozenset({"extra_forbidden", "invalid_key"})
_SHOWN_PROBLEMS: Final = 10
# DynamoDB's codes that mean: a transaction is using the row. All other codes of a `BusyError` mean
# throttling.
_CONFLICTS: Final = frozenset({"TransactionConflict", "TransactionConflictException", "TransactionInProgressException"})


class ProcessingError(Exception):
    """A failure whose text is safe to log, store and send: it contains no values of the order."""


class PermanentError(ProcessingError):
    """No retry can help: the message goes to the dead-letter queue immediately.

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
    """DynamoDB did nothing, because of a transaction or throttling. The same call may soon succeed.

    Attributes:
        throttled: Whether the reason was throttling.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"DynamoDB was busy: {code}")
        self.throttled = code not in _CONFLICTS


class InProgressError(RetryableError):
    """Another run of the same order or request is in progress: its lease has not ended."""


class RecordError(RetryableError):
    """The order's idempotency record could not be written; this run may have left a lease."""


class ContentionError(RetryableError):
    """Other transactions blocked a row for longer than the worker retries."""


class ThrottledError(RetryableError):
    """A table was throttled for longer than the worker retries."""


class CorruptDataError(RetryableError):
    """A row is missing or has content that the program never writes, or DynamoDB's answer is not understood.

    A person must repair the row and can then redrive the message.
    """


class AuthorizerMissingError(RetryableError):
    """The stack has an authorizer, but the request's route does not use it: a deploy is under way, or a route is wrong.

    If such a request were treated as anonymous, all callers would see each other's orders.
    """


class DeferredError(RetryableError):
    """The attempt did not start, because too little time was left in this invocation."""


class DependencyError(Exception):
    """A call to another service failed; it may have taken effect.

    `operation` is like `dynamodb:UpdateItem`; `code` is the service's error code or the client's error class. Both are
    safe to log. The text of the cause may not be safe, so it is not repeated.
    """

    def __init__(self, operation: str, code: str) -> None:
        super().__init__(f"{operation} failed: {code}")
        self.operation = operation
        self.code = code


class Described(NamedTuple):
    """A failure in words that are safe to log, store and send.

    `error_type` is a stable name: the `error_type` of a `PermanentError`, a service's error code, or the exception's
    class. `error` says what went wrong, in at most `MAX_ERROR_LENGTH` characters, without values of the order.
    """

    error_type: str
    error: str


def describe(failure: Exception) -> Described:
    """Describe a failure. If it is neither a `ProcessingError` nor a `ValidationError`, only its class is used."""
    if isinstance(failure, ProcessingError):
        text = str(failure)
    elif isinstance(failure, ValidationError):
        text = validation_text(failure)
    else:
        text = "unexpected; the worker's log has the traceback"
    error_type = failure.error_type if isinstance(failure, PermanentError) else type(failure).__name__
    return Described(error_type, text[:MAX_ERROR_LENGTH])


def trace_of(failure: BaseException) -> list[str]:
    """Return the types and lines of code, but not the messages, of a failure and its causes, original cause first."""
    chain: list[BaseException] = []
    link: BaseException | None = failure
    # A chain of causes may be circular (`raise error from error`).
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    trace: list[str] = []
    for error in reversed(chain):
        trace += [frame.rstrip() for frame in traceback.format_tb(error.__traceback__)]
        trace.append(type(error).__name__)
    return trace


def validation_text(error: ValidationError) -> str:
    """Return the place (a JSON pointer) and the reason of each wrong value (ten at most), without the value."""
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
