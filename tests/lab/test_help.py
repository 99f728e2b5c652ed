"""Tests that the tools' `--help` shows help and ends the command."""

import argparse
import importlib
import sys

import pytest

from pipeline.help import HelpFormatter

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


def test_paragraphs_are_wrapped_but_lists_keep_their_columns_and_examples_keep_their_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # GIVEN a terminal of 32 columns, and a text of four parts: a sentence on two lines, exit codes, terms, and examples
    monkeypatch.setenv("COLUMNS", "32")
    text = (
        "Does a thing that takes\n20 minutes, or longer.\n\nexit codes:\n  0  all is done, and nothing failed\n"
        "  130  stopped\n\nkinds:\n  reset  it ends, without effect\n  lost-answer  it ends\n\n"
        "example:\n  python -m tool --with-long-option VALUE\n  make tool\n"
    )
    # WHEN the help is shown
    shown = argparse.ArgumentParser(prog="tool", description=text, formatter_class=HelpFormatter).format_help()
    # THEN paragraphs are wrapped, the text beside a code or term is wrapped within its column, and
    # examples are not wrapped
    assert shown.split("\n\n")[1:5] == [
        "Does a thing that takes 20\nminutes, or longer.",
        "exit codes:\n  0  all is done, and nothing\n     failed\n  130  stopped",
        "kinds:\n  reset  it ends, without\n         effect\n  lost-answer  it ends",
        "example:\n  python -m tool --with-long-option VALUE\n  make tool",
    ]
