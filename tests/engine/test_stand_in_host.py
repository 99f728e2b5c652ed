"""The stand-in language host's choice of an interpreter, without an engine."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from local.engine.language_host.interpreter import InterpreterError, Plugin, attached, interpreter, inventory


def test_the_environment_that_the_project_names_is_taken() -> None:
    # GIVEN a project with an environment in its folder
    root, options = Path(sys.prefix).parent, {"toolchain": "pip", "virtualenv": Path(sys.prefix).name}
    # WHEN its interpreter is chosen
    found = interpreter(root, options)
    # THEN it is that environment's
    assert found == Path(sys.prefix) / "bin" / "python"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"toolchain": "uv"}, "toolchain 'uv'"),
        ({"virtualenv": ".venv"}, r"\.venv is no virtual environment; `make setup`"),
    ],
)
def test_what_there_is_no_interpreter_for_is_refused(options: dict[str, Any], expected: str, tmp_path: Path) -> None:
    # GIVEN a project that asks for a tool that is not known here, or whose environment was not made
    # WHEN its interpreter is chosen THEN it is said what is wrong
    with pytest.raises(InterpreterError, match=expected):
        interpreter(tmp_path, options)


def test_an_interpreter_tells_its_packages_and_the_providers_they_need() -> None:
    # GIVEN the environment that runs this test
    # WHEN it is asked
    found = inventory(Path(sys.executable))
    # THEN it names its packages, and the AWS provider of just the installed version
    assert found.packages["pulumi"] == version("pulumi")
    assert found.plugins == (Plugin("aws", version("pulumi-aws"), ""),)


def test_an_attached_provider_is_not_to_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN an engine that attaches to two providers
    monkeypatch.setenv("PULUMI_DEBUG_PROVIDERS", "aws:1234,random:5678")
    # WHEN they are asked for
    # THEN both are named
    assert attached() == {"aws", "random"}
