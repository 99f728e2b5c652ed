"""Property values as Pulumi hands them over, made into plain Python values."""

from typing import Any

import pulumi

# The SDK's wire format marks special values by these two constants (pulumi/runtime/rpc.py).
_SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 a wire-format constant, not a credential


def plain(value: Any) -> Any:
    """Unwrap secrets, turn integral floats into ints (the wire knows only doubles) and drop absent properties.

    Assets and archives stay as they are: only the function's handler opens them.
    """
    if isinstance(value, dict):
        if value.get(_SIGNATURE_KEY) == _SECRET:
            return plain(value["value"])
        return {key: plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def holds_files(value: Any) -> bool:
    """Whether the value is an asset or archive, which outputs must not repeat."""
    return isinstance(value, pulumi.Asset | pulumi.Archive)
