"""Property values as Pulumi hands them over, made into plain Python values."""

from typing import Any

import pulumi
from pulumi.runtime.rpc import is_rpc_secret, unwrap_rpc_secret


def plain(value: Any) -> Any:
    """Unwrap secrets, turn integral floats into ints (the wire knows only doubles) and drop absent properties.

    Assets and archives stay as they are: only the function's handler opens them.
    """
    if is_rpc_secret(value):
        return plain(unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def holds_files(value: Any) -> bool:
    """Whether the value is an asset or archive, which outputs must not repeat."""
    return isinstance(value, pulumi.Asset | pulumi.Archive)
