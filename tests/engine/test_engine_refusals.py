"""Tests what `up --engine` reports when the engine cannot be built or used."""

from pathlib import Path

import pytest

from local.engine import stack
from local.engine.find import Engine
from local.engine.stack import engine_stack
from local.engine.versions import pinned, text
from local.errors import LocalError
from local.instance import ROOT, StateDir
from local.services.aws import Aws
from pipeline.config.stack_file import load_settings
from tests.local.signing import KEYS

GO = """#!/bin/sh
[ "$1" = build ] || exit 0
echo "backend.go:7: undefined: missing" >&2
exit 1
"""
PULUMI = f"""#!/bin/sh
case "$*" in
version) echo v{text(pinned())} ;;
*"{{failing}}"*) echo "error: the folder is read-only" >&2; exit 255 ;;
*) echo "{{{{}}}}" ;;
esac
"""


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder. PATH contains only this folder."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(stack, "prepare", _folder_of)
    return folder


def _folder_of(engine: Engine) -> Path:
    return engine.path.parent


def write_command(path: Path, content: str) -> None:
    path.write_text(content)
    path.chmod(0o755)


def refusal(folder: Path) -> str:
    """Deploy with the engine, and return the error's message."""
    settings = load_settings(ROOT, "local", {})
    aws = Aws("http://127.0.0.1:1", settings.region, KEYS)
    with pytest.raises(LocalError) as raised, engine_stack(StateDir(folder), aws, settings, lambda _: None):
        pass
    return str(raised.value)


def test_a_build_that_fails_is_reported_with_its_reason_and_the_alternatives(commands: Path, tmp_path: Path) -> None:
    # GIVEN no `pulumi`, and a `go` command that fails to compile `pulumi`
    write_command(commands / "go", GO)
    # WHEN the stack is deployed with the engine
    message = refusal(tmp_path / "state")
    # THEN the error has Go's reason, and names the alternatives: install `pulumi`, or leave out `--engine`
    assert "undefined: missing" in message
    assert "Install version" in message
    assert "Without --engine" in message


@pytest.mark.parametrize("failing", ["stack init local", "up --stack", "stack output", "stack export"])
def test_a_pulumi_command_that_fails_is_reported_with_its_output(commands: Path, tmp_path: Path, failing: str) -> None:
    # GIVEN a `pulumi` of which one command fails
    write_command(commands / "pulumi", PULUMI.format(failing=failing))
    # WHEN the stack is deployed with the engine
    # THEN the error has the command's output
    assert "the folder is read-only" in refusal(tmp_path / "state")
