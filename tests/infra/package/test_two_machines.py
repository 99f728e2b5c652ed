"""Tests that two machines register the same resources with the same hashes, and build the same bytes."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.infra.package.projects import DEPENDENCY, PYTHON, REPOSITORY, Project, make_wheel

pytestmark = pytest.mark.long

FOLDERS = ("components", "pipeline", "runtime", "lab/recording", "local", "ops")
FILES = ("__main__.py", "Pulumi.yaml", "Pulumi.prod.yaml", "lab/__init__.py")
# This script packages the real code of the functions. The only dependency is a wheel that `machine` writes.
SCRIPT = """
import json, sys
from pprint import pformat
from pipeline.package import build_package
from lab.recording.recording import record_stack

recording = record_stack("prod", json.loads(sys.argv[1]), build=build_package)
# sort_dicts=False: the order of dictionaries must be the same too. Sets have no order, so pformat sorts them.
sys.stdout.write(pformat(recording, sort_dicts=False))
"""
# As in prod, only one pinned release of Python may compile byte code. Here it is the release of this interpreter.
RELEASE = ".".join(map(str, sys.version_info[:3]))
OVERRIDES = {"orders:python_version": PYTHON, "orders:package_bytecode_release": RELEASE}


@dataclass(frozen=True)
class Machine:
    """A copy of the repository. The program runs in it with this umask and these environment variables."""

    project: Project
    umask: int
    variables: Mapping[str, str]

    def registrations(self) -> str:
        """Return everything that the program registers and exports, as text."""
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SCRIPT, json.dumps(OVERRIDES)],
            cwd=self.project.root,
            env=self.project.variables(PYTHONPATH=str(self.project.root), **self.variables),
            umask=self.umask,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def archive(self) -> bytes:
        """Return the bytes of the functions' package that `registrations` has built."""
        (path,) = (self.project.root / ".build").rglob("*.zip")
        return path.read_bytes()


def machine(root: Path, umask: int, changed: float, mode: int, **variables: str) -> Machine:
    """Copy the program to `root`, and give every file this modification time and this mode."""
    for name in FOLDERS:
        shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copyfile(REPOSITORY / name, root / name)
    project = Project(root, root.parent / "wheels")
    (root / "requirements-runtime.txt").write_text(make_wheel(project.wheels, "greeting", DEPENDENCY), encoding="utf-8")
    for path in root.rglob("*"):
        if path.is_file():
            path.chmod(mode)
            os.utime(path, (changed, changed))
    return Machine(project, umask, variables)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> tuple[Machine, Machine]:
    """Return two machines that differ in folder, umask, file times, file modes, time zone and hash seed."""
    here, there = (tmp_path_factory.mktemp(name) for name in ("here", "there"))
    return (
        machine(here / "orders", 0o022, 1_700_000_000, 0o644, TZ="UTC", PYTHONHASHSEED="1"),
        machine(
            there / "a folder" / "deeper", 0o077, 1_000_000_000, 0o755, TZ="Pacific/Kiritimati", PYTHONHASHSEED="4242"
        ),
    )


def test_two_machines_register_the_same_resources_and_build_the_same_bytes(machines: tuple[Machine, Machine]) -> None:
    # GIVEN / WHEN
    first, second = (each.registrations() for each in machines)
    archives = [each.archive() for each in machines]

    # THEN
    assert "orders-prod-process-order" in first
    assert first == second
    assert hashlib.sha256(archives[0]).hexdigest() == hashlib.sha256(archives[1]).hexdigest()


def test_writing_every_source_again_changes_nothing(machines: tuple[Machine, Machine]) -> None:
    # GIVEN a machine that has built the package. Then every source of the functions is written again, unchanged
    here = machines[0]
    before = here.registrations()
    for path in (here.project.root / "runtime").rglob("*.py"):
        path.write_bytes(path.read_bytes())

    # WHEN
    after = here.registrations()

    # THEN
    assert after == before


def test_a_new_line_in_a_function_changes_only_the_path_and_hash_of_the_package(
    machines: tuple[Machine, Machine],
) -> None:
    # GIVEN
    there = machines[1]
    before = there.registrations()
    handler = there.project.root / "runtime" / "handlers" / "get_order.py"
    handler.write_text(handler.read_text(encoding="utf-8") + "\nCHANGED = True\n", encoding="utf-8")

    # WHEN
    after = there.registrations()

    # THEN
    assert after != before
    assert _without_code(after) == _without_code(before)


def _without_code(registrations: str) -> list[Any]:
    """Return the parts of the registrations, without the archive's path and hash."""
    return [word for word in registrations.split("'") if not word.endswith((".zip", "="))]
