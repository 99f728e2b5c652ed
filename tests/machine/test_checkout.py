"""Tests that git's line-ending settings change no bytes in a clone, and that lock files contain no URL."""

import shutil
import subprocess
from pathlib import Path

import pytest

from local.instance import ROOT

# Code and scripts, and the files that control line endings, the build and the package.
PARTS = ("runtime", "pipeline", "components", ".ci", ".gitattributes", "Makefile", "requirements-runtime.txt")
CONFIG = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main")


def git(*arguments: str, folder: Path) -> None:
    subprocess.run(["git", *CONFIG, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def committed(tmp_path: Path) -> Path:
    """Return a repository with the files in `PARTS`, committed on a machine that does not convert line endings."""
    folder = tmp_path / "committed"
    folder.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / part, folder / part)
    git("init", folder=folder)
    git("-c", "core.autocrlf=false", "add", ".", folder=folder)
    git("commit", "-m", "all", folder=folder)
    return folder


@pytest.mark.parametrize("setting", ["core.autocrlf=true", "core.autocrlf=input", "core.eol=crlf"])
def test_line_endings_are_not_converted(committed: Path, tmp_path: Path, setting: str) -> None:
    # GIVEN a machine with this setting / WHEN it clones the repository
    clone = tmp_path / "clone"
    git("-c", setting, "clone", "-c", setting, str(committed), str(clone), folder=tmp_path)
    # THEN every file has the same bytes (so packages have the same hash), and executable files stay executable
    for path in sorted(committed.rglob("*")):
        if path.is_file() and ".git" not in path.relative_to(committed).parts:
            there = clone / path.relative_to(committed)
            assert there.read_bytes() == path.read_bytes(), path.name
            assert there.stat().st_mode & 0o111 == path.stat().st_mode & 0o111, path.name
    # AND bash can parse the script .ci/run
    subprocess.run(["bash", "-n", str(clone / ".ci" / "run")], check=True)


@pytest.mark.parametrize(
    "lock",
    [*ROOT.glob("requirements*.txt"), ROOT / "tests" / "contract" / "package-lock.json"],
    ids=lambda path: path.name,
)
def test_a_lock_file_contains_no_url(lock: Path) -> None:
    # GIVEN / WHEN / THEN the file contains no URL, so the user's own settings choose the package index
    assert "://" not in lock.read_text()
