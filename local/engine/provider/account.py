"""Interface of the account in which the stand-in provider creates its resources."""

from collections.abc import Mapping
from typing import Any, Protocol

from local.services.base import Created


class RefusedError(Exception):
    """The account refuses the operation; the message has the reason."""


class Account(Protocol):
    """An account in memory, or in the embedded AWS.

    Several threads call it at the same time. Inputs are plain values, except files and archives: these are
    objects that Pulumi marks with the key `_SIGNATURE` (wire.py).
    """

    region: str
    account_id: str

    def create(self, token: str, name: str, inputs: Mapping[str, Any]) -> Created:
        """Create a resource. Raises `RefusedError`."""

    def read(self, token: str, id_: str) -> Mapping[str, Any] | None:
        """Return inputs and outputs of a resource; `None` if it is gone. Raises `RefusedError` if it cannot be read."""

    def update(self, token: str, id_: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change a resource in place and return its outputs. Raises `RefusedError`."""

    def delete(self, token: str, id_: str, inputs: Mapping[str, Any]) -> None:
        """Delete a resource, if it still exists. Raises `RefusedError`."""
