"""Copies of the program that a test may change, with a workspace of the engine for each."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml

from local.engine.path import ROOT
from local.engine.program import entries, link_environment
from local.engine.workspace import Workspace

# Byte code needs exactly the configured Python, which a test machine may lack; it changes nothing but the zip.
NO_BYTECODE: Mapping[str, str] = {"package_bytecode": "false", "package_bytecode_release": ""}


def copy_program(folder: Path) -> Path:
    """A copy of the program in `folder`, with this interpreter as its environment and the one cache of packages."""
    folder.mkdir(parents=True)
    for path in (*entries(), *ROOT.glob("Pulumi.*.yaml")):
        if path.is_dir():
            shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(path, folder / path.name)
    link_environment(folder)
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


def write_stack_file(program: Path, stack: str, config: Mapping[str, str]) -> None:
    """Make a stack's file from keys without namespace and values as text, lists as JSON."""
    values = {key: json.loads(text) if text[:1] in ("[", "{") else text for key, text in config.items()}
    content = {"config": {"aws:region": "eu-west-1", **values}}
    (program / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(content))
