"""Each command's JSON output has the keys on which scripts rely, and each command advises the right next commands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from ops.errors import ExitCode
from tests.ops.factories import ORDER_ID, body, good_row, text
from tests.ops.mock_stack import MockStack
from tests.ops.test_without_yes import CASES, IDS, CommandRunner, Row, alarm, runner, stack

__all__ = ["runner", "stack"]


def _put_order_dead_letter_and_alarm(stack: MockStack) -> None:
    stack.put_order(good_row(ORDER_ID))
    stack.put_dead_letter(body(), {"order_id": text(ORDER_ID)})
    alarm(stack)


READING = [
    ("orders open", Row(prepare=_put_order_dead_letter_and_alarm)),
    ("order trace", Row((ORDER_ID,), _put_order_dead_letter_and_alarm)),
    ("stock get", Row(("SKU-1",))),
    ("status", Row(prepare=_put_order_dead_letter_and_alarm)),
    ("audit", Row(prepare=_put_order_dead_letter_and_alarm)),
    ("dlq list", Row(prepare=_put_order_dead_letter_and_alarm)),
    ("dlq show", Row((ORDER_ID,), _put_order_dead_letter_and_alarm)),
    ("errors", Row(prepare=_put_order_dead_letter_and_alarm)),
    ("smoke", Row(("--timeout", "1s", "--yes"))),
    ("load", Row(("--orders", "1", "--within", "1s", "--in-production", "--yes"))),
]
# The commands that each command advises. A dry run advises the same command with --yes (test_without_yes.py).
_DECISION = '--by "$NAME" --reason "$REASON"'
NEXT = {
    "orders open": ["order trace ID", "dlq list"],
    "order trace": ["status", "dlq show ID"],
    "stock get": ["stock add SKU-1 N --new"],
    "status": ["dlq list"],
    "dlq list": ["dlq show ID", f"dlq redrive {_DECISION}"],
    "dlq show": [f"dlq redrive --where message_id=ID {_DECISION}", f"dlq discard ID {_DECISION}"],
    "errors": ["dlq list --where error_type=NO_REPORT"],
}
# The keys of each JSON document. If the document is a list: the keys of its first item.
KEYS = {
    "orders open": "order_id status accepted_at age_seconds summary error_type",
    "order trace": (
        "order order.order_id order.status order.accepted_at order.settled_at order.total order.currency "
        "order.lines order.reason order.error order.caller order.correlation_id worker_record event judgement "
        "unread steps steps.at steps.where steps.what"
    ),
    "stock get": "sku available",
    "status": (
        "stack verdict severity findings findings.severity findings.text findings.runbook findings.next unread "
        "orders_queue orders_queue.visible orders_queue.hidden orders_queue.delayed orders_queue.oldest_seconds "
        "orders_queue.retention_seconds dead_letter_queue dead_letter_queue.visible dead_letter_queue.hidden "
        "dead_letter_queue.delayed dead_letter_queue.oldest_seconds dead_letter_queue.retention_seconds worker "
        "paused seconds counts subscribers deployed quota budgets muted alarms alarms.total alarms.without_data "
        "alarms.raised"
    ),
    "audit": (
        "ok cut_off guarantees guarantees.name guarantees.promise guarantees.counted guarantees.violations "
        "guarantees.named guarantees.ok read read.rows read.table_requests read.read_units read.about_USD "
        "read.dead_letters read.log_lines read.seconds not_known"
    ),
    "dlq list": (
        "order_id message_id original_message_id copies state meaning error_type error attempts age_seconds summary"
    ),
    "dlq show": (
        "messages messages.order_id messages.message_id messages.original_message_id messages.copies "
        "messages.state messages.meaning messages.error_type messages.error messages.attempts messages.age_seconds "
        "messages.summary messages.body_bytes messages.attributes order order.order_id order.status "
        "order.accepted_at order.settled_at order.total order.currency order.lines order.reason order.error "
        "order.caller order.correlation_id"
    ),
    "smoke": "dry_run stack region api_url confirm",
    "smoke --yes": (
        "dry_run stack region at passed order_id correlation_id steps steps.name steps.outcome "
        "steps.detail steps.milliseconds"
    ),
    "load --yes": (
        "dry_run stack orders per_second about_usd spend_at_most_usd report report.run report.reached_per_second "
        "report.requests report.unanswered report.statuses report.accept_seconds report.accept_seconds.p50 "
        "report.accept_seconds.p95 report.accept_seconds.p99 report.accept_seconds.max report.settle_seconds "
        "report.settle_seconds.p50 report.settle_seconds.p95 report.settle_seconds.p99 report.settle_seconds.max "
        "report.unread report.findings report.findings.name report.findings.promise report.findings.counted "
        "report.findings.violations report.findings.named report.findings.ok"
    ),
    "load": "dry_run stack orders per_second about_usd spend_at_most_usd report",
    "errors": "cause log_lines dead_letters died functions last order_id",
    "dlq redrive": "dry_run seen redriven copies returned unselected refused failed undeleted behind",
    "dlq discard": "dry_run order_id plan done",
    "dlq discard --where": (
        "dry_run seen discarded orders unselected refused settled failed undeleted causes causes.NO_REPORT behind "
        "sample sample.order_id sample.message_id sample.original_message_id sample.copies sample.state "
        "sample.meaning sample.error_type sample.error sample.attempts sample.age_seconds sample.summary"
    ),
    "order repair": "dry_run order_id status unreadable removed replaced fingerprint",
    "order replay-events": "dry_run events",
    "events replay": "dry_run since until orders sent filtered unreadable",
    "orders resend": "dry_run orders sent incomplete",
    "stock add": "dry_run sku before after",
    "stock set": "dry_run sku before after",
    "mute on": "dry_run alarms seconds rules",
    "mute off": "dry_run ended",
    "page": "dry_run topic receivers sent",
    "worker pause": "dry_run before after paused",
    "worker resume": "dry_run before after paused paused.by paused.at paused.reason",
}


def keys_of(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each key. Of a list, only the first item is read.

    The keys in `subscribers`, `deployed`, `unreadable` and `report.unread` are left out, because they are data.
    """
    if isinstance(value, list):
        yield from keys_of(value[0], path) if value else ()
    elif isinstance(value, dict) and path not in {"subscribers", "deployed", "unreadable", "report.unread"}:
        for key, inner in value.items():
            name = f"{path}.{key}".removeprefix(".").replace(" ", "_")
            yield name
            yield from keys_of(inner, name)


