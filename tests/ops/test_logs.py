"""Tests, with moto, the output of `logs`, `errors` and `order trace`.

Also tests how Lambda's own log lines about a function that died are recognized.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import ops.sweep
from lab.simulation.fakes.errors import client_error
from ops.gateway.orders import Orders
from ops.logic.deaths import death_of
from runtime.models.fields import from_timestamp, to_timestamp
from runtime.models.order import OrderMessage
from runtime.store.order_item import immutable_attributes
from tests.ops.factories import ORDER_ID, OTHER_ID, body, text
from tests.ops.mock_stack import MockStack, account

REQUEST = "5f3c1a9e-0b1c-4d2e-8f30-112233445566"
IMPORT_FAILED = "[ERROR] Runtime.ImportModuleError: Unable to import module 'a.b': No module named 'c'\nTraceback"
TIMED_OUT = f"2026-01-01T00:00:00.000Z {REQUEST} Task timed out after 3.01 seconds\n\n"
KILLED = f"RequestId: {REQUEST} Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n"
SYNTAX = "[ERROR] Runtime.UserCodeSyntaxError: Syntax error in module 'a': invalid syntax"
DEATHS = [
    (TIMED_OUT, "Sandbox.Timedout", REQUEST),
    (KILLED, "Runtime.ExitError", REQUEST),
    (IMPORT_FAILED, "Runtime.ImportModuleError", None),
    ("[ERROR] Runtime.HandlerNotFound: Handler 'x' missing on module 'y'", "Runtime.HandlerNotFound", None),
    (SYNTAX, "Runtime.UserCodeSyntaxError", None),
    ("INIT_REPORT Init Duration: 10008.12 ms\tPhase: init\tStatus: timeout", "INIT timeout", None),
    ("[ERROR] ValueError: a client's text\nTraceback (most recent call last):", "ValueError", None),
]


@pytest.fixture
def stack(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[MockStack]:
    monkeypatch.setattr(ops.sweep, "_WAIT_SECONDS", 0)
    with account(tmp_path) as made:
        yield made


def order_since(stack: MockStack, **changes: Any) -> float:
    """Store an order that was accepted five minutes ago, and return that time in epoch seconds."""
    moment = to_timestamp(datetime.fromtimestamp(time.time() - 300, UTC))
    message = OrderMessage.model_validate_json(body(accepted_at=moment))
    stack.put_order(
        {"order_id": {"S": ORDER_ID}, "status": {"S": "ACCEPTED"}, **immutable_attributes(message), **changes}
    )
    return from_timestamp(moment).timestamp()


def failed(at: float, **fields: Any) -> dict[str, Any]:
    """Return the worker's log entry for a failed attempt."""
    return {
        "at": at,
        "service": "worker",
        "level": "WARNING",
        "message": "attempt failed",
        "order_id": ORDER_ID,
        "error_type": "ContentionError",
        "function_request_id": REQUEST,
        **fields,
    }


