"""The byte code in the package is used as it is, wherever the package is unpacked."""

import importlib.util
import marshal
import struct
import sys
import types
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.package.projects import PYTHON, make_project, names, read

pytestmark = pytest.mark.long

TARGET = ("--target", "lambda", "--python-version", PYTHON)
UNCHECKED_HASH = 0b01


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with byte code."""
    return Path(make_project(tmp_path_factory.mktemp("bytecode") / "project").build(*TARGET)["path"])


def compiled(package: Path) -> dict[str, bytes]:
    return {name: read(package, name) for name in names(package) if name.endswith(".pyc")}


def test_every_source_has_its_byte_code(package: Path) -> None:
    # GIVEN the sources of a package
    sources = [name for name in names(package) if name.endswith(".py")]

    # WHEN the name that this Python looks for is derived from each
    expected = {importlib.util.cache_from_source(name) for name in sources}

    # THEN those are in the package, and no others
    assert set(compiled(package)) == expected


def test_byte_code_is_never_checked_against_its_source(package: Path) -> None:
    # GIVEN the byte code in a package
    files = compiled(package)

    # WHEN its headers are read
    headers = {(data[:4], struct.unpack("<I", data[4:8])[0]) for data in files.values()}

    # THEN it is for this Python, hash-based and unchecked
    assert headers == {(importlib.util.MAGIC_NUMBER, UNCHECKED_HASH)}


def test_byte_code_names_the_folder_of_lambda_and_none_of_this_machine(package: Path) -> None:
    # GIVEN the byte code in a package
    files = compiled(package)

    # WHEN the file names in it are read
    found = {code.co_filename for data in files.values() for code in codes(marshal.loads(data[16:]))}  # noqa: S302 - ours

    # THEN all are below /var/task, and the bytes name no folder of the build
    assert found == {f"/var/task/{name}" for name in names(package) if name.endswith(".py")}
    assert not any(str(package.parents[3]).encode() in data for data in files.values())


def test_no_byte_code_when_switched_off(tmp_path: Path) -> None:
    # GIVEN a project
    project = make_project(tmp_path / "project")

    # WHEN it is built without byte code
    built = project.build(*TARGET, "--no-bytecode")

    # THEN there is none, and no Python release is reported
    assert compiled(Path(built["path"])) == {}
    assert built["python"] is None


def test_a_source_that_does_not_compile_is_refused_by_name(tmp_path: Path) -> None:
    # GIVEN code with a syntax error
    project = make_project(tmp_path / "project", runtime={"runtime/wrong.py": "def (:\n"})

    # WHEN it is built
    result = project.run(*TARGET)

    # THEN the message names the file
    assert result.returncode == 1
    assert "runtime/wrong.py" in result.stderr


def test_unpacked_byte_code_is_what_runs(package: Path, tmp_path: Path) -> None:
    # GIVEN an unpacked package, whose dependency's source is then emptied without touching its byte code
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path)
    source = tmp_path / "greeting" / "__init__.py"
    source.write_text("")

    # WHEN the module is loaded
    spec = importlib.util.spec_from_file_location("greeting_from_package", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    # THEN it is the byte code's
    assert module.hello("you") == "hello you"
    assert "greeting_from_package" not in sys.modules


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code object and all within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)
