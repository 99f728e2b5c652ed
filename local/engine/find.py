"""Finds a `pulumi` command on the path."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local.engine.versions import EngineUnavailableError, Version, is_supported, parse, supported, text

_VERSION_SECONDS = 30


@dataclass(frozen=True)
class Engine:
    """A `pulumi` command that can run this program.

    `host_script` is the SDK's script that runs a Python program. If local/engine built the command, the language host
    in this repository starts the script. An installed command has its own language host: `host_script` is `None`.
    """

    path: Path
    version: Version
    host_script: Path | None = None


def find(search_path: str | None) -> Engine:
    """Return the first `pulumi` on `search_path` (default: PATH).

    Raises:
        EngineUnavailableError: there is no command, the command fails, or its version is not supported.
    """
    found = shutil.which("pulumi", path=search_path)
    if found is None:
        message = f"No `pulumi` command is on the path. Install {supported()} (pulumi.com/docs/install)."
        raise EngineUnavailableError(message)
    version = reported_version(found)
    if not is_supported(version):
        message = f"{found} has version {text(version)}, but this project needs {supported()}."
        raise EngineUnavailableError(message)
    return Engine(Path(found), version)


def reported_version(command: str) -> Version:
    """Return the version that a `pulumi` command reports.

    Raises:
        EngineUnavailableError: the command fails, or its output is no version.
    """
    try:
        answer = subprocess.run(
            [command, "version"], capture_output=True, text=True, check=True, timeout=_VERSION_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        message = f"`{command} version` failed: {error}."
        raise EngineUnavailableError(message) from error
    return parse(answer.stdout)
