"""Small projects to package: code, wheels that this module writes, and a lock file of these wheels. Their builds need
no network."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from pipeline.package.__main__ import main

REPOSITORY = Path(__file__).resolve().parents[3]
#: The only Python version for which this interpreter can compile byte code.
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
HANDLERS = ("create_order", "get_order", "process_order")


class Result(NamedTuple):
    """Result of a command line."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class Project:
    """A project folder with `runtime/` and `requirements-runtime.txt`, and the folder with the locked wheels."""

    root: Path
    wheels: Path

    def variables(self, **overrides: str) -> dict[str, str]:
        """Return environment variables with which pip uses only our wheels and no setting of this machine."""
        machine = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": self.wheels.as_uri(), "PIP_CONFIG_FILE": os.devnull}
        return {**machine, **pip, "PIP_NO_CACHE_DIR": "1", **overrides}

    def start(self, *options: str, umask: int = 0o022, **variables: str) -> subprocess.Popen[str]:
        """Start to build this project in another process."""
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline.package", "build", "--root", str(self.root), "--json", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env=self.variables(**variables),
            umask=umask,
            start_new_session=True,
        )

    def run(self, *options: str, **variables: str) -> Result:
        """Build with the command line, in this process."""
        out, err = StringIO(), StringIO()
        with (
            patch.dict(os.environ, self.variables(**variables), clear=True),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                code = main(["build", "--root", str(self.root), *options])
            except SystemExit as exit_:
                code = int(exit_.code or 0)
        return Result(code, out.getvalue(), err.getvalue())

    def build(self, *options: str, **variables: str) -> dict[str, Any]:
        """Build and return the report. Fails if the build fails."""
        result = self.run("--json", *options, **variables)
        assert result.returncode == 0, result.stderr
        report: dict[str, Any] = json.loads(result.stdout)
        return report


def make_wheel(
    folder: Path, name: str, files: Mapping[str, str], *, version: str = "1.0", tag: str = "py3-none-any"
) -> str:
    """Write a wheel with ``files`` and return its line for the lock."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    contents = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    record = "".join(f"{path},sha256={_record_hash(text)},{len(text.encode())}\n" for path, text in contents.items())
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, text in contents.items():
            wheel.writestr(zipfile.ZipInfo(member, (2020, 1, 1, 0, 0, 0)), text)
        wheel.writestr(zipfile.ZipInfo(f"{info}/RECORD", (2020, 1, 1, 0, 0, 0)), f"{record}{info}/RECORD,,\n")
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def make_project(
    root: Path, *, runtime: Mapping[str, str] | None = None, lock: str | None = None, cache: Path | None = None
) -> Project:
    """Create a project whose three handlers import one dependency; ``runtime`` adds or replaces source files.

    Projects with the same ``cache`` install their dependencies once. Without ``cache``, a project has its own cache.
    """
    project = Project(root, root.parent / f"{root.name}-wheels")
    line = make_wheel(project.wheels, "greeting", DEPENDENCY)
    sources = {"runtime/__init__.py": "", "runtime/handlers/__init__.py": ""}
    sources |= {f"runtime/handlers/{name}.py": HANDLER for name in HANDLERS}
    write(root, {**sources, **(runtime or {}), "requirements-runtime.txt": line if lock is None else lock})
    if cache is not None:
        (root / ".build").symlink_to(cache)
    return project


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write text files under ``root``."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def names(package: str | Path) -> list[str]:
    """Return the names in a zip file, in their sequence."""
    with zipfile.ZipFile(package) as archive:
        return archive.namelist()


def read(package: str | Path, name: str) -> bytes:
    """Return the contents of one file of a zip file."""
    with zipfile.ZipFile(package) as archive:
        return archive.read(name)


def _record_hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


HANDLER = "import greeting\n\n\ndef handler(event, context):\n    return greeting.hello(event)\n"
DEPENDENCY = {
    "greeting/__init__.py": "NAMES = {'a', 'b', 'c'}\n\n\ndef hello(name):\n    return f'hello {name}'\n",
    "greeting/deep/module.py": "VALUE = frozenset({'x', 'y', 'z'})\n",
    "greeting/deep/data.json": "{}\n",
    "greeting/py.typed": "",
    "greeting/__init__.pyi": "def hello(name: str) -> str: ...\n",
    "greeting/speedups.c": "int main;\n",
    "greeting/tests/test_greeting.py": "def test(): ...\n",
    "greeting-stubs/__init__.pyi": "",
}
