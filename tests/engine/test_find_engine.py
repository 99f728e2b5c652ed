"""Which `pulumi` command is taken."""

from importlib.metadata import version
from pathlib import Path

import pytest

from tools import engine

LOCKED = engine.parse(version("pulumi"))


def command(folder: Path, answer: str, exit_code: int = 0) -> str:
    path = folder / "pulumi"
    path.write_text(f"#!/bin/sh\necho '{answer}'\nexit {exit_code}\n")
    path.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("newer", [(0, 0, 0), (0, 0, 1), (0, 1, 0)])
def test_a_supported_version_is_found(tmp_path: Path, newer: engine.Version) -> None:
    # GIVEN a command as old as the locked SDK, or newer
    actual = (LOCKED[0] + newer[0], LOCKED[1] + newer[1], LOCKED[2] + newer[2])
    path = command(tmp_path, f"v{engine.text(actual)}")
    # WHEN it is looked for
    found = engine.find(path)
    # THEN it is taken
    assert found == engine.Engine(tmp_path / "pulumi", actual)


@pytest.mark.parametrize("actual", [(LOCKED[0], LOCKED[1] - 1, 99), (LOCKED[0] + 1, 0, 0)])
def test_an_unsupported_version_is_refused(tmp_path: Path, actual: engine.Version) -> None:
    # GIVEN a command older than the SDK, or of the next major version
    path = command(tmp_path, f"v{engine.text(actual)}")
    # WHEN it is looked for THEN both versions are named
    with pytest.raises(engine.EngineUnavailableError, match=engine.text(actual)) as raised:
        engine.find(path)
    assert engine.text(LOCKED) in str(raised.value)


def test_a_command_that_fails_is_refused(tmp_path: Path) -> None:
    # GIVEN a command that cannot tell its version
    path = command(tmp_path, "v9.9.9", exit_code=1)
    # WHEN it is looked for THEN its failure is told
    with pytest.raises(engine.EngineUnavailableError, match="version` failed"):
        engine.find(path)


def test_an_answer_that_is_no_version_is_refused(tmp_path: Path) -> None:
    # GIVEN another program of the same name
    path = command(tmp_path, "hello")
    # WHEN it is looked for THEN its answer is told
    with pytest.raises(engine.EngineUnavailableError, match="'hello'"):
        engine.find(path)


def test_without_a_command_the_exit_code_is_distinct(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a path without any `pulumi`
    monkeypatch.setenv("PATH", str(tmp_path))
    # WHEN the module is run
    code = engine.main()
    # THEN it says what to do and that nothing was checked, with a code of its own
    assert code == engine.NOT_AVAILABLE
    assert "Install" in (said := capsys.readouterr().err)
    assert "Nothing was checked" in said
