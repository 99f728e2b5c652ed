"""Converts the errors of AWS services and boto3 into the logic's failures."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from runtime.logic import failures
from runtime.logic.failures import MAX_ERROR_LENGTH, DependencyError, Described


@contextmanager
def calling(operation: str) -> Iterator[None]:
    """Turn each error of boto3 inside this context into a `DependencyError` for `operation`."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise DependencyError(operation, error_code(error)) from error


def error_code(error: BaseException) -> str:
    """Return the service's error code, like `ThrottlingException`, or the class name of any other error."""
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "Unknown")
    return type(error).__name__


def describe(failure: Exception) -> Described:
    """Describe a failure: an error of boto3 or any other exception."""
    if isinstance(failure, ClientError):
        code = str(failure.response.get("Error", {}).get("Code") or "ClientError")
        # The service's error text is not used, because it may quote data of the call.
        return Described(code, f"{failure.operation_name} was refused: {code}"[:MAX_ERROR_LENGTH])
    if isinstance(failure, BotoCoreError) and not isinstance(failure, ParamValidationError):
        # botocore's texts are used: they contain endpoints and causes. Only `ParamValidationError` quotes call data.
        return Described(type(failure).__name__, str(failure)[:MAX_ERROR_LENGTH])
    return failures.describe(failure)
