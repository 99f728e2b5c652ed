"""Versions of the `pulumi` command.

Says which version this project builds, and which versions it accepts if `pulumi` is installed.
"""

import re
from pathlib import Path

Version = tuple[int, int, int]

MODULE = Path(__file__).resolve().parent / "pulumi"
"""Folder of the Go module that pins the engine."""

_PINNED = re.compile(r"^(?:require\s+)?\s*github\.com/pulumi/pulumi/pkg/v3 v(\S+)", re.MULTILINE)
_GO = re.compile(r"^go (\S+)", re.MULTILINE)


class EngineUnavailableError(Exception):
    """No `pulumi` command can be used. The message has the reason."""


def parse(given: str) -> Version:
    """Return the numbers of a version like `v3.250.0` or `3.250.0-dev`.

    Raises:
        EngineUnavailableError: the text is no such version.
    """
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", given.strip())
    if match is None:
        message = f"{given.strip()!r} is not a version like v3.250.0."
        raise EngineUnavailableError(message)
    return int(match[1]), int(match[2]), int(match[3])


def text(numbers: Version) -> str:
    """Return a version as text, like `3.250.0`."""
    return ".".join(map(str, numbers))


def pinned() -> Version:
    """Return the version of `pulumi` that local/engine/pulumi/go.mod requires."""
    return parse(_named(_PINNED, "github.com/pulumi/pulumi/pkg/v3"))


def required_go() -> str:
    """Return the oldest version of Go that can build the command, from local/engine/pulumi/go.mod."""
    return _named(_GO, "Go")


def _named(pattern: re.Pattern[str], what: str) -> str:
    match = pattern.search((MODULE / "go.mod").read_text())
    if match is None:
        raise EngineUnavailableError(f"local/engine/pulumi/go.mod names no version of {what}.")
    return match[1]


def supported() -> str:
    """Return the range of accepted versions, in words."""
    oldest = pinned()
    return f"version {text(oldest)} or newer, below {oldest[0] + 1}"


def is_supported(version: Version) -> bool:
    """Return whether the version is accepted: the pinned version or a newer one with the same major number."""
    return version >= pinned() and version[0] == pinned()[0]
