"""The copy of the tree that is mutated: the tree itself is never touched."""

import shutil
import tomllib
from pathlib import Path
from typing import Any

MUTANTS = "mutants"
"""Where mutmut keeps the mutated sources, the tests beside them, and its results."""
_ALWAYS = ("pyproject.toml", "tests")
_CACHES = shutil.ignore_patterns("__pycache__", "*.pyc", ".hypothesis")


def settings(root: Path) -> dict[str, Any]:
    """`[tool.mutmut]` of the project at `root`."""
    read: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["mutmut"]
    return read


def copy_fresh(root: Path, folder: Path) -> None:
    """Copy what the run needs from `root` to an empty `folder`; earlier results are gone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _copy(root, folder)


def copy_again(root: Path, folder: Path) -> None:
    """Renew the copy in `folder` and keep the results of functions that are what they were.

    mutmut makes the mutants of a source file anew when it is younger than they are, so times are kept.
    """
    for name in (*settings(root)["also_copy"], *settings(root)["source_paths"], *_ALWAYS):
        _remove(folder / name)
        if name not in settings(root)["source_paths"]:
            _remove(folder / MUTANTS / name)
    # Which tests call which function is asked again: tests have changed.
    (folder / MUTANTS / "mutmut-stats.json").unlink(missing_ok=True)
    _copy(root, folder)


def _copy(root: Path, folder: Path) -> None:
    for name in {*settings(root)["also_copy"], *settings(root)["source_paths"], *_ALWAYS}:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=_CACHES)
        else:
            shutil.copy2(source, folder / name)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
