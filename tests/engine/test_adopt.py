"""Tests that what was there before the stack becomes the stack's own, with the file that docs/delivery.md shows."""

import re
from pathlib import Path

import pytest

from lab.preview.memory_account import MemoryAccount
from local.engine.path import ROOT
from tests.engine.conftest import NewStack

pytestmark = pytest.mark.engine

TABLE, QUEUE = "aws:dynamodb/table:Table", "aws:sqs/queue:Queue"


def shown() -> str:
    """The import file of the page, for the stack dev in the account of the tests."""
    page = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    return (
        str(block)
        .replace("-prod-", "-dev-")
        .replace("REGION", MemoryAccount.region)
        .replace("ACCOUNT", MemoryAccount.account_id)
    )


def test_what_was_there_is_updated_in_place_and_not_made_anew(new_stack: NewStack) -> None:
    # GIVEN a table and a queue made by other means, with other settings, and the stack that would make its own
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
    # THEN they are the stack's, as it wants them, and everything else is new
    assert first.code == 0, first.output
    assert {name for name, did in first.changed.items() if did != "create"} == {"orders", "orders-queue"}
    assert set(first.changed.values()) == {"create", "update"}
    assert account.resources[TABLE, "orders-dev-orders"]["billingMode"] == "PAY_PER_REQUEST"
    assert second.changes == {}
