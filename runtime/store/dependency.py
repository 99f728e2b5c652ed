"""One error for every failure of a service that we call."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError


class DependencyError(Exception):
    """A call of another service failed; whether it took effect is unknown.

    `operation` is like `dynamodb:UpdateItem`, `code` the service's error code or the client's error class. Both are
    safe to log; the text of the cause may not be, and is not repeated.
    """

    def __init__(self, operation: str, code: str) -> None:
        super().__init__(f"{operation} failed: {code}")
        self.operation = operation
        self.code = code


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
