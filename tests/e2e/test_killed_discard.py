"""Tests that `kill -9` during a bulk discard on a running stack loses nothing, and that a rerun finishes the work."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from local.client import LocalStack
from local.demo.account import Account, wait_for
from tests.ops.factories import DECISION, body, good_row, text

pytestmark = [pytest.mark.e2e, pytest.mark.long]

COUNT: Final = 300
IDS: Final = [f"{number:08x}-307d-56d4-8339-4dc839c7313d" for number in range(COUNT)]
# `OPS` runs the tools with a shorter visibility timeout. So the messages that a killed run has
# received are visible again after seconds, not after five minutes.
HIDDEN_SECONDS: Final = 20
OPS: Final = (
    f"import sys, ops.sweep, ops.cli.main; ops.sweep.HIDE_SECONDS = {HIDDEN_SECONDS}; "
    "sys.exit(ops.cli.main.main(sys.argv[1:]))"
)
DISCARD: Final = ("dlq", "discard", "--where", "older_than=0s", *DECISION, "--yes")


def started(stack: LocalStack, *arguments: str) -> "subprocess.Popen[str]":
    """Start a command of the tools, and return its process."""
    where = ("--local", "--state-dir", str(stack.state.path), "--json")
    return subprocess.Popen([sys.executable, "-c", OPS, *arguments, *where], stdout=subprocess.PIPE, text=True)


def store_dead_letters(stack: LocalStack) -> set[str]:
    """Store failed orders and a dead letter for each, and return the ids of the messages."""
    sent: set[str] = set()
    for start in range(0, COUNT, 10):
        ids = IDS[start : start + 10]
        for order_id in ids:
            row = good_row(order_id, status={"S": "FAILED"})
            stack.aws.dynamodb.put_item(TableName=stack.outputs["orders_table"], Item=row)
        entries: list[Any] = [
            {"Id": each, "MessageBody": body(order_id=each), "MessageAttributes": {"order_id": text(each)}}
            for each in ids
        ]
        answer = stack.aws.sqs.send_message_batch(QueueUrl=stack.outputs["dead_letter_queue_url"], Entries=entries)
        sent |= {each["MessageId"] for each in answer["Successful"]}
    return sent


def test_a_killed_bulk_discard_loses_nothing_and_its_rerun_finishes(tmp_path: Path) -> None:
    with LocalStack.started(tmp_path, warm_workers=1) as stack:
        # GIVEN 300 dead letters, and a run that discards all of them
        account, messages = Account(stack), store_dead_letters(stack)
        run = started(stack, *DISCARD)

        def discarded() -> set[str]:
            return {order_id for order_id, row in account.orders().items() if row["status"] == "DISCARDED"}

        # WHEN the run is killed after it has discarded a fifth of them
        wait_for("a fifth of the orders to be discarded", lambda: len(discarded()) >= COUNT // 5 or None)
        os.kill(run.pid, signal.SIGKILL)
        run.communicate()
        assert run.returncode == -signal.SIGKILL

        # THEN every deleted message has a line in the journal, and the message's order is DISCARDED
        before, waiting = discarded(), account.waiting("dead_letter_queue_url")
        (killed,) = history(stack)
        assert COUNT - waiting <= len(killed["messages"])
        assert {each["order_id"] for each in killed["messages"]} <= before
        assert waiting > 0
        assert len(before) < COUNT
        assert killed["counts"] is None

        # WHEN the hidden messages are visible again, and the same command runs
        wait_for("the messages to be visible again", lambda: depth(stack) == waiting or None, HIDDEN_SECONDS * 3)
        rerun = started(stack, *DISCARD)
        rerun.communicate(timeout=300)

        # THEN no message is left. The journal has every message and both runs. Each run has the
        # operator's name and reason.
        runs = history(stack)
        assert rerun.returncode == 0
        assert (discarded(), account.waiting("dead_letter_queue_url")) == (set(IDS), 0)
        assert {each["message_id"] for run in runs for each in run["messages"]} == messages
        assert [(run["by"], run["reason"], run["counts"] is None) for run in runs] == [
            ("Ada", "a test", True),
            ("Ada", "a test", False),
        ]


def history(stack: LocalStack) -> list[dict[str, Any]]:
    """Return the runs that `dlq history` lists."""
    output, _ = started(stack, "dlq", "history").communicate(timeout=60)
    found: list[dict[str, Any]] = json.loads(output)
    return found


def depth(stack: LocalStack) -> int:
    """Return the number of visible dead letters."""
    name: Final = "ApproximateNumberOfMessages"
    answer = stack.aws.sqs.get_queue_attributes(QueueUrl=stack.outputs["dead_letter_queue_url"], AttributeNames=[name])
    return int(answer["Attributes"][name])
