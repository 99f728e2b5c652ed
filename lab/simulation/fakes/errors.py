"""Errors as botocore raises them: one subclass of ``ClientError`` per error code, with the same response shape."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NoReturn

from botocore.exceptions import ClientError


class UnsupportedByFakeError(NotImplementedError):
    """A call used something that the fake does not model. A guessed answer could make a test's result wrong."""


@cache
def error_class(code: str) -> type[ClientError]:
    """Return the exception class for an error code, as ``client.exceptions.<code>`` does."""
    return type(code.rpartition(".")[2], (ClientError,), {})


class ExceptionsNamespace:
    """Stand-in for ``client.exceptions``: one class per error code, and their base class ``ClientError``."""

    def __getattr__(self, code: str) -> type[ClientError]:
        if code == "ClientError":
            return ClientError
        if code.startswith("_"):
            raise AttributeError(code)
        return error_class(code)


EXCEPTIONS = ExceptionsNamespace()


def client_error(
    operation: str, code: str, message: str, *, http_status: int = 400, extra: Mapping[str, Any] | None = None
) -> ClientError:
    """Build a ``ClientError`` as botocore does.

    Args:
        operation: API operation name, such as ``PutItem``.
        code: Error code, such as ``ConditionalCheckFailedException``.
        message: The service's message.
        http_status: Status of the answer.
        extra: Further top-level members of the response (``Item``, ``CancellationReasons``).
    """
    response: dict[str, Any] = {
        "Error": {"Message": message, "Code": code},
        "ResponseMetadata": {"RequestId": "fake", "HTTPStatusCode": http_status, "HTTPHeaders": {}, "RetryAttempts": 0},
        "message": message,
        **(extra or {}),
    }
    return error_class(code)(response, operation)  # type: ignore[arg-type]  # the type lists no service-specific members


def refuse(operation: str, message: str, code: str = "ValidationException") -> NoReturn:
    """Raise the service's validation error."""
    raise client_error(operation, code, message)


def only_known(operation: str, given: Mapping[str, Any], known: frozenset[str]) -> None:
    """Refuse parameters that the fake does not model.

    Raises:
        UnsupportedByFakeError: a parameter is not in ``known``.
    """
    unknown = given.keys() - known
    if unknown:
        raise UnsupportedByFakeError(
            f"{operation}: parameters {sorted(unknown)} are not modelled. Extend the fake, or omit them. It models "
            f"only {sorted(known)}."
        )
