"""Runs whole commands on moto, and tests that docs/ops.md lists every permission that they need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from botocore.client import BaseClient

import ops.sweep
from tests.ops.factories import ORDER_ID, OTHER_ID, body, good_row, text
from tests.ops.mock_stack import MockStack, account
from tests.ops.test_without_yes import CASES, IDS, Row, alarm, expect_option, settled_orders

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ops.md"
_ACTION = re.compile(r"`(?:([\w-]+):)?([A-Z][A-Za-z]+)`")
_READING = "every command that reads the stack"
COMMANDS: dict[str, list[tuple[str, ...]]] = {
    _READING: [
        ("orders", "open"),
        ("order", "trace", ORDER_ID),
        ("logs",),
        ("dlq", "history"),
        ("stock", "get", "SKU-1"),
    ],
    "status": [("status",)],
    "page": [("page",)],
    "audit": [("audit",)],
    "mute": [("mute", "list")],
    "dlq list": [("dlq", "list"), ("dlq", "show", ORDER_ID), ("errors",)],
}
# For commands whose row in docs/ops.md does not begin with their own name: how the row begins.
ROW_OF = {
    "stock set": "stock add",
    "worker pause": "worker",
    "worker resume": "worker",
    "mute on": "mute",
    "mute off": "mute",
}
# Commands that begin with the key also need the permissions of these other rows of docs/ops.md.
OTHER_ROWS_OF = {
    "dlq": (_READING, "dlq list"),
    "events replay": (_READING, "dlq list"),
    "order repair": (_READING, "dlq list"),
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockStack]:
    with account(tmp_path_factory.mktemp("stack")) as made:
        for function in ("create_order", "get_order", "process_order"):
            made.log(function, {"at": 1_767_225_600.0, "text": "START"})
        queue = made.sqs.create_queue(QueueName="billing")["QueueUrl"]
        made.sns.subscribe(TopicArn=made.topic, Protocol="sqs", Endpoint=made.arn_of(queue))
        settled_orders(made)
        alarm(made)
        yield made


def documented(start: str) -> set[str]:
    """Return the actions in the last of the page's rows that begin with `start`.

    In the row, only the first action of each service has the service's prefix.
    """
    rows = [line for line in PAGE.read_text().splitlines() if line.replace("`", "").startswith(f"| {start}")]
    found: set[str] = set()
    service = ""
    for given, action in _ACTION.findall(rows[-1]):
        service = given or service
        found.add(f"{service}:{action}")
    return found


def called_by(stack: MockStack, command: tuple[str, ...]) -> set[str]:
    """Return the actions that IAM must allow for the command's calls."""
    client_class: Any = BaseClient
    real = client_class._make_api_call
    called: set[str] = set()

    def noted(client: Any, operation: str, parameters: Any) -> Any:
        called.add(f"{client.meta.service_model.signing_name}:{operation.removesuffix('Batch')}")
        return real(client, operation, parameters)

    with patch.object(client_class, "_make_api_call", noted):
        stack.run(*command)
    # A transaction needs the permissions for its items. All items of our transactions are updates.
    iam = {"monitoring:": "cloudwatch:", "TransactWriteItems": "UpdateItem"}
    return {re.sub("|".join(iam), lambda match: iam[match[0]], action) for action in called}


def is_allowed(called: set[str], command: str) -> bool:
    """Return whether the page lists these actions, in the command's row or in the other rows that apply to it.

    Every command calls `GetCallerIdentity`, which needs no permission.
    """
    others = next((rows for start, rows in OTHER_ROWS_OF.items() if command.startswith(start)), (_READING,))
    allowed = documented(ROW_OF.get(command, command)).union(*map(documented, others))
    return called - allowed == {"sts:GetCallerIdentity"}


@pytest.mark.parametrize(
    ("row", "command"), [(row, command) for row, commands in COMMANDS.items() for command in commands], ids=str
)
def test_ops_md_lists_every_permission_of_a_command(
    stack: MockStack, monkeypatch: pytest.MonkeyPatch, row: str, command: tuple[str, ...]
) -> None:
    # GIVEN a stack with two orders whose messages are dead letters
    monkeypatch.setattr(ops.sweep, "_WAIT_SECONDS", 0)
    stack.clear()
    for order_id in (ORDER_ID, OTHER_ID):
        stack.put_order(good_row(order_id))
        stack.put_dead_letter(body(order_id=order_id), {"order_id": text(order_id)})
    # WHEN the command runs
    called = called_by(stack, command)
    # THEN docs/ops.md lists every action that the command calls
    assert len(called) > 1
    assert is_allowed(called, row), called - documented(row)


@pytest.mark.parametrize(
    # `smoke` and `load` are left out: with `--yes` they need the API, which moto does not provide.
    ("command", "row"),
    [each for each in CASES if each[0] not in {"smoke", "load"}],
    ids=[each for each in IDS if not each.startswith(("smoke", "load"))],
)
def test_ops_md_lists_every_permission_of_a_command_that_changes_something(
    stack: MockStack, monkeypatch: pytest.MonkeyPatch, command: str, row: Row, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a stack with data that the command can change
    monkeypatch.setattr(ops.sweep, "_WAIT_SECONDS", 0)
    stack.clear()
    row.prepare(stack)
    stack.run(*command.split(), *row.arguments)
    repair = expect_option("".join(capsys.readouterr()))
    # WHEN the command runs with --yes
    called = called_by(stack, (*command.split(), *row.arguments, *repair, "--yes"))
    # THEN docs/ops.md lists every action that the command calls
    assert is_allowed(called, command), called - documented(ROW_OF.get(command, command))
