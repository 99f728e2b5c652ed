"""Tests that `up` suggests activating the virtual environment only if it is not active."""

import sys
from pathlib import Path

import pytest

from local.cli.hints import hints
from local.instance import Outputs, StateDir
from tests.local.factories import outputs


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[pytest.MonkeyPatch, Outputs, StateDir, Path]:
    """Return an environment with an `activate` script, and the outputs and state folder of an instance."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "activate").touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return monkeypatch, outputs(orders_table="orders"), StateDir(tmp_path), tmp_path


def test_activate_is_suggested_outside_the_environment(
    prepared: tuple[pytest.MonkeyPatch, Outputs, StateDir, Path],
) -> None:
    # GIVEN
    monkeypatch, written, state, prefix = prepared
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)

    # WHEN
    first = next(iter(hints(written, state).items()))

    # THEN `activate` is the first suggestion, before the commands that need the environment
    assert first == ("Once per terminal", [f". {prefix}/bin/activate"])


def test_activate_is_not_suggested_inside_the_environment(
    prepared: tuple[pytest.MonkeyPatch, Outputs, StateDir, Path],
) -> None:
    # GIVEN
    monkeypatch, written, state, prefix = prepared
    monkeypatch.setenv("VIRTUAL_ENV", str(prefix))

    # WHEN / THEN
    assert "Once per terminal" not in hints(written, state)
