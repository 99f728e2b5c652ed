"""Tests that the tools' `--help` shows help and ends the command."""

import importlib
import sys

import pytest

COMMANDS = (
    "pipeline.package.__main__",
    "lab.docs.alarms",
    "lab.docs.dashboard",
    "lab.docs.events",
    "local.engine.__main__",
    "lab.mutation.__main__",
    "lab.docs.openapi",
    "lab.fuzz.__main__",
    "lab.docs.options",
    "lab.permissions.__main__",
    "ops.preview",
)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_option_shows_help_and_ends_the_command(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    command = name.removesuffix(".__main__")
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    main = importlib.import_module(name).main

    # WHEN
    with pytest.raises(SystemExit) as ended:
        main(["--help"]) if main.__code__.co_argcount else main()

    # THEN
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m {command} ")
