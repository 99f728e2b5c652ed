"""Makes a copy of the source tree for mutmut, which changes only this copy."""

import shutil
import tomllib
from pathlib import Path
from typing import Any

MUTANTS = "mutants"
"""The folder in which mutmut keeps the mutated sources, their tests, and the results."""
_ALWAYS = ("pyproject.toml", "tests")
_CACHES = shutil.ignore_patterns("__pycache__", "*.pyc", ".hypothesis")


def settings(root: Path) -> dict[str, Any]:
    """Return the table `[tool.mutmut]` of the project at `root`."""
    read: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["mutmut"]
    return read


def copy_fresh(root: Path, folder: Path) -> None:
    """Delete `folder` with its results. Then copy from `root` to `folder` the files that a run needs."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _copy(root, folder)


def copy_again(root: Path, folder: Path) -> None:
    """Renew the copy in `folder`, and keep the results of unchanged functions.

    Copies keep the modification times, because mutmut mutates a file again if it is newer than its mutants.
    """
    for name in (*settings(root)["also_copy"], *settings(root)["source_paths"], *_ALWAYS):
        _remove(folder / name)
        if name not in settings(root)["source_paths"]:
            _remove(folder / MUTANTS / name)
    # The tests may have changed. So mutmut must record again which functions they call.
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
