"""Finds the `pulumi` command that this program's locked SDK can work with.

    python -m tools.engine

Exit codes: 0 found (its path and version are printed), 3 not found or not supported (what to do is printed).
Code 3 is distinct so that a gate can go on and say that nothing was checked with the real engine.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

NOT_AVAILABLE = 3
VERSION_TIMEOUT_SECONDS = 30

Version = tuple[int, int, int]


class EngineUnavailableError(Exception):
    """No supported `pulumi` is on the path; the message says what was found and what to do."""


@dataclass(frozen=True)
class Engine:
    """A `pulumi` command that can run this program."""

    path: Path
    version: Version


def find(search_path: str | None = None) -> Engine:
    """The first `pulumi` on `search_path` (default: PATH).

    Raises:
        EngineUnavailableError: there is none, it does not answer, or its version is not supported.
    """
    oldest = parse(version("pulumi"))
    allowed = f"a version from {text(oldest)} on, below {oldest[0] + 1}"
    found = shutil.which("pulumi", path=search_path)
    if found is None:
        message = f"No `pulumi` command is on the path. Install {allowed} (pulumi.com/docs/install)."
        raise EngineUnavailableError(message)
    actual = _ask(found)
    # An engine older than the SDK may lack a protocol feature that the SDK relies on.
    if actual < oldest or actual[0] != oldest[0]:
        message = f"{found} is {text(actual)}; this program's SDK needs {allowed}."
        raise EngineUnavailableError(message)
    return Engine(Path(found), actual)


def parse(given: str) -> Version:
    """`v3.272.0` or `3.272.0-dev` as numbers.

    Raises:
        EngineUnavailableError: it is no such version.
    """
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", given.strip())
    if match is None:
        message = f"{given.strip()!r} is not a version like v3.272.0."
        raise EngineUnavailableError(message)
    return int(match[1]), int(match[2]), int(match[3])


def text(numbers: Version) -> str:
    """A version as people write it."""
    return ".".join(map(str, numbers))


def _ask(command: str) -> Version:
    try:
        answer = subprocess.run(  # noqa: S603 - the command was found on the user's own path
            [command, "version"], capture_output=True, text=True, check=True, timeout=VERSION_TIMEOUT_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        message = f"`{command} version` failed: {error}."
        raise EngineUnavailableError(message) from error
    return parse(answer.stdout)


def main() -> int:
    """Print what was found."""
    try:
        engine = find()
    except EngineUnavailableError as error:
        sys.stderr.write(f"{error}\nNothing was checked with the real engine.\n")
        return NOT_AVAILABLE
    sys.stdout.write(f"{engine.path} {text(engine.version)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
