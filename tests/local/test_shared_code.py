"""Tests that MiniStack's workers (the processes that run functions) share one copy of the code of their package.

Workers with different packages have different copies.
"""

from __future__ import annotations

import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from local.shared_code import SharedArchive, share_code


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The emulator's scratch folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def unpack(scratch: Path, worker: str, content: str = "one") -> Path:
    """Do what MiniStack does for a new worker, and return the worker's code folder."""
    folder = scratch / worker
    code = folder / "code"
    code.mkdir(parents=True)
    with zipfile.ZipFile(folder / "code.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("runtime/handler.py"), content)
    with SharedArchive(folder / "code.zip") as archive:
        archive.extractall(str(code))
    return code


def test_workers_with_the_same_package_share_one_copy(scratch: Path) -> None:
    # GIVEN a package
    # WHEN many workers with this package start at once
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda number: unpack(scratch, f"worker-{number}"), range(8)))
    # THEN every worker has its code at the usual path, and there is only one copy
    assert {(code / "runtime" / "handler.py").read_text() for code in codes} == {"one"}
    assert len({os.path.realpath(code) for code in codes}) == 1
    assert [path.name for path in scratch.glob("code-*")] == []
    assert list(scratch.rglob("code.zip")) == []


def test_workers_with_different_packages_have_different_copies(scratch: Path) -> None:
    # GIVEN two versions of a function
    first, second = unpack(scratch, "first", "one"), unpack(scratch, "second", "two")
    # WHEN their workers read their code
    read = [(code / "runtime" / "handler.py").read_text() for code in (first, second)]
    # THEN each has its own version
    assert read == ["one", "two"]


def test_an_archive_that_cannot_be_unpacked_leaves_no_copy(scratch: Path) -> None:
    # GIVEN an archive whose content does not match its checksum
    folder = scratch / "worker"
    (folder / "code").mkdir(parents=True)
    with zipfile.ZipFile(folder / "code.zip", "w") as archive:
        archive.writestr("handler.py", "return 202")
    broken = (folder / "code.zip").read_bytes().replace(b"return 202", b"return 500")
    (folder / "code.zip").write_bytes(broken)
    # WHEN a worker starts
    with SharedArchive(folder / "code.zip") as archive, pytest.raises(zipfile.BadZipFile):
        archive.extractall(str(folder / "code"))
    # THEN no partial copy is left for the next worker
    assert list(scratch.glob("shared-*")) == []
    assert list(scratch.glob("code-*")) == []


def test_other_archives_are_unpacked_as_usual(scratch: Path) -> None:
    # GIVEN the archive of a layer
    with zipfile.ZipFile(scratch / "layer.zip", "w") as archive:
        archive.writestr("python/module.py", "")
    # WHEN it is unpacked
    with SharedArchive(scratch / "layer.zip") as archive:
        archive.extractall(str(scratch / "layer_0"))
    # THEN its files are in the given folder
    assert (scratch / "layer_0" / "python" / "module.py").is_file()
    assert not (scratch / "layer_0").is_symlink()
    assert (scratch / "layer.zip").exists()


def test_an_emulator_that_does_not_unpack_with_zipfile_is_refused() -> None:
    # GIVEN a MiniStack that does not unpack with `zipfile`
    # WHEN code sharing is installed in it
    # THEN the installation fails, so the emulator does not start. The error names the file to change
    with pytest.raises(LookupError, match="shared_code"):
        share_code(ModuleType("lambda_runtime"))
