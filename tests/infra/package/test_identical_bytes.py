"""Tests that the same inputs give the same bytes in every folder and environment, at every time, for every user."""

import os
import time
import zipfile
from pathlib import Path

import pytest

from tests.infra.package.projects import PYTHON, Project, make_project, write

pytestmark = pytest.mark.long

TARGET = ("--target", "lambda", "--python-version", PYTHON)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the hash of the project's package, built in an ordinary environment."""
    sha256: str = make_project(tmp_path_factory.mktemp("plain") / "reference").build(*TARGET)["sha256"]
    return sha256


@pytest.fixture
def project(tmp_path: Path, reference: str) -> Project:
    """Return the same project in another folder, built once with its own cache."""
    project = make_project(tmp_path / "a folder" / "deeper")
    assert project.build(*TARGET)["sha256"] == reference
    return project


@pytest.mark.parametrize(
    ("umask", "variables"),
    [
        pytest.param(0o077, {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "1", "LC_ALL": "C"}, id="east"),
        pytest.param(0o000, {"TZ": "America/Los_Angeles", "PYTHONHASHSEED": "4242", "PYTHONOPTIMIZE": "2"}, id="west"),
        pytest.param(0o022, {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": "/nowhere"}, id="python"),
        pytest.param(0o022, {"PIP_USER": "1", "PIP_PREFIX": "/nowhere", "PIP_DRY_RUN": "1"}, id="pip"),
    ],
)
def test_folder_and_environment_do_not_change_the_package(
    tmp_path: Path, reference: str, umask: int, variables: dict[str, str]
) -> None:
    # GIVEN the same project in a folder of another name and depth
    project = make_project(tmp_path / "deeper down" / "other")

    # WHEN it is built by a user with other settings
    built, errors = project.start(*TARGET, umask=umask, **variables).communicate(timeout=120)

    # THEN the package is the same
    assert f'"sha256": "{reference}"' in built, errors


def test_rewritten_files_do_not_change_the_package(project: Project, reference: str) -> None:
    # GIVEN a built project whose files were then written again in the opposite sequence, with other times and modes
    for path in sorted(project.root.rglob("runtime/**/*.py"), reverse=True):
        text = path.read_text()
        path.unlink()
        path.write_text(text)
        path.chmod(0o755)
        os.utime(path, (time.time() - 10**8, 10**8))

    # WHEN it is built again
    built = project.build(*TARGET)

    # THEN the package is the same
    assert built["sha256"] == reference


def test_comments_in_the_lock_file_do_not_change_the_package(project: Project, reference: str) -> None:
    # GIVEN a lock file with additional comments
    lock = project.root / "requirements-runtime.txt"
    lock.write_text(f"# written by a tool\n{lock.read_text()}    # via nobody\n")

    # WHEN the project is built
    built = project.build(*TARGET)

    # THEN the package is the same
    assert built["sha256"] == reference


def test_a_package_without_byte_code_is_the_same_for_every_python_version_and_architecture(tmp_path: Path) -> None:
    # GIVEN a project without compiled dependencies, packaged without byte code
    project = make_project(tmp_path / "project")

    # WHEN it is built for two Python versions and two architectures
    hashes = {
        project.build("--no-bytecode", "--python-version", version, "--architecture", architecture)["sha256"]
        for version, architecture in (("3.12", "arm64"), ("3.13", "x86_64"))
    }

    # THEN all packages are the same
    assert len(hashes) == 1


@pytest.mark.parametrize("change", ["runtime/handlers/get_order.py", "runtime/data.json"])
def test_changed_code_changes_the_hash(project: Project, reference: str, change: str) -> None:
    # GIVEN a built project

    # WHEN a source file changes, or a data file is added
    write(project.root, {change: "{}\n"})

    # THEN the package changes too
    assert project.build(*TARGET)["sha256"] != reference


def test_entries_are_sorted_and_uncompressed_with_fixed_times_and_modes(project: Project, reference: str) -> None:
    # GIVEN a built package

    # WHEN its entries are listed
    with zipfile.ZipFile(project.build(*TARGET)["path"]) as archive:
        entries = archive.infolist()

    # THEN names are sorted, and time, mode, system and compression are fixed
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {
        (
            entry.date_time,
            entry.external_attr >> 16,
            entry.create_system,
            entry.compress_type,
            entry.extra,
            entry.flag_bits,
        )
        for entry in entries
    } == {((1980, 1, 1, 0, 0, 0), 0o100644, 3, zipfile.ZIP_STORED, b"", 0)}
