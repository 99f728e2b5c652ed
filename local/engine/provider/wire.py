"""Property values as the engine sends them to a provider, and back.

The wire knows JSON plus marked objects. Secrets never come here: the stand-in does not accept them, so the engine
opens them first and marks what comes back by itself.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime.rpc import UNKNOWN

# The marks of pulumi/runtime/rpc.py.
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_ASSET = "c44067f5952c0a294b673a41bacd8c17"
_ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"


def plain(value: Any) -> Any:
    """A protobuf value as Python: whole numbers as integers, no unset properties, marked objects as they are."""
    if isinstance(value, struct_pb2.Struct):
        return {key: plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, struct_pb2.ListValue):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Plain values as the protobuf message."""
    message = struct_pb2.Struct()
    message.update(dict(values))
    return message


def holds_unknown(value: Any) -> bool:
    """Return whether something in it is only known once other resources exist (in a preview)."""
    if isinstance(value, Mapping):
        return any(holds_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_unknown(item) for item in value)
    return bool(value == UNKNOWN)


def fingerprint(value: Any) -> Any:
    """The value with files by their content only: a file that moved is the same file."""
    if isinstance(value, Mapping):
        if value.get(_SIGNATURE) in (_ASSET, _ARCHIVE):
            return {"hash": value.get("hash") or _digest(value)}
        return {key: fingerprint(item) for key, item in value.items()}
    if isinstance(value, list):
        return [fingerprint(item) for item in value]
    return value


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def opened(value: Any, folder: Path) -> Any:
    """The value with marked files as the SDK's assets and archives, their paths taken from `folder`."""
    if isinstance(value, Mapping):
        if value.get(_SIGNATURE) == _ASSET:
            return _asset(value, folder)
        if value.get(_SIGNATURE) == _ARCHIVE:
            return _archive(value, folder)
        return {key: opened(item, folder) for key, item in value.items()}
    if isinstance(value, list):
        return [opened(item, folder) for item in value]
    return value


def _asset(value: Mapping[str, Any], folder: Path) -> pulumi.Asset:
    if value.get("path"):
        return pulumi.FileAsset(str(folder / value["path"]))
    if value.get("uri"):
        return pulumi.RemoteAsset(value["uri"])
    return pulumi.StringAsset(value.get("text", ""))


def _archive(value: Mapping[str, Any], folder: Path) -> pulumi.Archive:
    if value.get("path"):
        return pulumi.FileArchive(str(folder / value["path"]))
    if value.get("uri"):
        return pulumi.RemoteArchive(value["uri"])
    return pulumi.AssetArchive(opened(value.get("assets", {}), folder))
