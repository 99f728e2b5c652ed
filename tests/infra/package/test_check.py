"""Tests `--check`, and wrong options. When `--check` imports the handlers, only the package and the
standard library are on the import path."""

import platform
from pathlib import Path

import pytest

from tests.infra.package.projects import HANDLERS, make_project

LOCAL = ("--target", "local")


def test_handlers_that_import_from_the_package_pass(tmp_path: Path, shared_cache: Path) -> None:
    # GIVEN handlers that need one dependency
    project = make_project(tmp_path / "project", cache=shared_cache)

    # WHEN the package is checked
    report = project.build(*LOCAL, "--check")

    # THEN every handler was imported
    assert sorted(report["import_milliseconds"]) == [f"runtime.handlers.{name}" for name in HANDLERS]


def test_a_dependency_that_is_not_locked_is_reported(tmp_path: Path, shared_cache: Path) -> None:
    # GIVEN a handler that imports a library that is installed here but not locked
    project = make_project(
        tmp_path / "project", cache=shared_cache, runtime={"runtime/handlers/get_order.py": "import pydantic\n"}
    )

    # WHEN the package is checked
    result = project.run(*LOCAL, "--check", PYTHONPATH="")

    # THEN the check fails and names the library
    assert result.returncode == 1
    assert "No module named 'pydantic'" in result.stderr


def test_a_handler_module_without_a_callable_handler_is_refused(tmp_path: Path, shared_cache: Path) -> None:
    # GIVEN a handler module in which `handler` is no function
    project = make_project(
        tmp_path / "project", cache=shared_cache, runtime={"runtime/handlers/get_order.py": "handler = 1\n"}
    )

    # WHEN the package is checked
    result = project.run(*LOCAL, "--check")

    # THEN the check fails and names the module
    assert result.returncode == 1
    assert "runtime.handlers.get_order has no callable `handler`" in result.stderr


def test_handlers_get_only_the_variables_that_are_passed_to_the_check(tmp_path: Path, shared_cache: Path) -> None:
    # GIVEN a handler that needs a variable at import
    code = "import os\nTABLE = os.environ['ORDERS_TABLE']\nhandler = print\n"
    project = make_project(tmp_path / "project", cache=shared_cache, runtime={"runtime/handlers/get_order.py": code})

    # WHEN the variable is given only in the environment of the command, then as an option, then in a file
    file = tmp_path / "functions.env"
    file.write_text("ORDERS_TABLE=orders\n\n")
    without = project.run(*LOCAL, "--check", ORDERS_TABLE="mine")
    given = project.run(*LOCAL, "--check", "--env", "ORDERS_TABLE=orders")
    from_file = project.run(*LOCAL, "--check", "--env-file", str(file))

    # THEN the handler gets the variable from the option and from the file, but not from the command's environment
    assert without.returncode == 1
    assert "KeyError: 'ORDERS_TABLE'" in without.stderr
    assert (given.returncode, from_file.returncode) == (0, 0)


def test_a_target_that_this_machine_cannot_run_is_refused(tmp_path: Path, shared_cache: Path) -> None:
    # GIVEN a package for an architecture that this machine does not have
    other = "arm64" if platform.machine() in {"x86_64", "AMD64"} else "x86_64"
    project = make_project(tmp_path / "project", cache=shared_cache)

    # WHEN it is checked
    result = project.run("--no-bytecode", "--architecture", other, "--check")

    # THEN the message names the target that can be checked on this machine
    assert result.returncode == 1
    assert "--target local" in result.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--bytecode-release", "newest"), "bytecode_release"),
        (("--bytecode-release", "3.12.1", "--python-version", "3.13"), "3.12.1 is no release of python_version 3.13"),
        (
            ("--bytecode-release", "3.13.0", "--no-bytecode"),
            "error: bytecode_release 3.13.0 has no effect without byte",
        ),
        (("--bytecode-release", "3.13.0", "--target", "local"), "has no effect without byte code or for the local"),
        (("--python-version", "3.9"), "invalid choice: '3.9'"),
        (("--check", "--env", "ORDERS_TABLE"), "is not NAME=VALUE"),
        (("--check", "--env-file", "nowhere.env"), "is not a readable text file: [Errno 2]"),
        (("--check", "--env-file", "docs/page.webp"), "is not a readable text file: 'utf-8' codec"),
        (("--check", "--env-file", "requirements.txt"), "is not NAME=VALUE"),
        (("--target", "local", "--architecture", "arm64"), "architecture"),
    ],
)
def test_wrong_options_are_a_usage_error(
    tmp_path: Path, shared_cache: Path, options: tuple[str, ...], words: str
) -> None:
    # GIVEN options that are wrong, contradict each other, or would have no effect
    project = make_project(tmp_path / "project", cache=shared_cache)

    # WHEN the project is built with them
    result = project.run(*options)

    # THEN the exit code is 2 (wrong usage), and the message names the option or its value
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
