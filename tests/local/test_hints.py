"""What `up` tells to try."""

import sys
from pathlib import Path

import pytest

from local.cli.hints import hints
from local.instance import Outputs, StateDir


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[pytest.MonkeyPatch, Outputs, StateDir, Path]:
    """An environment with an `activate`, and a running instance."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "activate").touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    outputs = Outputs(
        endpoint_url="http://127.0.0.1:1",
        region="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        account_id="000000000000",
        proxy_url="http://127.0.0.1:2",
        api_url="http://127.0.0.1:1/api",
        orders_table="orders",
    )
    return monkeypatch, outputs, StateDir(tmp_path), tmp_path


def test_a_terminal_without_the_environment_is_told_how_to_take_it(
    told: tuple[pytest.MonkeyPatch, Outputs, StateDir, Path],
) -> None:
    # GIVEN
    monkeypatch, outputs, state, prefix = told
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)

    # WHEN
    first = next(iter(hints(outputs, state).items()))

    # THEN it comes before the commands that need it
    assert first == ("Once per terminal", [f". {prefix}/bin/activate"])


def test_a_terminal_in_the_environment_is_not(told: tuple[pytest.MonkeyPatch, Outputs, StateDir, Path]) -> None:
    # GIVEN
    monkeypatch, outputs, state, prefix = told
    monkeypatch.setenv("VIRTUAL_ENV", str(prefix))

    # WHEN / THEN
    assert "Once per terminal" not in hints(outputs, state)
