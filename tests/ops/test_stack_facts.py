"""Tests how `preflight` reads the configuration and the outputs of a stack before a deployment."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.cli.main import main
from ops.errors import ExitCode, RefusedError
from ops.preflight import stack_facts
from ops.preflight.stack_facts import collect_facts
from ops.target import ROOT, Choice


def write_stack(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (folder / "Pulumi.prod.yaml").write_text(text)
    monkeypatch.setattr(stack_facts, "ROOT", folder)


SECRETS = "{orders:waf: true, orders:allow_anonymous: true, orders:origin_secret: {secure: A}}"


def test_a_stack_is_read_from_its_files_without_decrypting_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a stack's file with an encrypted value, and no `pulumi` command, so that the stack's outputs are unknown
    write_stack(tmp_path, f"config: {SECRETS}", monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))
    # WHEN
    found = collect_facts(Choice(stack="prod"), {})
    # THEN its configuration is known, and the missing outputs are reported
    assert (found.prefix, found.config.waf, found.outputs) == ("orders-prod", True, None)
    assert "pulumi" in found.unread


def test_an_invalid_configuration_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN
    write_stack(tmp_path, "config: {orders:batch_size: 0, orders:allow_anonymous: true}", monkeypatch)
    # WHEN
    with pytest.raises(RefusedError) as caught:
        collect_facts(Choice(stack="prod"), {})
    # THEN
    assert "(Pulumi.prod.yaml): orders:batch_size: given 0" in str(caught.value)


def test_a_stack_needs_a_configuration_file(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN no configuration file for the stack
    # WHEN
    code = main(["preflight", "--stack", "nowhere"])
    # THEN
    assert code == ExitCode.NO_STACK
    assert "Pulumi.nowhere.yaml" in capsys.readouterr().err


def test_the_stack_files_of_this_repository_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN no `pulumi` command
    monkeypatch.setenv("PATH", "")
    # WHEN
    found = [collect_facts(Choice(stack=name), {}) for name in ("dev", "prod")]
    # THEN
    assert [(each.prefix, each.config.environment) for each in found] == [
        ("orders-dev", "development"),
        ("orders-prod", "production"),
    ]