@pytest.mark.parametrize(
    ("command", "row"),
    [*READING, *CASES],
    ids=[*(name for name, _ in READING), *IDS],
)
def test_a_command_prints_these_json_keys_and_next_commands(
    command: str, row: Row, runner: CommandRunner, capsys: Any
) -> None:
    # GIVEN
    row.prepare(runner.stack)
    capsys.readouterr()

    # WHEN
    runner.run(command, *row.arguments, "--json")

    # THEN
    kind = " ".join([command, *({"--where", "--yes"} & set(row.arguments))])
    output = capsys.readouterr()
    document = json.loads(output.out)
    assert list(keys_of(document)) == KEYS[kind].split()
    assert isinstance(document, list) or document.get("dry_run", False) is ((command, row) in CASES)
    next_ = [re.sub(r"[0-9a-f-]{36}", "ID", each) for each in runner.stack.advised(output.err)]
    assert next_ == NEXT.get(command, []) or (command, row) not in READING
    assert all(runner.stack.selection in each for each in re.findall("python -m ops .*", output.out + output.err))


def test_the_trace_of_an_unknown_order_is_refused(runner: CommandRunner, capsys: Any) -> None:
    # GIVEN / WHEN
    code = runner.run("order trace", ORDER_ID, "--json")

    # THEN
    assert code == ExitCode.REFUSED
    assert f"Nothing was found about order {ORDER_ID}" in capsys.readouterr().err
