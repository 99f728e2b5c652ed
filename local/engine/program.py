"""The files of this repository that make up the Pulumi program."""

import sys
from collections.abc import Iterator
from pathlib import Path

from local.engine.path import ROOT

# Packages of this repository that are not part of the program.
_OTHERS = frozenset({"lab", "local", "ops", "policy", "tests"})
_FILES = ("__main__.py", "Pulumi.yaml", "requirements-runtime.txt")


def entries() -> Iterator[Path]:
    """Return the files and packages of the program, without its stack files."""
    yield from (ROOT / name for name in _FILES)
    yield from (path.parent for path in sorted(ROOT.glob("*/__init__.py")) if path.parent.name not in _OTHERS)


def link_environment(folder: Path) -> None:
    """Link the running Python environment and the Lambda packages into `folder`, which holds a copy of the program."""
    (folder / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    packages = ROOT / ".build" / "package"
    packages.mkdir(parents=True, exist_ok=True)
    (folder / ".build").mkdir()
    (folder / ".build" / "package").symlink_to(packages, target_is_directory=True)
