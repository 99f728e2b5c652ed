"""The interpreter that runs a program, and its installed packages."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LIST_SECONDS = 60

# The program's interpreter runs this script, because the host may use another interpreter. A package that needs a
# provider contains a file pulumi-plugin.json.
_INVENTORY = """
import importlib.metadata, json, sys
packages, plugins = {}, []
for distribution in importlib.metadata.distributions():
    packages[distribution.metadata["Name"]] = distribution.version
    for file in distribution.files or ():
        if file.name == "pulumi-plugin.json" and len(file.parts) == 2:
            plugins.append({"version": distribution.version, **json.loads(file.read_text())})
json.dump({"executable": sys.executable, "version": sys.version.split()[0], "packages": packages, "plugins": plugins},
          sys.stdout)
"""


class InterpreterError(Exception):
    """The project's interpreter cannot be used. The message has the reason."""


@dataclass(frozen=True)
class Plugin:
    """A provider that an installed package needs."""

    name: str
    version: str
    server: str


@dataclass(frozen=True)
class Inventory:
    """An interpreter, the versions of its packages by name, and the providers that the packages need."""

    executable: str
    version: str
    packages: Mapping[str, str]
    plugins: tuple[Plugin, ...]


def interpreter(root: Path, options: Mapping[str, Any]) -> Path:
    """Return the interpreter for the `runtime` options of a project file in `root`.

    Raises:
        InterpreterError: the toolchain is not supported here, or the interpreter does not exist.
    """
    toolchain = options.get("toolchain", "pip")
    if toolchain != "pip":
        message = f"runtime option toolchain {toolchain!r}: the stand-in language host supports pip only"
        raise InterpreterError(message)
    if environment := options.get("virtualenv"):
        return _of_environment(root / str(environment))
    found = shutil.which("python3")
    if found is None:
        raise InterpreterError("No python3 is on the path, and the project sets no `virtualenv`.")
    return Path(found)


def _of_environment(folder: Path) -> Path:
    python = folder / "bin" / "python"
    if not python.exists():
        message = f"{folder} is no virtual environment; `make setup` makes this project's .venv."
        raise InterpreterError(message)
    return python


def inventory(python: Path) -> Inventory:
    """Return the packages that are installed for `python`, and the providers that they need.

    Raises:
        InterpreterError: the interpreter cannot list its packages.
    """
    try:
        answer = subprocess.run(
            [str(python), "-c", _INVENTORY], capture_output=True, text=True, check=True, timeout=_LIST_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        message = f"{python} cannot list its packages: {error}"
        raise InterpreterError(message) from error
    listed = json.loads(answer.stdout)
    plugins = tuple(
        Plugin(each["name"], each["version"], each.get("server", "")) for each in listed["plugins"] if each["resource"]
    )
    return Inventory(listed["executable"], listed["version"], listed["packages"], plugins)


def attached() -> frozenset[str]:
    """Return the names of running providers (PULUMI_DEBUG_PROVIDERS=name:port,…), which need no installation."""
    given = os.environ.get("PULUMI_DEBUG_PROVIDERS", "")
    return frozenset(each.partition(":")[0] for each in given.split(",") if each)
