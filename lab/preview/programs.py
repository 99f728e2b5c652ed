"""Makes copies of the program and of the engine's workspace, for tests that change them."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml

from local.engine.path import ROOT
from local.engine.program import entries, link_environment
from local.engine.workspace import Workspace

# Byte code is off, because only a Python of the configured version can compile it. A test machine may have another
# version.
NO_BYTECODE: Mapping[str, str] = {"package_bytecode": "false", "package_bytecode_release": ""}


def copy_program(folder: Path) -> Path:
    """Copy the program to `folder`, with links to this process's virtual environment and to the cache of packages."""
    folder.mkdir(parents=True)
    for path in (*entries(), *ROOT.glob("Pulumi.*.yaml")):
        if path.is_dir():
            shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(path, folder / path.name)
    link_environment(folder)
    return folder


def copy_workspace(workspace: Workspace, folder: Path, provider: int) -> Workspace:
    """Return a copy of the workspace, with the same stack in the same state."""
    program = folder / "program"
    # The stack file is copied too, because it has the salt of the state's secrets.
    shutil.copytree(workspace.program, program, symlinks=True)
    shutil.copytree(workspace.state, folder / "state")
    return Workspace(
        workspace.tools, program, folder / "state", provider, workspace.stack, overrides=workspace.overrides
    )


def replace_text(path: Path, old: str, new: str) -> None:
    """Replace `old` in a file of a copy. Raises `AssertionError` when the file does not contain `old`."""
    text = path.read_text()
    if old not in text:
        message = f"{path.name} has no {old!r}"
        raise AssertionError(message)
    path.write_text(text.replace(old, new))


def append(path: Path, text: str) -> None:
    """Add lines to a file of a copy."""
    path.write_text(f"{path.read_text()}\n{text}")


def write_stack_file(program: Path, stack: str, config: Mapping[str, str]) -> None:
    """Write a stack file. In `config`, keys have no namespace, and values are texts; lists and objects are JSON."""
    values = {key: json.loads(text) if text[:1] in ("[", "{") else text for key, text in config.items()}
    content = {"config": {"aws:region": "eu-west-1", **values}}
    (program / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(content))
