"""Copies of the program that a test may change, with a workspace of the engine for each."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.engine.path import ROOT
from tools.engine.workspace import Workspace

_CODE = ("components", "pipeline", "runtime")
_FILES = (
    "__main__.py",
    "requirements-runtime.txt",
    "Pulumi.yaml",
    *(f"Pulumi.{s}.yaml" for s in ("dev", "prod", "local")),
)

# Byte code needs exactly the configured Python, which a test machine may lack; it changes nothing but the zip.
NO_BYTECODE: Mapping[str, str] = {"orders:package_bytecode": "false"}


def copy_program(folder: Path) -> Path:
    """A copy of the program in `folder`, with this interpreter as its environment and the one cache of packages."""
    folder.mkdir(parents=True)
    for name in _CODE:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _FILES:
        shutil.copyfile(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    packages = ROOT / ".build" / "package"
    packages.mkdir(parents=True, exist_ok=True)
    (folder / ".build").mkdir()
    (folder / ".build" / "package").symlink_to(packages, target_is_directory=True)
    return folder


def copy_workspace(workspace: Workspace, folder: Path, provider: int) -> Workspace:
    """The same stack in the same state, apart from then on."""
    program = folder / "program"
    # The same stack file too: it holds the salt of the state's secrets.
    shutil.copytree(workspace.program, program, symlinks=True)
    shutil.copytree(workspace.state, folder / "state")
    return Workspace(
        workspace.tools, program, folder / "state", provider, workspace.stack, overrides=workspace.overrides
    )


def replace_text(path: Path, old: str, new: str) -> None:
    """Change a file of a copy. Fails when there is nothing to change, so that a test cannot change nothing."""
    text = path.read_text()
    if old not in text:
        message = f"{path.name} has no {old!r}"
        raise AssertionError(message)
    path.write_text(text.replace(old, new))


def append(path: Path, text: str) -> None:
    """Add lines to a file of a copy."""
    path.write_text(f"{path.read_text()}\n{text}")
