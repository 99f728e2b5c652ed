"""The failures of the services that we call, in the logic's terms."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from runtime.logic import failures
from runtime.logic.failures import MAX_ERROR_LENGTH, DependencyError, Described


@contextmanager
def calling(operation: str) -> Iterator[None]:
    """Turn whatever boto3 raises inside into a `DependencyError` for `operation`."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise DependencyError(operation, error_code(error)) from error


def error_code(error: BaseException) -> str:
    """The service's error code, like `ThrottlingException`, or the name of the client's own error."""
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "Unknown")
    return type(error).__name__


def describe(failure: Exception) -> Described:
    """Tell of a failure, whether ours or boto3's."""
    if isinstance(failure, ClientError):
        code = str(failure.response.get("Error", {}).get("Code") or "ClientError")
        # The service's own text may quote what it was sent.
        return Described(code, f"{failure.operation_name} was refused: {code}"[:MAX_ERROR_LENGTH])
    if isinstance(failure, BotoCoreError) and not isinstance(failure, ParamValidationError):
        # The client's own texts name endpoints and causes; only the one about parameters quotes what it was given.
        return Described(type(failure).__name__, str(failure)[:MAX_ERROR_LENGTH])
    return failures.describe(failure)
