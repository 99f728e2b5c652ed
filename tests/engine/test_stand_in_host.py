"""Tests, without an engine, how the stand-in language host chooses an interpreter and lists the packages in it."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from local.engine.language_host.interpreter import InterpreterError, Plugin, attached, interpreter, inventory


def test_the_virtual_environment_named_by_the_project_is_used() -> None:
    # GIVEN a project with an environment in its folder
    root, options = Path(sys.prefix).parent, {"toolchain": "pip", "virtualenv": Path(sys.prefix).name}
    # WHEN its interpreter is chosen
    found = interpreter(root, options)
    # THEN it is the environment's interpreter
    assert found == Path(sys.prefix) / "bin" / "python"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"toolchain": "uv"}, "toolchain 'uv'"),
        ({"virtualenv": ".venv"}, r"\.venv is no virtual environment; `make setup`"),
    ],
)
def test_a_project_without_a_usable_interpreter_is_refused(
    options: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    # GIVEN a project with an unknown toolchain, or without the environment that it names
    # WHEN its interpreter is chosen / THEN the error names the mistake
    with pytest.raises(InterpreterError, match=expected):
        interpreter(tmp_path, options)


def test_the_packages_of_an_interpreter_and_the_providers_that_they_need_are_listed() -> None:
    # GIVEN the environment that runs this test
    # WHEN its packages are listed
    found = inventory(Path(sys.executable))
    # THEN the list has the packages, and the AWS provider with the version of the package `pulumi-aws`
    assert found.packages["pulumi"] == version("pulumi")
    assert found.plugins == (Plugin("aws", version("pulumi-aws"), ""),)


def test_attached_providers_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN an engine that attaches to two providers
    monkeypatch.setenv("PULUMI_DEBUG_PROVIDERS", "aws:1234,random:5678")
    # WHEN the attached providers are read
    # THEN both are listed
    assert attached() == {"aws", "random"}
