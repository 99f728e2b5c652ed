"""Tests `ops smoke` on the embedded AWS, with the same steps as on AWS."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from local.client import LocalStack
from local.demo.account import Account
from local.proxy.faults import FaultKind
from ops.cli.main import main
from ops.errors import ExitCode
from tests.e2e.test_events import events_of

pytestmark = pytest.mark.e2e


def smoke(stack: LocalStack, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the report."""
    capsys.readouterr()
    code = main(["smoke", "--local", "--state-dir", str(stack.state.path), "--json", "--yes", *options])
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, report


def outcomes(report: dict[str, Any]) -> list[str]:
    return [step["outcome"] for step in report["steps"]]


def test_a_deployed_stack_passes_and_its_stock_is_unchanged(
    stack: LocalStack, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    before = account.stock()
    # WHEN
    code, report = smoke(stack, capsys)
    # THEN
    assert (code, report["passed"], outcomes(report)) == (ExitCode.OK, True, ["ok"] * 5)
    assert account.stock() == before
    row = account.orders()[report["order_id"]]
    assert (row["status"], row["currency"], row["reason"]["code"]) == ("REJECTED", "XTS", "UNKNOWN_SKU")

    # AND the subscriber has the order's event
    (event,) = events_of(account, report["order_id"])
    assert event.document["data"]["currency"] == "XTS"


def test_one_unit_of_a_named_article_is_ordered(
    stack: LocalStack, account: Account, stocked: Callable[[int], str], capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    sku = stocked(3)
    # WHEN
    code, report = smoke(stack, capsys, "--confirm", sku)
    # THEN
    assert (code, outcomes(report)) == (ExitCode.OK, ["ok"] * 6)
    assert account.available(sku) == 2


def test_a_worker_that_receives_no_messages_is_detected(
    stack: LocalStack, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a worker that receives no messages
    with account.deliveries_held():
        # WHEN
        code, report = smoke(stack, capsys, "--timeout", "2s")
    # THEN
    assert (code, outcomes(report)) == (ExitCode.FAILED, ["ok", "ok", "ok", "failed", "skipped"])
    assert "last seen: ACCEPTED" in report["steps"][3]["detail"]


def test_an_event_that_cannot_be_published_is_detected(stack: LocalStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a topic that refuses events
    with stack.fault("sns", "Publish", FaultKind.ERROR):
        # WHEN
        code, report = smoke(stack, capsys, "--timeout", "3s")
    # THEN
    assert (code, outcomes(report)) == (ExitCode.FAILED, ["ok", "ok", "ok", "ok", "failed"])
