"""Clients that call no service."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError


class Recording:
    """Records the parameters of every call, and returns `answer` for each."""

    def __init__(self, **answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**params: Any) -> dict[str, Any]:
            self.calls.append((operation, params))
            return self.answer

        return call

    @property
    def only(self) -> dict[str, Any]:
        """Return the parameters of the only call."""
        ((_, params),) = self.calls
        return params


class Refusing:
    """Refuses every call with an error response of AWS that has `code` and the fields in `more`."""

    def __init__(self, code: str, **more: Any) -> None:
        self._response: Any = {"Error": {"Code": code, "Message": "private"}, **more}

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**_: Any) -> dict[str, Any]:
            raise ClientError(self._response, operation)

        return call
