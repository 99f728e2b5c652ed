"""The commands of every runbook, and the outputs that runbooks describe, on a local stack."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import count
from string import Template

import pytest

from local.client import LocalStack
from local.demo.account import Account, wait_for
from local.demo.http import OrdersApi, order
from local.instance import ROOT
from local.proxy.faults import FaultKind
from ops.cli.main import main
from tests.ops.runbooks import sequences, what_it_shows

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
    """POST an order for one unit of `sku`."""
    answer, _ = OrdersApi(stack.outputs["api_url"]).submit(order((sku, 1)), f"runbook-{next(_NUMBERS)}")
    return answer.order_id


def status_of(account: Account, order_id: str) -> str:
    return str(account.orders().get(order_id, {}).get("status"))


def an_order_for(commands: tuple[str, ...], stack: LocalStack, account: Account, sku: str) -> str:
    """Create the order that commands need: with a dead letter if a command reads dead letters, otherwise settled."""
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
def test_the_commands_of_a_runbook_do_what_the_runbook_says(
    commands: tuple[str, ...],
    stack: LocalStack,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # GIVEN a terminal in which the stack is chosen, an article, and an order in the runbook's situation
    monkeypatch.setenv("ORDERS_STACK", "local")
    monkeypatch.setenv("ORDERS_LOCAL_DIR", str(stack.state.path))
    sku = f"SKU-{next(_NUMBERS)}"
    account.set_stock({sku: 10})
    order_id = an_order_for(commands, stack, account, sku)
    filled_in = {"ORDER_ID": order_id, "SKU": sku, "NAME": "Ada", "REASON": "found in a test"}
    filled_in |= {"ERROR_TYPE": "InternalServerError", "SINCE": "1h", "SUBSCRIPTION": "everything"}
    # WHEN the runbook's commands are run one after the other
    for command in commands:
        capsys.readouterr()
        code = main(shlex.split(Template(command).substitute(filled_in))[3:])
        output = "".join(capsys.readouterr())
        # THEN each command succeeds and shows what the reader looks for. But `mute on` is refused here, because the
        # local stack has no mute rules. `deploy rollback` is refused too, because the stack has `gradual_deploy: none`
        assert code == (5 if " deploy rollback" in command or " mute on " in command else 0), output
        missing = [each for each in what_it_shows(command) if Template(each).substitute(filled_in) not in output]
        assert missing == [], output
    # THEN a redrive, a discard and an addition of stock have had their effect
    if any(" dlq redrive " in command and "--yes" in command for command in commands):
        wait_for("the redriven order to settle", lambda: status_of(account, order_id) == "CONFIRMED")
        assert account.available(sku) == 9
    if any("dlq discard" in command for command in commands):
        assert status_of(account, order_id) == "DISCARDED"
    if any("stock add" in command for command in commands):
        assert account.available(sku) == 19
    # The next runbook needs a running worker.
    assert main(["worker", "resume", "--yes"]) == 0


def test_a_killed_worker_is_shown_in_logs_and_trace(
    stack: LocalStack, account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an order whose attempt hangs, and a worker that is killed during this attempt
    monkeypatch.setenv("ORDERS_STACK", "local")
    monkeypatch.setenv("ORDERS_LOCAL_DIR", str(stack.state.path))
    sku = f"SKU-{next(_NUMBERS)}"
    account.set_stock({sku: 10})
    worker = stack.outputs["process_order_function"]
    with stack.fault("dynamodb", "TransactWriteItems", FaultKind.TIMEOUT, containing=sku) as hanging:
        order_id = place(stack, sku)
        wait_for("the attempt to hang", lambda: any(each.matched for each in stack.faults() if each.id == hanging.id))
        stack.kill_workers(worker)
    output = wait_for("the death to be logged", lambda: logged(order_id, capsys))
    # WHEN somebody reads the errors in the order's logs, and its trace
    assert [line["what"] for line in output][-1] == "died: Runtime.ExitError"
    main(["order", "trace", order_id])
    # THEN the trace ends with the worker's death, unless another attempt has settled the order since
    assert re.search("conclusion: (open, and the worker died once|done)", capsys.readouterr().out)


def logged(order_id: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    """Return the logged errors of an order."""
    capsys.readouterr()
    assert main(["logs", "--order", order_id, "--error", "--json"]) == 0
    found: list[dict[str, str]] = json.loads(capsys.readouterr().out)
    return found


def test_the_status_command_runs_in_its_own_process(stack: LocalStack) -> None:
    # GIVEN a terminal
    environment = {**os.environ, "ORDERS_STACK": "local", "ORDERS_LOCAL_DIR": str(stack.state.path)}
    # WHEN the first command of most runbooks is run
    done = subprocess.run(
        [sys.executable, "-m", "ops", "status"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    # THEN it shows the dead letters and the worker
    assert done.returncode == 0, done.stderr
    assert "dead letters" in done.stdout
    assert re.search(r"worker: +Enabled", done.stdout)


def status(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what `status` shows."""
    capsys.readouterr()
    main(["status"])
    return capsys.readouterr().out


