"""Every command of every runbook, typed on a local stack where what the runbook is about has happened."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from string import Template

import pytest

from local.client import LocalStack
from local.demo.account import Account, wait_for
from local.demo.http import OrdersApi, order
from local.instance import ROOT
from local.proxy.faults import FaultKind
from ops.cli.main import main
from tests.ops.runbooks import sequences

pytestmark = [pytest.mark.e2e, pytest.mark.long]

SEQUENCES = sequences()
_NUMBERS = count(1)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack.started(tmp_path_factory.mktemp("runbooks"), warm_workers=1) as started:
        yield started


@pytest.fixture(scope="module")
def account(stack: LocalStack) -> Account:
    return Account(stack)


def place(stack: LocalStack, sku: str) -> str:
    """POST an order of one `sku`."""
    answer, _ = OrdersApi(stack.outputs["api_url"]).submit(order((sku, 1)), f"runbook-{next(_NUMBERS)}")
    return answer.order_id


def status_of(account: Account, order_id: str) -> str:
    return str(account.orders().get(order_id, {}).get("status"))


def an_order_for(commands: tuple[str, ...], stack: LocalStack, account: Account, sku: str) -> str:
    """An order as the runbook's reader has one: a dead letter where dead letters are looked at, else a settled one."""
    if not any(" dlq " in command for command in commands):
        order_id = place(stack, sku)
        wait_for("the order to settle", lambda: status_of(account, order_id) == "CONFIRMED")
        return order_id
    with stack.fault("dynamodb", "TransactWriteItems", FaultKind.ERROR, containing=sku):
        order_id = place(stack, sku)
        queue = "dead_letter_queue_url"
        before = account.waiting(queue)
        wait_for("the order to be a dead letter", lambda: account.waiting(queue) > before)
    return order_id


@pytest.mark.parametrize("commands", list(SEQUENCES), ids=lambda commands: SEQUENCES[commands][0])
def test_the_commands_of_a_runbook_do_what_it_says(
    commands: tuple[str, ...], stack: LocalStack, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN the stack chosen for this terminal, an article, and an order as the runbook is about
    monkeypatch.setenv("ORDERS_STACK", "local")
    monkeypatch.setenv("ORDERS_LOCAL_DIR", str(stack.state.path))
    sku = f"SKU-{next(_NUMBERS)}"
    account.set_stock({sku: 10})
    order_id = an_order_for(commands, stack, account, sku)
    filled_in = {"ORDER_ID": order_id, "SKU": sku, "NAME": "Ada", "REASON": "found in a test"}
    # WHEN its commands are typed one after the other
    codes = {command: main(shlex.split(Template(command).substitute(filled_in))[3:]) for command in commands}
    # THEN each succeeds, and what changes something has done it; but Pulumi alone moves callers of the local stack
    assert codes == {command: 5 if " deploy rollback" in command else 0 for command in commands}
    if any("dlq redrive --yes" in command for command in commands):
        wait_for("the redriven order to settle", lambda: status_of(account, order_id) == "CONFIRMED")
        assert account.available(sku) == 9
    if any("dlq discard" in command for command in commands):
        assert status_of(account, order_id) == "DISCARDED"
    if any("stock add" in command for command in commands):
        assert account.available(sku) == 19
    # So that the next runbook finds the worker running.
    assert main(["worker", "resume", "--yes"]) == 0


def test_the_module_runs_as_it_is_typed(stack: LocalStack) -> None:
    # GIVEN a terminal
    environment = {**os.environ, "ORDERS_STACK": "local", "ORDERS_LOCAL_DIR": str(stack.state.path)}
    # WHEN the first command of most runbooks is typed
    done = subprocess.run(
        [sys.executable, "-m", "ops", "status"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    # THEN it shows both queues and the worker
    assert done.returncode == 0, done.stderr
    assert "dead letters" in done.stdout
    assert "worker: Enabled" in done.stdout
