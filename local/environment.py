"""The emulator's own Python environment, created once from the hash-locked requirements.

The emulator also runs the Lambda functions in this environment. If the functions' zip lacks a
package, an import of the package must fail here, as on AWS. So this environment is separate from
the project's.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from local.errors import LocalError, NoSpaceError, explain_os_error
from local.files import locked
from local.instance import ROOT

REQUIREMENTS = "requirements-emulator.txt"
_STAMP = "requirements.sha256"
_UNREACHABLE = re.compile("NewConnectionError|Max retries|Connection refused|ConnectTimeout|Name or service not known")


def ensure_environment(progress: Callable[[str], None], root: Path = ROOT) -> Path:
    """Return the interpreter of the emulator's environment; make the environment if it is missing or out of date.

    `progress` receives a line for each step. Raises `LocalError` when pip fails or the disk is full.
    """
    folder = root / ".build" / "emulator"
    wanted = _fingerprint(root / REQUIREMENTS)
    interpreter = folder / "bin" / "python"
    if _is_current(folder, wanted):
        return interpreter
    try:
        with locked(folder.with_suffix(".lock")):
            if not _is_current(folder, wanted):
                _make(folder, root / REQUIREMENTS, progress)
                (folder / _STAMP).write_text(wanted)
    except OSError as error:
        raise explain_os_error(error, folder, NoSpaceError(_no_space(folder))) from error
    return interpreter


def _fingerprint(requirements: Path) -> str:
    """Return a hash that changes with the requirements and with the Python version."""
    version = f"{sys.implementation.cache_tag}\n".encode()
    return hashlib.sha256(version + requirements.read_bytes()).hexdigest()


def _is_current(folder: Path, wanted: str) -> bool:
    stamp = folder / _STAMP
    return stamp.exists() and stamp.read_text() == wanted and (folder / "bin" / "python").exists()


def _make(folder: Path, requirements: Path, progress: Callable[[str], None]) -> None:
    progress("creating the environment")
    shutil.rmtree(folder, ignore_errors=True)
    pip_is_here = find_spec("pip") is not None
    venv.create(folder, with_pip=not pip_is_here, symlinks=True)
    interpreter = str(folder / "bin" / "python")
    # If the project has pip, the project's pip installs the packages. The new environment then needs no pip.
    pip = [sys.executable, "-m", "pip", "--python", interpreter] if pip_is_here else [interpreter, "-m", "pip"]
    options = ["--disable-pip-version-check", "--no-input", "--retries", "1", "--timeout", "15"]
    _run(
        [*pip, "install", *options, "--progress-bar", "off", "--require-hashes", "-r", str(requirements)],
        folder,
        progress,
    )


def _run(command: list[str], folder: Path, progress: Callable[[str], None]) -> None:
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            if package := re.match(r"Collecting ([A-Za-z0-9_.-]+)", line):
                progress(f"downloading {package[1]}")
            elif line.startswith("Installing"):
                progress("installing")
    if process.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        raise LocalError(_explain(folder, lines))


def _explain(folder: Path, lines: list[str]) -> str:
    text = "\n".join(lines)
    # pip's last errors are enough; the other lines show hosts and stack traces.
    tail = "\n".join([line for line in lines if line.startswith("ERROR")][-3:] or lines[-3:])
    if _UNREACHABLE.search(text):
        return (
            f"The package index does not answer, so the emulator's environment {folder} could not be created. Check "
            f"the network and pip's index (pip config list; PIP_INDEX_URL). pip's output:\n{tail}"
        )
    if "No space left on device" in text:
        return f"{_no_space(folder)} pip also writes to {tempfile.gettempdir()} (TMPDIR). pip's output:\n{tail}"
    return f"The emulator's environment {folder} could not be created from {REQUIREMENTS}. pip's output:\n{tail}"


def _no_space(folder: Path) -> str:
    return (
        f"No space left on the disk of {folder}, where the emulator's environment needs 90 MB. "
        "Free some space, or move this checkout to another disk."
    )
