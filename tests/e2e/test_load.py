"""Tests that each order of `ops load` on the embedded AWS is settled once."""

import json
from typing import Any

import pytest

from local.client import LocalStack
from local.demo.account import Account
from ops.cli.main import main
from ops.errors import ExitCode

pytestmark = pytest.mark.e2e


def load(stack: LocalStack, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the report's document."""
    capsys.readouterr()
    code = main(["load", "--local", "--state-dir", str(stack.state.path), "--json", "--yes", *options])
    out, err = capsys.readouterr()
    assert out, err
    document: dict[str, Any] = json.loads(out)
    return code, document


def test_every_order_of_a_load_is_settled_once(
    stack: LocalStack, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an article in stock
    account.set_stock({"SKU-LOAD": 100})
    before = set(account.orders())
    # WHEN it is ordered 16 times
    burst = ("--orders", "16", "--rate", "4", "--clients", "3", "--sku", "SKU-LOAD", "--within", "5m")
    code, document = load(stack, capsys, *burst)
    # THEN every check succeeds. Only the check of the rate may fail, because a busy machine may be
    # too slow. The exit code is 0 only if all checks succeed.
    report = document["report"]
    broken = [each for each in report["findings"] if not each["ok"]]
    assert [each for each in broken if each["promise"] != "offered"] == []
    assert code == (ExitCode.FAILED if broken else ExitCode.OK)
    assert account.available("SKU-LOAD") == 84
    assert len(set(account.orders()) - before) == 16
    assert 0 < report["settle_seconds"]["p50"] <= report["settle_seconds"]["max"] < 300
