"""Tests what `up` tells to try."""

import sys
from pathlib import Path

import pytest

from local.cli.hints import hints
from local.instance import Outputs, StateDir
from tests.local.factories import outputs


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[pytest.MonkeyPatch, Outputs, StateDir, Path]:
    """An environment with an `activate`, and a running instance."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "activate").touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return monkeypatch, outputs(orders_table="orders"), StateDir(tmp_path), tmp_path


def test_a_terminal_without_the_environment_is_told_how_to_take_it(
    told: tuple[pytest.MonkeyPatch, Outputs, StateDir, Path],
) -> None:
    # GIVEN
    monkeypatch, written, state, prefix = told
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)

    # WHEN
    first = next(iter(hints(written, state).items()))

    # THEN it comes before the commands that need it
    assert first == ("Once per terminal", [f". {prefix}/bin/activate"])


def test_a_terminal_in_the_environment_is_not(told: tuple[pytest.MonkeyPatch, Outputs, StateDir, Path]) -> None:
    # GIVEN
    monkeypatch, written, state, prefix = told
    monkeypatch.setenv("VIRTUAL_ENV", str(prefix))

    # WHEN / THEN
    assert "Once per terminal" not in hints(written, state)
