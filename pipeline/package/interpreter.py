"""Finds the interpreter whose byte code the functions' runtime accepts."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.package.spec import BYTECODE_KEY, RELEASE_KEY, BuildError

_PROBE = """
import importlib.util, json, platform, sys, sysconfig
print(json.dumps({
    "implementation": sys.implementation.name,
    "release": ".".join(map(str, sys.version_info[:3])),
    "final": sys.version_info.releaselevel == "final",
    "threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "magic": importlib.util.MAGIC_NUMBER.hex(),
    "machine": platform.machine(),
}))
"""
PROBE_TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class Interpreter:
    """A working CPython: its path, its release (``3.13.0``) and the magic number of its byte code in hex."""

    path: Path
    release: str
    magic: str

    @property
    def minor(self) -> str:
        """Minor version, e.g. ``3.13``."""
        return self.release.rpartition(".")[0]


def find_interpreter(version: str, release: str | None) -> Interpreter:
    """Try each `pythonX.Y` on PATH, then this interpreter. Return the first that is a final release of CPython
    ``version``.

    With ``release`` (`3.13.0`), the interpreter must be exactly that release.

    Raises BuildError if no interpreter qualifies; the message says what to install or which key to change.
    """
    seen: list[str] = []
    for path in _candidates(version):
        found = probe(path)
        if found is None:
            seen.append(f"{path} (does not run, or is a pre-release, a free-threaded build, or not CPython)")
        elif found.minor != version or (release is not None and found.release != release):
            seen.append(f"{path} (is {found.release})")
        else:
            return found
    wanted = f"Python {release}" if release else f"Python {version} (any {version}.x)"
    looked = "; ".join(seen) or f"no python{version} on PATH"
    pinned = f"Or change `{RELEASE_KEY}`. " if release else ""
    raise BuildError(
        f"byte code for the functions needs {wanted}, which this machine does not have. Looked at: {looked}. "
        f"Install it, so that `python{version}` on PATH starts it: for example `uv python install "
        f"{release or version}`, or `pyenv install {release or version}` and `pyenv global`. {pinned}"
        f"Or set `{BYTECODE_KEY}: false`: every machine then builds the same package, but cold starts are slower."
    )


def probe(path: Path) -> Interpreter | None:
    """Return the interpreter at ``path``.

    Returns ``None`` if it does not run (a version manager's shim, another program of that name) or if Lambda cannot
    run its byte code (pre-release, free-threaded, not CPython).
    """
    try:
        result = subprocess.run(  # noqa: S603 - a fixed program and an interpreter found on PATH
            [path, "-I", "-S", "-c", _PROBE], capture_output=True, timeout=PROBE_TIMEOUT_SECONDS, check=True
        )
        facts = json.loads(result.stdout)
        if facts["implementation"] != "cpython" or not facts["final"] or facts["threaded"]:
            return None
        return Interpreter(path=path, release=facts["release"], magic=facts["magic"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None


def _candidates(version: str) -> Iterator[Path]:
    for folder in os.get_exec_path():
        path = Path(folder) / f"python{version}"
        if folder and path.is_file() and os.access(path, os.X_OK):
            yield path
    yield Path(sys.executable)
