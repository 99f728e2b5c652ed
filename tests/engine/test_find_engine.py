"""Tests which `pulumi` command is used."""

import re
from pathlib import Path

import pytest

from local.engine import EngineUnavailableError, __main__, available, find
from local.engine.find import Engine
from local.engine.versions import MODULE, Version, pinned, text

PINNED = pinned()


def command(folder: Path, answer: str, exit_code: int = 0) -> str:
    path = folder / "pulumi"
    path.write_text(f"#!/bin/sh\necho '{answer}'\nexit {exit_code}\n")
    path.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("newer", [(0, 0, 0), (0, 0, 1), (0, 1, 0)])
def test_a_supported_version_is_found(tmp_path: Path, newer: Version) -> None:
    # GIVEN a command of the pinned version, or of a newer one
    actual = (PINNED[0] + newer[0], PINNED[1] + newer[1], PINNED[2] + newer[2])
    path = command(tmp_path, f"v{text(actual)}")
    # WHEN the command is looked for
    found = find(path)
    # THEN it is found
    assert found == Engine(tmp_path / "pulumi", actual)


@pytest.mark.parametrize("actual", [(PINNED[0], PINNED[1] - 1, 99), (PINNED[0] + 1, 0, 0)])
def test_an_unsupported_version_is_refused(tmp_path: Path, actual: Version) -> None:
    # GIVEN a command that is older than the pinned version, or that has the next major version
    path = command(tmp_path, f"v{text(actual)}")
    # WHEN the command is looked for / THEN the error names the command's version and the pinned version
    with pytest.raises(EngineUnavailableError, match=text(actual)) as raised:
        find(path)
    assert text(PINNED) in str(raised.value)


def test_a_command_that_fails_is_refused(tmp_path: Path) -> None:
    # GIVEN a command that prints a version, but exits with an error
    path = command(tmp_path, "v9.9.9", exit_code=1)
    # WHEN the command is looked for / THEN the error reports the failure
    with pytest.raises(EngineUnavailableError, match="version` failed"):
        find(path)


def test_an_answer_that_is_no_version_is_refused(tmp_path: Path) -> None:
    # GIVEN another program with the same name
    path = command(tmp_path, "hello")
    # WHEN the command is looked for / THEN the error quotes its answer
    with pytest.raises(EngineUnavailableError, match="'hello'"):
        find(path)


def test_a_command_on_the_path_is_preferred_to_a_build(tmp_path: Path) -> None:
    # GIVEN a supported command, and no Go
    path = command(tmp_path, f"v{text(PINNED)}")
    # WHEN a command is requested
    progress: list[str] = []
    found = available(progress.append, path)
    # THEN the supported command is returned, and nothing was built
    assert (found.path, found.host_script, progress) == (tmp_path / "pulumi", None, [])


def test_the_error_names_pulumi_and_go_if_both_are_missing(tmp_path: Path) -> None:
    # GIVEN a PATH with neither `pulumi` nor Go
    go = re.search(r"^go (\S+)", (MODULE / "go.mod").read_text(), re.MULTILINE)
    assert go is not None
    # WHEN a command is requested / THEN the error names both programs, and the version of Go that the module needs
    with pytest.raises(EngineUnavailableError, match=rf"Install(.|\n)*Go {re.escape(go[1])} or newer"):
        available(lambda _: None, str(tmp_path))


def test_the_exit_code_is_distinct_if_pulumi_and_go_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a PATH with neither `pulumi` nor Go
    monkeypatch.setenv("PATH", str(tmp_path))
    # WHEN `python -m local.engine` is run
    code = __main__.main([])
    # THEN it prints that tests with the engine cannot run.
    # AND it exits with a code that only this case has
    assert code == __main__.NOT_AVAILABLE
    assert "Tests with the real engine cannot run" in capsys.readouterr().err
