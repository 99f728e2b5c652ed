"""Tests that Python runs the package's byte code without a check of its source, wherever the package is unpacked."""

import importlib.util
import marshal
import struct
import subprocess
import sys
import types
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.package.projects import HANDLERS, PYTHON, make_project, names, read

pytestmark = pytest.mark.long

TARGET = ("--target", "lambda", "--python-version", PYTHON)
UNCHECKED_HASH = 0b01


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a package with byte code."""
    return Path(make_project(tmp_path_factory.mktemp("bytecode") / "project").build(*TARGET)["path"])


def compiled(package: Path) -> dict[str, bytes]:
    return {name: read(package, name) for name in names(package) if name.endswith(".pyc")}


def test_our_code_has_sources_and_byte_code_but_dependencies_have_only_byte_code(package: Path) -> None:
    # GIVEN a package
    # WHEN Python computes the name of each source's byte code file
    sources = {name for name in names(package) if name.endswith(".py")}
    beside = {importlib.util.cache_from_source(name) for name in sources}

    # THEN only our code has sources, with its byte code beside them; dependencies have byte code instead of sources
    assert sources == {"runtime/__init__.py", "runtime/handlers/__init__.py"} | {
        f"runtime/handlers/{name}.py" for name in HANDLERS
    }
    assert set(compiled(package)) == beside | {"greeting/__init__.pyc", "greeting/deep/module.pyc"}


def test_byte_code_is_never_checked_against_its_source(package: Path) -> None:
    # GIVEN the byte code in a package
    files = compiled(package)

    # WHEN its headers are read
    headers = {(data[:4], struct.unpack("<I", data[4:8])[0]) for data in files.values()}

    # THEN the byte code is for the running Python's version, and is marked as hash-based and unchecked
    assert headers == {(importlib.util.MAGIC_NUMBER, UNCHECKED_HASH)}


def test_file_names_in_the_byte_code_are_below_var_task_and_it_contains_no_path_of_this_machine(package: Path) -> None:
    # GIVEN the byte code in a package
    files = compiled(package)

    # WHEN the file names in the byte code are read
    found = {code.co_filename for data in files.values() for code in codes(marshal.loads(data[16:]))}  # noqa: S302 - ours

    # THEN all are below /var/task, and the byte code does not contain the path of the build folder
    ours = {name for name in names(package) if name.endswith(".py")}
    assert found == {f"/var/task/{name}" for name in {*ours, "greeting/__init__.py", "greeting/deep/module.py"}}
    assert not any(str(package.parents[3]).encode() in data for data in files.values())


def test_a_package_has_no_byte_code_if_byte_code_is_switched_off(tmp_path: Path) -> None:
    # GIVEN a project
    project = make_project(tmp_path / "project")

    # WHEN it is built without byte code
    built = project.build(*TARGET, "--no-bytecode")

    # THEN the package has no byte code, and no Python release is reported
    assert compiled(Path(built["path"])) == {}
    assert built["python"] is None


def test_the_error_names_a_source_that_does_not_compile(tmp_path: Path) -> None:
    # GIVEN code with a syntax error
    project = make_project(tmp_path / "project", runtime={"runtime/wrong.py": "def (:\n"})

    # WHEN it is built
    result = project.run(*TARGET)

    # THEN the message names the file
    assert result.returncode == 1
    assert "runtime/wrong.py" in result.stderr


def test_python_runs_the_unpacked_byte_code(package: Path, tmp_path: Path) -> None:
    # GIVEN an unpacked package. One of our source files is now empty, but its byte code is unchanged
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path)
    (tmp_path / "runtime/handlers/get_order.py").write_text("")

    # WHEN the module and its dependency are imported, and the module's handler is called
    code = "import runtime.handlers.get_order as it, greeting; print(it.handler('you', None), greeting.__file__)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )

    # THEN the result is that of the byte code
    assert done.stdout == f"hello you {tmp_path / 'greeting/__init__.pyc'}\n"


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield a code object and all code objects in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)
