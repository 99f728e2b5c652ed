"""`--help` of the tools tells what they do, and does nothing."""

import importlib
import sys

import pytest

COMMANDS = (
    "components.package.__main__",
    "ops.incident",
    "tools.alarms_doc",
    "tools.config_table",
    "tools.engine.__main__",
    "tools.gradual_deploy",
    "tools.mutation.__main__",
    "tools.openapi",
    "tools.options",
    "tools.permissions.__main__",
    "tools.project_files",
    "tools.prune_versions",
)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_shown_and_nothing_is_done(
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
