"""Interface of whatever keeps the provider's resources."""

from collections.abc import Mapping
from typing import Any, Protocol

from local.services.base import Created


class RefusedError(Exception):
    """The account refuses the operation; the message says why."""


class Account(Protocol):
    """Keeps resources. Called on several threads at once; inputs are plain values, files still marked."""

    region: str
    account_id: str

    def create(self, token: str, name: str, inputs: Mapping[str, Any]) -> Created:
        """Make one. Raises `RefusedError`."""

    def read(self, token: str, id_: str) -> Mapping[str, Any] | None:
        """Inputs and outputs of one, or `None` when it is gone. Raises `RefusedError` if that cannot be told."""

    def update(self, token: str, id_: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change one in place and return its outputs. Raises `RefusedError`."""

    def delete(self, token: str, id_: str, inputs: Mapping[str, Any]) -> None:
        """Delete one; one that is gone already is fine. Raises `RefusedError`."""