def test_status_shows_what_the_runbooks_describe(
    stack: LocalStack, account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN the stack chosen for this terminal, and an article
    monkeypatch.setenv("ORDERS_STACK", "local")
    monkeypatch.setenv("ORDERS_LOCAL_DIR", str(stack.state.path))
    sku = f"SKU-{next(_NUMBERS)}"
    account.set_stock({sku: 10})
    # WHEN attempts fail
    with stack.fault("dynamodb", "TransactWriteItems", FaultKind.ERROR, containing=sku):
        place(stack, sku)
        queue = "dead_letter_queue_url"
        before = account.waiting(queue)
        wait_for("a dead letter", lambda: account.waiting(queue) > before)
    # THEN status reports the failed attempts and the dead letters
    assert re.search(r"! .*attempts? to process orders failed", status(capsys))
    assert re.search(r"! .*messages? .*in the dead-letter queue", status(capsys))
    # WHEN requests are answered 503
    with stack.fault("sqs", "SendMessage", FaultKind.ERROR):
        for _ in range(10):
            OrdersApi(stack.outputs["api_url"]).post(order((sku, 1)), f"runbook-{next(_NUMBERS)}")
    # THEN status names the 5xx answers first, because customers notice them
    assert re.match(r"Problem: Answered with 5.*: \d+ of \d+ requests? ", status(capsys))
    # WHEN the worker is paused
    main(["worker", "pause", "--by", "Ada", "--reason", "bad release", "--yes"])
    # THEN everybody can see who paused the worker, when and why
    assert re.search(r"the worker is Disabled, paused \d+s ago by Ada: bad release; orders wait", status(capsys))
    main(["worker", "resume", "--yes"])


def advice(output: str) -> list[str]:
    """Return the commands that the output advises as the next ones."""
    return [line.partition("next: ")[2] for line in output.splitlines() if line.startswith("  next: ")]


def typed(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Run a command and return the commands that its output advises next."""
    words = shlex.split(command)[3:]
    monkeypatch.setattr("sys.argv", ["ops", *words])
    capsys.readouterr()
    assert main(words) == 0
    return advice(capsys.readouterr().err)


@pytest.mark.parametrize("row", ["order", "stock"])
def test_printed_commands_repair_a_corrupt_row(
    row: str,
    stack: LocalStack,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # GIVEN an order that became a dead letter, because its row or its article's row is corrupt
    monkeypatch.setenv("ORDERS_STACK", "local")
    monkeypatch.setenv("ORDERS_LOCAL_DIR", str(stack.state.path))
    sku = f"SKU-{next(_NUMBERS)}"
    account.set_stock({sku: 10})
    before = account.waiting("dead_letter_queue_url")
    with account.deliveries_held():
        order_id = place(stack, sku)
        table, key, attribute = {
            "order": ("orders_table", {"order_id": {"S": order_id}}, "accepted_at"),
            "stock": ("stock_table", {"sku": {"S": sku}}, "available"),
        }[row]
        stack.aws.dynamodb.update_item(
            TableName=stack.outputs[table],
            Key=key,
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": attribute},
            ExpressionAttributeValues={":value": {"S": "2026-02-30T00:00:00.000Z"}},
        )
    wait_for("the order to be a dead letter", lambda: account.waiting("dead_letter_queue_url") > before)
    # WHEN the printed commands are run one after the other, and then a redrive
    shown = typed(f"python -m ops dlq show {order_id}", monkeypatch, capsys)
    if row == "order":
        (repair,) = typed(shown[0], monkeypatch, capsys)
    else:
        (repair,) = typed(f"python -m ops stock get {sku}", monkeypatch, capsys)
        repair = f"{repair.replace(f'{sku} N', f'{sku} 10')} --yes"
    typed(repair, monkeypatch, capsys)
    redrive = f"python -m ops dlq redrive --where order_id={order_id} --by Ada --reason repaired --yes"
    typed(redrive, monkeypatch, capsys)
    # THEN the order is settled, its stock is taken once, and its event is published
    wait_for("the event", lambda: main(["order", "trace", order_id, "--no-logs"]) == 0 and event_of(order_id, capsys))
    assert status_of(account, order_id) == "CONFIRMED"
    assert account.available(sku) == 9


def event_of(order_id: str, capsys: pytest.CaptureFixture[str]) -> bool:
    """Return whether the last trace shows that the order's event was published."""
    return f"published as {order_id}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (("dynamodb", "TransactWriteItems", FaultKind.THROTTLE), "ThrottledError"),
        (("dynamodb", "TransactWriteItems", FaultKind.CONFLICT), "ContentionError"),
        (("sns", "Publish", FaultKind.ERROR), "NOT_PUBLISHED"),
        (None, "MALFORMED_BODY"),
    ],
    ids=lambda value: str(value[2]) + value[0] if isinstance(value, tuple) else value,
)
def test_each_cause_of_a_dead_letter_has_its_own_name(
    fault: tuple[str, str, FaultKind] | None,
    cause: str,
    stack: LocalStack,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # GIVEN a dependency that fails in one way, or a message that is no JSON
    monkeypatch.setenv("ORDERS_STACK", "local")
    monkeypatch.setenv("ORDERS_LOCAL_DIR", str(stack.state.path))
    sku = f"SKU-{next(_NUMBERS)}"
    account.set_stock({sku: 10})
    before = account.waiting("dead_letter_queue_url")

    def causes() -> list[str]:
        capsys.readouterr()
        assert main(["dlq", "list", "--json"]) == 0
        listed = json.loads(capsys.readouterr().out)
        return [each["error_type"] for each in listed if name in {each["order_id"], each["original_message_id"]}]

    # WHEN the message becomes a dead letter
    with stack.fault(*fault) if fault else nullcontext():
        name = place(stack, sku) if fault else account.send("no json")
        wait_for("a dead letter", lambda: account.waiting("dead_letter_queue_url") > before)
        # A dead letter of an earlier test may arrive first.
        wait_for("this dead letter", causes)
    # THEN the list of dead letters names the cause, and status reports the dead letters
    assert causes() == [cause]
    assert "in the dead-letter queue" in status(capsys)
