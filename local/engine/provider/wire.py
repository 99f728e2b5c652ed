"""Converts property values between the engine's messages and Python.

A message has JSON values, and objects that a signature marks (files, archives). The engine sends secrets as plain
values, because this provider does not accept marked secrets. The engine itself marks the outputs as secret.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime.rpc import UNKNOWN

# The signatures that mark special objects, from pulumi/runtime/rpc.py.
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_ASSET = "c44067f5952c0a294b673a41bacd8c17"
_ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"


def plain(value: Any) -> Any:
    """Return a protobuf value as Python: whole numbers as integers, no unset properties, marked objects unchanged."""
    if isinstance(value, struct_pb2.Struct):
        return {key: plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, struct_pb2.ListValue):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return plain values as a protobuf `Struct`."""
    message = struct_pb2.Struct()
    message.update(dict(values))
    return message


def holds_unknown(value: Any) -> bool:
    """Return whether a part of the value is unknown until other resources exist (in a preview)."""
    if isinstance(value, Mapping):
        return any(holds_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_unknown(item) for item in value)
    return bool(value == UNKNOWN)


def fingerprint(value: Any) -> Any:
    """Replace each file in the value by the engine's hash of the content. So a moved file counts as unchanged.

    If the engine sent no hash, the hash of the marked object is used.
    """
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
    """Return the value with each marked file replaced by the SDK's asset or archive. Paths are relative to `folder`."""
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
