"""Tests strange records on moto: commands report them, read the other records, and do not fail."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import ops.sweep
from ops.cli import screen
from ops.gateway.http import Answer
from ops.logic.case import NO_REPORT, NOT_PUBLISHED
from ops.logic.stored import COMPLETED, UNREADABLE, record_state
from runtime.models.fields import to_timestamp
from runtime.models.order import OrderMessage, StoredOrder
from tests.ops.factories import DECISION, GOOD, ORDER_ID, OTHER_ID, STRANGE, body, good_row, put_strange_records, text
from tests.ops.mock_stack import MockStack

READING = (
    ("orders", "open"),
    ("order", "trace", STRANGE),
    ("order", "repair", STRANGE),
    ("dlq", "list"),
    ("dlq", "show", STRANGE),
    ("dlq", "redrive", *DECISION),
    ("dlq", "discard", "--where", "older_than=0s", *DECISION),
    ("orders", "resend", "--older-than", "15m"),
    ("status",),
)
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
_NUMBER = st.one_of(st.integers(-(10**37), 10**37), st.decimals(-1000, 1000, places=2)).map(str)
_VALUE: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.one_of(
        _TEXT.map(lambda value: {"S": value}),
        _NUMBER.map(lambda value: {"N": value}),
        st.sampled_from(["2026-02-30T00:00:00.000Z", "2026-01-01T00:59:60.000Z", "9999-12-31T23:59:59.999Z"]).map(
            lambda value: {"S": value}
        ),
        st.just({"NULL": True}),
        st.booleans().map(lambda value: {"BOOL": value}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda value: {"L": value}),
        st.dictionaries(st.sampled_from(["sku", "quantity", "code", "error_type", "attempt"]), inner, max_size=3).map(
            lambda value: {"M": value}
        ),
    ),
    max_leaves=4,
)
# Each example runs many whole commands, so shrinking would take minutes.
_PHASES = [phase for phase in Phase if phase is not Phase.shrink]
_COLUMNS = sorted({*StoredOrder.model_fields, "unknown_column"} - {"order_id"})
_ROWS = st.dictionaries(st.sampled_from(_COLUMNS), _VALUE, max_size=4)
_LETTERS = st.one_of(
    _TEXT.filter(bool),
    st.sampled_from(["1" * 5000, "[" * 5000, '{"schema_version": 99}', '{"schema_version": 1' + "0" * 5000 + "}"]),
    st.dictionaries(
        st.sampled_from([*OrderMessage.model_fields, "more"]), st.one_of(st.none(), st.integers(), _TEXT), max_size=3
    ).map(lambda changes: body(**changes)),
)
_ATTRIBUTES = st.fixed_dictionaries(
    {"order_id": st.sampled_from([STRANGE, "not an id", "next: rm"])},
    optional={name: _TEXT.filter(str.strip) for name in ("error", "error_type", "original_message_id")},
)
_NUMBERS = st.dictionaries(
    st.sampled_from(["attempt", "schema_version"]), st.sampled_from(["1" * 37, "-1", "1.5", "7"])
)


@pytest.fixture(autouse=True)
def _cleared(monkeypatch: pytest.MonkeyPatch, stack: MockStack) -> None:
    monkeypatch.setattr(ops.sweep, "_WAIT_SECONDS", 0)
    stack.clear()


@settings(max_examples=10, phases=_PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=_ROWS, record=st.dictionaries(st.sampled_from(["status", "data", "expiration"]), _VALUE), data=st.data())
def test_strange_records_make_no_command_fail(
    stack: MockStack, capsys: pytest.CaptureFixture[str], row: Any, record: Any, data: st.DataObject
) -> None:
    # GIVEN any row, record and dead letter of the order `STRANGE`, and the order `GOOD` with its dead letter
    stack.clear()
    put_strange_records(stack, row, record)
    attributes = {name: text(value) for name, value in data.draw(_ATTRIBUTES).items()}
    numbers = {name: text(value, "Number") for name, value in data.draw(_NUMBERS).items()}
    stack.put_dead_letter(data.draw(_LETTERS), attributes | numbers)
    capsys.readouterr()
    # WHEN each command of `READING` is run
    codes = {" ".join(command): stack.run(*command) for command in READING}
    # THEN commands that name the order `STRANGE` succeed or refuse, and all other commands succeed
    may_refuse = {" ".join(command) for command in READING if STRANGE in command}
    assert {command: code for command, code in codes.items() if code and command not in may_refuse} == {}
    assert set(codes.values()) <= {0, 5}
    # THEN no control character reaches the terminal
    output = set("".join(capsys.readouterr())) - {"\n"}
    assert [each for each in output if unicodedata.category(each) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}] == []


def test_deeply_nested_json_in_a_record_or_an_answer_raises_no_error() -> None:
    # GIVEN
    deep = '{"a":' * 100_000
    # WHEN / THEN
    assert record_state({"status": {"S": COMPLETED}, "data": {"S": deep}}) == UNREADABLE
    assert Answer(200, {}, deep.encode()).document == {}


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_every_command_shows_complete_ids_and_times(
    stack: MockStack,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    width: int,
) -> None:
    # GIVEN a narrow terminal, and dead letters of an unreadable order and of a good order
    monkeypatch.setattr(screen, "_WIDTH_WITHOUT_TERMINAL", width)
    put_strange_records(stack, {"accepted_at": {"S": "2026-02-30T00:00:00.000Z"}}, {})
    stack.put_dead_letter(body(), {"order_id": text(STRANGE), "error": text("a long error " * 20)})
    # WHEN a command shows them
    stack.run(*command)
    output = capsys.readouterr().out
    # THEN every id and time is complete, so that it can be copied
    assert not re.search(r"[0-9a-f]{4}-[0-9a-f]{1,4}(?:-[0-9a-f]{0,11})?(?:…|$)", output, re.MULTILINE)
    assert not re.search(r"\d{4}-\d{2}-\d{2}T[0-9:.]*(?:…|$)", output, re.MULTILINE)


def test_no_command_fails_on_an_ascii_terminal(stack: MockStack, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN an ASCII terminal, and a dead letter whose error is in Cyrillic letters
    put_strange_records(stack, {}, {})
    stack.put_dead_letter("no json", {"order_id": text(STRANGE), "error": text("ошибка…")})
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    # WHEN each command of `READING` is run
    codes = {stack.run(*command) for command in READING}
    # THEN every command succeeds or refuses, and characters outside ASCII are shown as escapes
    assert codes <= {0, 5}
    assert rb"\u043e\u0448\u0438\u0431\u043a\u0430\u2026" in written.getvalue()


@settings(max_examples=10, phases=_PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=_ROWS)
def test_the_good_order_is_listed(stack: MockStack, capsys: pytest.CaptureFixture[str], row: Any) -> None:
    # GIVEN any row of the order `STRANGE`, and the order `GOOD` with its dead letter
    stack.clear()
    put_strange_records(stack, row, {})
    # WHEN orders and dead letters are listed
    capsys.readouterr()
    stack.run("orders", "open", "--json")
    listed = json.loads(capsys.readouterr().out)
    stack.run("dlq", "list", "--json")
    dead = json.loads(capsys.readouterr().out)
    # THEN the good order is among them
    assert [view["status"] for view in listed if view["order_id"] == GOOD] == ["ACCEPTED"]
    assert [case["order_id"] for case in dead] == [GOOD]


def test_open_orders_of_unknown_age_are_counted_apart(stack: MockStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN three open orders: an old one, a young one, and one without a time of acceptance. Also a row with an invalid
    # time, "yesterday", which sorts after all times
    undated = good_row(ORDER_ID, accepted_at={"NULL": True})
    stack.put_order(good_row(OTHER_ID))
    stack.put_order(good_row(str(uuid5(NAMESPACE_URL, "young")), accepted_at={"S": to_timestamp(datetime.now(UTC))}))
    stack.put_order(undated)
    stack.put_order({**good_row(), "order_id": {"S": "3"}, "accepted_at": {"S": "yesterday"}})
    # WHEN open orders are listed
    assert stack.run("orders", "open", "--older-than", "15m") == 0
    # THEN invalid rows, orders of unknown age, and orders open for at least 15 minutes are counted separately
    assert re.findall("^.*: 1.*$", capsys.readouterr().err, re.MULTILINE) == [
        "rows that are not valid orders: 1",
        "open, without a time of acceptance: 1 order",
        "open for 15m or longer: 1 order",
    ]


def test_an_error_with_control_characters_is_escaped_for_people_and_exact_for_programs(
    stack: MockStack, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a dead letter whose error contains control characters
    error = "\x9b2J\u202e\nnext: python -m ops dlq discard"
    stack.put_dead_letter("no json", {"order_id": text(STRANGE), "error": text(error), "error_type": text("X\n")})
    # WHEN it is listed and shown
    output = []
    for command in (("dlq", "list"), ("dlq", "show", STRANGE)):
        stack.run(*command)
        output.append(capsys.readouterr().out)
        stack.run(*command, "--json")
        document = json.loads(capsys.readouterr().out)
        # THEN programs get the exact text, and people see escapes
        assert (document if isinstance(document, list) else document["messages"])[0]["error"] == error
    assert all(r"\x9b2J\u202e\nnext: python" in shown for shown in output)


@pytest.mark.parametrize(
    ("content", "row", "record", "cause", "advised"),
    [
        (body(), {"status": {"S": "CONFIRMED"}}, {}, NOT_PUBLISHED, ["redrive"]),
        (body(), {"accepted_at": {"S": "2026-02-30T00:00:00.000Z"}}, {}, "CorruptDataError", ["repair", "redrive"]),
        (body(schema_version=9), {}, {}, "NewerSchemaError", ["redrive", "discard"]),
        ("no json", {}, {}, "MALFORMED_BODY", ["discard"]),
        (body(currency="euro"), {}, {}, "INVALID_MESSAGE", ["redrive", "discard"]),
        (body(), {"status": {"S": "DISCARDED"}}, {}, NO_REPORT, ["discard"]),
        (body(), {}, {}, NO_REPORT, ["redrive", "discard"]),
    ],
)
def test_a_dead_letter_shows_its_cause_and_the_commands_that_can_help(
    stack: MockStack,
    capsys: pytest.CaptureFixture[str],
    content: str,
    row: Any,
    record: Any,
    cause: str,
    advised: list[str],
) -> None:
    # GIVEN a dead letter without an error report from the worker
    put_strange_records(stack, row, record)
    stack.put_dead_letter(content, {"order_id": text(STRANGE)})
    # WHEN it is shown
    assert stack.run("dlq", "show", STRANGE) == 0
    output = capsys.readouterr()
    # THEN its cause is named, and every advised command would be accepted
    assert dict(line.split(None, 1) for line in output.out.splitlines() if " " in line)["error_type"] == cause
    assert [line.split()[5] for line in output.err.splitlines() if "next:" in line] == advised


def test_a_trace_leaves_out_log_lines_of_another_request(stack: MockStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an order's log line, and a line of another request whose correlation id is the order's id
    now = datetime.now(UTC).timestamp()
    common = {"at": now, "service": "api", "message": "order accepted", "level": "INFO"}
    own = {**common, "order_id": STRANGE, "correlation_id": "c-1", "function_request_id": "r-1"}
    foreign = {**common, "message": "refused", "correlation_id": STRANGE, "function_request_id": "r-2"}
    stack.put_order(good_row(STRANGE))
    stack.log("create_order", own, foreign)
    # WHEN the order is traced
    stack.run("order", "trace", STRANGE, "--json")
    steps = json.loads(capsys.readouterr().out)["steps"]
    # THEN only the order's own line is shown
    assert [step["what"] for step in steps if step["where"] == "create-order"] == ["order accepted"]
