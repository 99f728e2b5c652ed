"""Tests the error messages of the `ops` commands that the local web page runs."""

from __future__ import annotations

from pathlib import Path

import pytest

import ops.sweep
from local.instance import StateDir
from local.page.commands import OpsCommands
from ops.cli.context import Context
from ops.errors import OpsError
from ops.gateway.clients import Clients
from ops.target import Choice, resolve
from tests.ops.factories import ORDER_ID
from tests.ops.mock_stack import account


def test_the_commands_in_an_error_message_name_the_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops.sweep, "_WAIT_SECONDS", 0)
    with account(tmp_path) as stack:
        # GIVEN an instance that is not in the default folder
        commands = OpsCommands(StateDir(tmp_path / "instance"))
        target = resolve(Choice(outputs=stack.outputs))
        vars(commands)["context"] = Context(target, Clients(target), as_json=True)
        # WHEN the page runs a command that is refused
        with pytest.raises(OpsError) as refused:
            commands.discard(ORDER_ID, by="Ada", reason="test", yes=False)
    # THEN the commands that the message advises name this instance
    where = f"--local --state-dir {tmp_path / 'instance'}"
    assert f"python -m ops status {where} " in str(refused.value)
    assert f"python -m ops orders resend {where} {ORDER_ID}" in str(refused.value)