def shown(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(("line", "cause", "request_id"), DEATHS, ids=lambda value: str(value)[:30])
def test_each_death_is_recognized_by_lambdas_log_line(line: str, cause: str, request_id: str | None) -> None:
    # GIVEN / WHEN a line that Lambda writes about a function that died
    death = death_of(line)
    # THEN the cause is recognized, and also the request id if the line has one. An uncaught error's text is left out.
    assert death is not None
    assert (death.cause, death.request_id) == (cause, request_id)
    assert "client" not in death.text


@pytest.mark.parametrize(
    "line",
    [
        f"START RequestId: {REQUEST} Version: 7",
        f"END RequestId: {REQUEST}",
        f"REPORT RequestId: {REQUEST}\tDuration: 3001.50 ms\tMemory Size: 128 MB\tStatus: timeout",
        "INIT_START Runtime Version: python:3.13.v1",
        "[WARNING] something of a library",
    ],
)
def test_other_log_lines_do_not_count_as_deaths(line: str) -> None:
    # GIVEN / WHEN / THEN
    assert death_of(line) is None


def test_logs_show_entries_and_deaths_for_each_filter(stack: MockStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a worker that logs an attempt at an order, writes metrics, and dies
    at = order_since(stack)
    stack.log(
        "process_order",
        failed(at + 1),
        {"at": at + 2, "_aws": {}, "message": "metrics"},
        {"at": at + 3, "text": f"REPORT RequestId: {REQUEST}\tDuration: 1 ms"},
        {"at": at + 4, "text": TIMED_OUT},
    )
    stack.log("create_order", {"at": at, "service": "api", "level": "INFO", "message": "order accepted"})
    # WHEN logs are shown without a filter, and for all errors, one error, one function, and one order
    found: dict[str, list[str]] = {}
    for arguments in ("", "--error", "--error ContentionError", "--function create-order", f"--order {ORDER_ID}"):
        assert stack.run("logs", "--json", *arguments.split()) == 0
        found[arguments] = [line["what"] for line in shown(capsys)]
    # THEN each filter shows its lines. `--order` shows the death too, because the line of the death has the request id
    # of the order's attempt.
    died = "died: Sandbox.Timedout"
    assert found == {
        "": ["order accepted", "attempt failed", died],
        "--error": ["attempt failed", died],
        "--error ContentionError": ["attempt failed"],
        "--function create-order": ["order accepted"],
        f"--order {ORDER_ID}": ["attempt failed", died],
    }


def test_an_unknown_function_is_wrong_usage(stack: MockStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN / WHEN
    code = stack.run("logs", "--function", "nothing")
    # THEN the error names the stack's functions
    assert code == 2
    assert "process-order" in capsys.readouterr().err


def test_following_the_logs_shows_each_new_line_once(
    stack: MockStack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a log line, and another that is written during the first pause
    at = order_since(stack)
    stack.log("process_order", failed(at + 290))
    pauses = iter(range(3))

    def sleep(_: float) -> None:
        match next(pauses):
            case 0:
                stack.log("process_order", failed(at + 295, message="attempt deferred"))
            case 2:
                raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", sleep)
    # WHEN the logs are followed until Ctrl-C
    code = stack.run("logs", "--follow", "--json")
    # THEN each line is shown once
    assert code == 0
    found = [json.loads(line)["what"] for line in capsys.readouterr().out.splitlines()]
    assert found == ["attempt failed", "attempt deferred"]


def test_errors_are_counted_by_cause_over_logs_and_dead_letters(
    stack: MockStack, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN two failed attempts, a worker that died once, and two dead letters with different causes
    at = order_since(stack)
    stack.log("process_order", failed(at + 1), failed(at + 2), {"at": at + 4, "text": IMPORT_FAILED})
    stack.put_dead_letter(body(), {"order_id": text(ORDER_ID), "error_type": text("ContentionError")})
    stack.put_dead_letter("no json", {})
    # WHEN
    assert stack.run("errors", "--json") == 0
    # THEN each cause is one line, with its log lines and dead letters
    counted = {each["cause"]: (each["log_lines"], each["dead_letters"], each["died"]) for each in shown(capsys)}
    assert counted == {
        "ContentionError": (2, 1, False),
        "MALFORMED_BODY": (0, 1, False),
        "Runtime.ImportModuleError": (1, 0, True),
    }


def test_a_trace_reports_that_the_worker_dies(stack: MockStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an accepted order, and a worker whose import fails, so that no line names the order
    at = order_since(stack)
    stack.log("process_order", *({"at": at + number, "text": IMPORT_FAILED} for number in (-60, 10, 70)))
    # WHEN
    assert stack.run("order", "trace", ORDER_ID, "--json") == 0
    # THEN the judgement reports the worker's deaths, and counts those since the order was accepted
    written = capsys.readouterr()
    judgement = json.loads(written.out)["judgement"]
    assert "the worker died 2 times" in judgement
    assert "Runtime.ImportModuleError" in judgement
    # AND the advised commands show the worker's errors, the status and the order's dead letter
    assert stack.advised(written.err) == ["logs --function process-order --error", "status", LOOK]


LOOK = f"dlq show {ORDER_ID}"


@pytest.mark.parametrize(
    ("changes", "lines", "expected", "commands"),
    [
        ({}, [], "no attempt has logged an error", ["status", LOOK]),
        ({}, [{"order_id": OTHER_ID}], "no attempt has logged an error", ["status", LOOK]),
        ({}, [{}], "the latest attempt failed with ContentionError", [LOOK]),
        ({"status": {"S": "FAILED"}}, [{}], "not processed (ContentionError)", [LOOK]),
        ({"status": {"S": "DISCARDED"}}, [], "discarded by a person", []),
        ({"status": {"S": "CONFIRMED"}}, [{}, {"message": "event published"}], "done: settled", []),
        ({"status": {"S": "CONFIRMED"}}, [], "is not certain", [LOOK, f"order replay-events {ORDER_ID}"]),
        (
            {"accepted_at": {"S": "2026-02-30T00:00:00.000Z"}},
            [],
            "its row is unreadable",
            [f"order repair {ORDER_ID}"],
        ),
    ],
)
def test_a_trace_ends_with_a_judgement_and_the_next_commands(
    stack: MockStack,
    capsys: pytest.CaptureFixture[str],
    changes: Any,
    lines: list[Any],
    expected: str,
    commands: list[str],
) -> None:
    # GIVEN an order in some state, and log lines of attempts at this order or at another one
    at = order_since(stack, **changes)
    stack.log("process_order", {"at": at, "text": "START"}, *(failed(at + 1, **fields) for fields in lines))
    # WHEN
    assert stack.run("order", "trace", ORDER_ID, "--json", "--since", "1h") == 0
    # THEN
    output = capsys.readouterr()
    assert expected in json.loads(output.out)["judgement"]
    assert stack.advised(output.err) == commands


@pytest.mark.parametrize(
    ("read", "order", "record", "event"),
    [
        ("read", {"order_id": ORDER_ID, "status": "not known"}, None, "not known: the order's row cannot be read"),
        ("record_status", {"status": "REJECTED", "reason": None}, "not known", "not confirmed: the worker's record is"),
        ("reason", {"status": "REJECTED", "reason": "not known"}, None, "unknown: the worker's record is gone"),
    ],
)
def test_a_trace_claims_nothing_about_a_row_or_record_that_it_cannot_read(
    stack: MockStack,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    read: str,
    order: dict[str, Any],
    record: str | None,
    event: str,
) -> None:
    # GIVEN a settled order. Its row, the worker's record or the order's reason cannot be read
    at = order_since(stack, status={"S": "REJECTED"})
    stack.log("process_order", failed(at + 1, message="attempt deferred"))

    def gone(*_: Any) -> None:
        raise client_error("GetItem", "ResourceNotFoundException", "Requested resource not found")

    monkeypatch.setattr(Orders, read, gone)
    # WHEN
    code = stack.run("order", "trace", ORDER_ID, "--json")
    output = capsys.readouterr()
    # THEN the unread source is named, the exit code says that something was not read, and the log line is shown
    document = json.loads(output.out)
    assert code == 6
    assert [each["what"].split()[-1] in output.err for each in document["unread"]] == [True]
    assert "attempt deferred" in [step["what"] for step in document["steps"]]
    # AND what was not read is shown as "not known", in JSON and in text
    assert document["order"] == document["order"] | order
    assert document["worker_record"] == record
    assert document["event"].startswith(event)
    stack.run("order", "trace", ORDER_ID)
    text = capsys.readouterr().out
    for name, value in {**order, "worker's record": record or "none"}.items():
        assert value is None or re.search(f"^{name} +{value}$", text, re.MULTILINE)
