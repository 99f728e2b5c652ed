"""Tests that resources older than the stack can be imported into it, with the file that docs/delivery.md shows."""

import re
from pathlib import Path

import pytest

from lab.preview.memory_account import MemoryAccount
from local.engine.path import ROOT
from tests.engine.conftest import NewStack

pytestmark = pytest.mark.engine

TABLE, QUEUE = "aws:dynamodb/table:Table", "aws:sqs/queue:Queue"


def shown() -> str:
    """Return the import file of docs/delivery.md, for the stack dev in the account of the tests."""
    page = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    return (
        str(block)
        .replace("-prod-", "-dev-")
        .replace("REGION", MemoryAccount.region)
        .replace("ACCOUNT", MemoryAccount.account_id)
    )


def test_imported_resources_are_updated_in_place(new_stack: NewStack) -> None:
    # GIVEN a table and a queue that exist already, and a new stack whose program has both
    account = MemoryAccount()
    key = [{"name": "order_id", "type": "S"}]
    account.create(
        TABLE, "", {"name": "orders-dev-orders", "hashKey": "order_id", "attributes": key, "readCapacity": 5}
    )
    account.create(QUEUE, "", {"name": "orders-dev-orders-queue", "messageRetentionSeconds": 60})
    stack = new_stack("dev", account)
    (Path(stack.program) / "adopt.json").write_text(shown())
    # WHEN they are imported before the first `up`
    stack.checked("import", "--stack", "dev", "--file", "adopt.json", "--generate-code=false", "--yes")
    first, second = stack.up(), stack.up()
    # THEN they belong to the stack and have its settings, and everything else is new
    assert first.code == 0, first.output
    assert {name for name, did in first.aws_changes.items() if did != "create"} == {"orders", "orders-queue"}
    assert set(first.aws_changes.values()) == {"create", "update"}
    assert account.resources[TABLE, "orders-dev-orders"]["billingMode"] == "PAY_PER_REQUEST"
    assert second.changes == {}
