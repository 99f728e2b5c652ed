"""Tests, with moto, how `order repair` and `stock` show and repair unreadable records."""

from __future__ import annotations

import json
from typing import Any

import pytest

import ops.sweep
from ops.errors import RefusedError
from ops.gateway.orders import Orders, record_id
from ops.repair import plan_of_record
from runtime.store.items import to_order
from tests.ops.factories import STRANGE, body, good_row, put_strange_records, text
from tests.ops.mock_stack import GIVEN, MockStack

STOCK_ROWS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"available": {"S": "many\x9b"}}, '{"S":"many\\u009b"}'),
    ({}, "missing"),
    ({"available": {"NULL": True}}, '{"NULL":true}'),
    ({"available": {"N": "1.5"}}, '{"N":"1.5"}'),
    ({"available": {"N": "-3"}}, "-3"),
    ({"available": {"L": [{"N": "7"}]}}, '{"L":[{"N":"7"}]}'),
)


@pytest.fixture(autouse=True)
def _cleared(monkeypatch: pytest.MonkeyPatch, stack: MockStack) -> None:
    monkeypatch.setattr(ops.sweep, "_WAIT_SECONDS", 0)
    stack.clear()


@pytest.mark.parametrize("moment", ["2026-02-30T00:00:00.000Z", "2026-01-01T00:59:60.000Z"])
def test_a_row_that_is_not_a_valid_order_is_listed_as_invalid_and_can_be_repaired(
    stack: MockStack, capsys: pytest.CaptureFixture[str], moment: str
) -> None:
    # GIVEN an order whose time of acceptance is no valid time
    stack.put_order(good_row(STRANGE, accepted_at={"S": moment}))
    assert stack.run("orders", "open") == 0
    assert "not a valid order: accepted_at" in capsys.readouterr().out
    # WHEN `order repair` is run without --yes, and then with --yes
    assert stack.run("order", "repair", STRANGE, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["removed"] == ["accepted_at"]
    assert stack.run("order", "repair", STRANGE, "--expect", shown["fingerprint"], "--yes") == 0
    # THEN only the unreadable attribute is removed, and the order is still open
    expected = good_row(STRANGE)
    del expected["accepted_at"]
    assert stack.order(STRANGE) == expected


def test_a_repaired_row_is_a_readable_order(stack: MockStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a row with several unreadable attributes
    stack.put_order(good_row(STRANGE, lines={"S": "x"}, total={"N": "1"}, correlation_id={"S": " "}))
    stack.run("order", "repair", STRANGE, "--json")
    pinned = json.loads(capsys.readouterr().out)["fingerprint"]
    # WHEN the row is repaired
    stack.run("order", "repair", STRANGE, "--expect", pinned, "--yes")
    # THEN it can be read
    assert to_order(stack.order(STRANGE)).status == "ACCEPTED"


def test_a_repair_restores_a_settled_row_from_its_message(stack: MockStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a settled order with an unreadable time of acceptance, and its dead letter
    settled = {"status": {"S": "CONFIRMED"}, "settled_at": {"S": "2026-01-01T00:00:02.000Z"}}
    stack.put_order(good_row(STRANGE, **settled, accepted_at={"S": "2026-02-30T00:00:00.000Z"}))
    stack.put_dead_letter(body(), {"order_id": text(STRANGE)})
    stack.run("order", "repair", STRANGE, "--json")
    pinned = json.loads(capsys.readouterr().out)["fingerprint"]
    # WHEN the row is repaired
    assert stack.run("order", "repair", STRANGE, "--expect", pinned, "--yes") == 0
    # THEN the time is restored from the message, and the row keeps its status
    assert stack.order(STRANGE) == good_row(STRANGE, **settled)


@pytest.mark.parametrize(
    ("changes", "record", "reason"),
    [
        ({"status": {"S": "NONE"}, "settled_at": {"S": "2026-01-01T00:00:02.000Z"}}, {}, "take stock twice"),
        ({"status": {"N": "1"}}, {"status": {"S": "COMPLETED"}}, "take stock twice"),
        ({"schema_version": {"N": "99"}, "currency": {"S": "euro"}}, {}, "newer version"),
        ({}, {"status": {"S": "INPROGRESS"}}, "is readable"),
    ],
)
def test_a_harmful_or_unnecessary_repair_is_refused(
    stack: MockStack, capsys: pytest.CaptureFixture[str], changes: Any, record: Any, reason: str
) -> None:
    # GIVEN a row that a repair would make worse, or that needs no repair
    before = good_row(STRANGE, **changes)
    put_strange_records(stack, before, record)
    # WHEN somebody tries to repair it
    code = stack.run("order", "repair", STRANGE, "--yes")
    # THEN the repair is refused, and the row is unchanged
    assert code == 5
    assert reason in capsys.readouterr().err
    assert stack.order(STRANGE) == before


def test_a_row_that_changed_since_it_was_shown_is_not_repaired(
    stack: MockStack, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an unreadable row that changed after somebody had looked at it
    stack.put_order(good_row(STRANGE, accepted_at={"S": "2026-02-30T00:00:00.000Z"}))
    stack.run("order", "repair", STRANGE, "--json")
    pinned = json.loads(capsys.readouterr().out)["fingerprint"]
    now = good_row(STRANGE, accepted_at={"S": "2026-02-31T00:00:00.000Z"})
    stack.put_order(now)
    # WHEN it is repaired with the old fingerprint, or without a fingerprint
    codes = [stack.run("order", "repair", STRANGE, *expect, "--yes") for expect in (("--expect", pinned), ())]
    # THEN nothing is changed
    assert codes == [5, 5]
    assert stack.order(STRANGE) == now


def test_the_workers_record_is_deleted_only_if_it_has_not_changed_since_it_was_shown(
    stack: MockStack, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an order whose record the worker cannot read, so every attempt fails
    put_strange_records(stack, good_row(STRANGE), {"status": {"S": "COMPLETED"}})
    stack.run("order", "trace", STRANGE)
    assert f"order repair {STRANGE}" in stack.advised(capsys.readouterr().err)
    orders = Orders(stack.dynamodb, GIVEN["orders_table"], GIVEN["worker_idempotency_table"])
    shown = plan_of_record(STRANGE, orders.record(STRANGE) or {}, None).row
    # WHEN a run completes the record before somebody deletes it
    done = {**shown.item, "data": {"S": '{"status": "CONFIRMED"}'}}
    stack.put_record(done)
    # THEN the record is not deleted, and needs no repair
    with pytest.raises(RefusedError, match="has changed since it was shown"):
        orders.delete_record(shown)
    assert orders.record(STRANGE) == done
    assert stack.run("order", "repair", STRANGE) == 5


@pytest.mark.parametrize(
    ("record", "wrong"),
    [
        ({"status": {"S": "COMPLETED"}}, "no readable answer"),
        ({"data": {"S": '{"status": "CONFIRMED"}'}}, "no readable status"),
        ({"status": {"N": "1"}, "data": {"S": '{"status": "CONFIRMED"}'}}, "no readable status"),
    ],
)
def test_repair_names_the_unreadable_part_of_a_record(
    stack: MockStack, capsys: pytest.CaptureFixture[str], record: Any, wrong: str
) -> None:
    # GIVEN a readable order, and a record with one unreadable part
    put_strange_records(stack, good_row(STRANGE), record)
    capsys.readouterr()
    # WHEN
    assert stack.run("order", "repair", STRANGE, "--json") == 0
    # THEN
    found = json.loads(capsys.readouterr().out)["unreadable"]
    assert found == {"worker's record": f"it has {wrong}, so every attempt fails"}


@pytest.mark.parametrize("status", ["ACCEPTED", "CONFIRMED", None])
def test_the_repair_of_a_record_shows_the_status_of_the_order(
    stack: MockStack, capsys: pytest.CaptureFixture[str], status: str | None
) -> None:
    # GIVEN an unreadable record. Its order is either readable or not stored
    stack.put_record({"id": {"S": record_id(STRANGE)}, "status": {"S": "COMPLETED"}})
    if status:
        stack.put_order(good_row(STRANGE, status={"S": status}))
    # WHEN the repair is shown
    stack.run("order", "repair", STRANGE, "--json")
    document = json.loads(capsys.readouterr().out)
    stack.run("order", "repair", STRANGE)
    shown = capsys.readouterr()
    # THEN the order's status is shown. The remark "No readable dead letter" is left out
    assert document["status"] == status
    assert f"status       {status or 'not stored'}\n" in shown.out
    assert "No readable dead letter" not in shown.err


@pytest.mark.parametrize(("row", "shown"), STOCK_ROWS, ids=[shown for _, shown in STOCK_ROWS])
def test_a_stock_row_without_a_valid_count_is_shown_and_repaired(
    stack: MockStack, capsys: pytest.CaptureFixture[str], row: dict[str, Any], shown: str
) -> None:
    # GIVEN an article whose stock row has no valid count
    stack.put_stock({"sku": {"S": "SKU-9"}, **row})
    # WHEN somebody looks at the article, and tries twice to set its count to 7. The first try has a wrong --expect, the
    # second try has the shown value
    assert stack.run("stock", "get", "SKU-9") == 0
    assert capsys.readouterr().out == f"SKU-9: {shown}\n"
    assert stack.run("stock", "set", "SKU-9", "7", "--expect", "0", "--yes") == 5
    assert stack.run("stock", "set", "SKU-9", "7", "--expect", shown, "--yes") == 0
    # THEN the article has this count, and a third try, which expects the old value, is refused
    assert stack.stock("SKU-9")["available"] == {"N": "7"}
    assert stack.run("stock", "set", "SKU-9", "8", "--expect", shown, "--yes") == 5


def test_units_cannot_be_added_to_an_invalid_count(stack: MockStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an article whose available stock is a text
    stack.put_stock({"sku": {"S": "SKU-9"}, "available": {"S": "9"}})
    # WHEN a unit is added
    code = stack.run("stock", "add", "SKU-9", "1", "--yes")
    # THEN the error names the command that repairs the count
    assert code == 5
    assert f'stock set {stack.selection} SKU-9 N --expect \'{{"S":"9"}}\'' in capsys.readouterr().err
