"""The audit names every planted fault, and finds no violation after random faults."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

import pytest

from lab.incidents.stack import Stack, simulated_stack
from lab.simulation.fakes import Call, Fault, Process
from lab.simulation.fakes.faults import crash_after, crash_before, server_error, throttled, unreachable
from lab.simulation.requests import order_body
from lab.simulation.world import API_RECORDS, ORDERS, STOCK, WORKER_RECORDS, Deployment
from ops.gateway.orders import record_id
from ops.gateway.rows import Rows
from ops.gateway.stock import Stock

HOUR = 3600


@dataclass
class Shop:
    """A stack with three confirmed orders, a rejected one and a dead letter."""

    stack: Stack
    confirmed: list[str]
    dead: str

    @property
    def order(self) -> str:
        """The id of a confirmed order."""
        return self.confirmed[0]

    def rows(self, table: str) -> dict[tuple[str, ...], dict[str, Any]]:
        return self.stack.world.cloud.dynamodb.tables[table].items

    def change(self, order_id: str, **attributes: Any) -> None:
        self.rows(ORDERS)[order_id,] |= attributes

    def forget(self, order_id: str) -> None:
        """Delete the worker's record of an order."""
        del self.rows(WORKER_RECORDS)[record_id(order_id),]

    def available(self, count: object) -> None:
        self.rows(STOCK)["SKU-1",]["available"] = {"N": str(count)}

    def audit(self, *more: str) -> dict[str, Any]:
        found: dict[str, Any] = self.stack.type("audit", "--json", *more).document
        return found


def accept(stack: Stack, key: str, *lines: tuple[str, int]) -> str:
    response = stack.world.post(key, order_body(*lines), caller="ann").response
    assert response is not None
    return str(json.loads(response["body"])["order_id"])


def poisoned(call: Call) -> Fault | None:
    return server_error if call.operation == "TransactWriteItems" and "SKU-BAD" in str(call.params) else None


@pytest.fixture
def shop() -> Iterator[Shop]:
    with simulated_stack(Deployment(max_receive_count=3)) as stack:
        for sku in ("SKU-1", "SKU-BAD"):
            Stock(stack.world.cloud.dynamodb_client, STOCK, stack.world.cloud.clock).add(sku, 100, None)
        stack.world.cloud.clock.advance(HOUR)
        confirmed = [accept(stack, f"key-{number}") for number in range(3)]
        accept(stack, "no-such-article", ("SKU-NONE", 1))
        dead = accept(stack, "poison", ("SKU-BAD", 1))
        stack.world.drain(poisoned)
        stack.world.cloud.clock.advance(HOUR)
        yield Shop(stack, confirmed, dead)


def _lost(shop: Shop) -> None:
    shop.stack.world.dead_letters.messages.clear()


def _copy_of_dead_letter(shop: Shop, **changes: Any) -> None:
    """Add a dead letter of `shop.order`, which is confirmed, with these changes to the message's body."""
    queue = shop.stack.world.dead_letters
    (message,) = queue.messages.values()
    order = shop.rows(ORDERS)[shop.order,]
    body = json.loads(message.body) | {"order_id": shop.order, "caller": order["caller"]["S"]} | changes
    attributes = {**message.attributes, "order_id": {"DataType": "String", "StringValue": shop.order}}
    queue.send(json.dumps(body), attributes)


def _event_not_published(shop: Shop) -> None:
    _copy_of_dead_letter(shop)
    shop.forget(shop.order)


def _two_keys(shop: Shop) -> None:
    records = shop.rows(API_RECORDS)
    (key, record), *_ = records.items()
    records[f"{key[0]}-again",] = {**record, "id": {"S": f"{key[0]}-again"}}


def _other_answer(shop: Shop) -> None:
    for record in shop.rows(API_RECORDS).values():
        record["data"] = {"S": record["data"]["S"].replace("39.80", "39.81")}


def _processed_twice(shop: Shop) -> None:
    line = {"service": "worker", "message": "order processed", "attempt": 1, "order_id": shop.order, "message_id": "m"}
    shop.stack.logs.write("/aws/lambda/orders-test-process-order", "s", json.dumps(line))


def _received_too_often(shop: Shop) -> None:
    line = {"service": "worker", "message": "attempt failed", "attempt": 4, "message_id": "m-1"}
    shop.stack.logs.write("/aws/lambda/orders-test-process-order", "s", json.dumps(line))


def _dead_lettered_early(shop: Shop) -> None:
    """Change the dead letter, so that it looks as if SQS moved it after one receive.

    The message has no attribute `attempt`, because only the worker sets it. The order's row has `attempt` 1.
    """
    (message,) = shop.stack.world.dead_letters.messages.values()
    message.attributes = {name: each for name, each in message.attributes.items() if name != "attempt"}
    shop.rows(ORDERS)[shop.dead,]["error"]["M"]["attempt"] = {"N": "1"}


Plant = Callable[[Shop], object]
FAULTS: dict[str, tuple[str, str, Plant]] = {
    "a lost message": ("G1", "{dead}: open, and no message is left", _lost),
    "a lost order": ("G1", "{order}: answered 202, but not stored", lambda shop: shop.rows(ORDERS).pop((shop.order,))),
    "a corrupt order": (
        "G1",
        "{order} is not a valid order",
        lambda shop: shop.change(shop.order, total={"S": "much"}),
    ),
    "a DISCARDED order whose row does not name who discarded it": (
        "G1",
        "{dead} is DISCARDED",
        lambda shop: shop.change(shop.dead, status={"S": "DISCARDED"}),
    ),
    "a dead letter of an ACCEPTED order": (
        "G1",
        "{dead} is a dead",
        lambda shop: shop.change(shop.dead, status={"S": "ACCEPTED"}),
    ),
    "a dead letter of a CONFIRMED order": (
        "G1",
        "{order} is a dead letter in state leftover: settled",
        _copy_of_dead_letter,
    ),
    "stock moved twice": (
        "G2",
        "SKU-1: the numbers do not add up: 100 units counted or added, 6 in confirmed orders, 92 in stock",
        lambda shop: shop.available(92),
    ),
    "stock not moved": (
        "G2",
        "SKU-1: the numbers do not add up: 100 units counted or added, 6 in confirmed orders, 100 in stock",
        lambda shop: shop.available(100),
    ),
    "negative stock": ("G2", "the stock of SKU-1 is -1", lambda shop: shop.available(-1)),
    "corrupt stock": ("G2", "the stock of SKU-1 is not a number", lambda shop: shop.available("1.5")),
    "another answer": ("G3", "{order}: its stored answer and its row differ in these fields: total", _other_answer),
    "a corrupt answer": (
        "G3",
        "contains no answer",
        lambda shop: [one.pop("data") for one in shop.rows(API_RECORDS).values()],
    ),
    "processed twice": ("G4", "{order} was processed 2 times", _processed_twice),
    "received too often": ("G4", "message m-1 was received 4 times, 3 are allowed", _received_too_often),
    "dead-lettered early": ("G4", "{dead} is a dead letter after 1 receive; the queue allows 3", _dead_lettered_early),
    "an order without event": ("G5", "{order}: settled, but no record", lambda shop: shop.forget(shop.order)),
    "another outcome published": (
        "G5",
        "{order} is REJECTED, but the worker's record has the status CONFIRMED",
        lambda shop: shop.change(shop.order, status={"S": "REJECTED"}),
    ),
    "a CONFIRMED order without a total": (
        "G5",
        "{order} is CONFIRMED but has no total",
        lambda shop: shop.rows(ORDERS)[shop.order,].pop("total"),
    ),
    "an event that is not published": (
        "G5",
        "{order} is settled, but its event is not published: its message is a dead letter",
        _event_not_published,
    ),
    "two keys, one order": ("G6", "2 keys lead to {order}", _two_keys),
    "another caller's message": (
        "G6",
        "a dead letter of {order} names another caller",
        lambda shop: _copy_of_dead_letter(shop, caller="ef" * 32),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_named(name: str, shop: Shop) -> None:
    # GIVEN a healthy stack with one fault
    guarantee, finding, plant = FAULTS[name]
    plant(shop)

    # WHEN
    found = {one["name"]: one for one in shop.audit()["guarantees"]}[guarantee]

    # THEN the JSON document names it under its guarantee
    wanted = finding.format(order=shop.order, dead=shop.dead)
    assert any(wanted in text for text in [*found["violations"], *found["named"]]), found
    # AND so does the text for people
    assert re.search(f"^!!? {guarantee}: .*{re.escape(wanted)}", shop.stack.type("audit").out, re.MULTILINE)


def test_a_healthy_stack_has_no_findings(shop: Shop) -> None:
    # GIVEN / WHEN
    found = shop.audit()

    # THEN the dead letter is counted, and there is no finding
    assert found["ok"]
    assert [text for one in found["guarantees"] for text in (*one["violations"], *one["named"])] == []
    assert found["guarantees"][0]["counted"].endswith("; 0 messages waiting, 1 dead letter")


def test_every_page_of_a_table_is_read(shop: Shop) -> None:
    # GIVEN / WHEN five rows are scanned in pages of two, and more keys are read than one BatchGetItem accepts
    rows = Rows(shop.stack.world.cloud.dynamodb_client)
    pages = list(rows.scan(ORDERS, Limit=2))
    keys = [*(f"nobody's-{number}" for number in range(99)), *shop.confirmed]
    found = [row["order_id"]["S"] for row in rows.get(ORDERS, "order_id", keys)]

    # THEN all rows are found
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(found) == sorted(shop.confirmed)
    assert (rows.requests, rows.rows) == (5, 8)


def test_an_audit_changes_nothing(shop: Shop) -> None:
    # GIVEN
    process = Process()

    # WHEN
    shop.stack.world.cloud.wire.run(process, shop.audit)

    # THEN no call writes, and the received messages are visible again
    reads = {"Scan", "BatchGetItem", "GetQueueAttributes", "ReceiveMessage", "ChangeMessageVisibilityBatch"}
    assert {call.operation for call in process.calls} == reads
    assert shop.stack.world.dead_letters.counts() == (1, 0, 0)


@pytest.mark.parametrize("seed", range(5))
def test_random_faults_violate_no_guarantee(seed: int) -> None:
    # GIVEN repeated requests, dependencies that fail, and processes that die, in API and worker
    generator = random.Random(seed)

    def random_fault(call: Call) -> Fault | None:
        faults = (crash_before, crash_after, throttled, server_error, unreachable)
        return generator.choice(faults) if generator.random() < 0.05 else None

    with simulated_stack(Deployment(max_receive_count=5)) as stack:
        world = stack.world
        Stock(world.cloud.dynamodb_client, STOCK, world.cloud.clock).add("SKU-1", 60, None)
        for number in range(120):
            world.post(f"key-{number % 40}", order_body(), caller="ann", process=Process(on_call=random_fault))
        world.drain(random_fault)
        world.cloud.clock.advance(HOUR)

        # WHEN
        found = Shop(stack, [], "").audit()

    # THEN
    assert [text for one in found["guarantees"] for text in one["violations"]] == []
    assert found["ok"]


def test_an_order_younger_than_the_cut_off_is_not_checked(shop: Shop) -> None:
    # GIVEN an order that was accepted just now
    accept(shop.stack, "young")

    # WHEN / THEN
    assert shop.audit()["ok"]


def test_open_orders_without_dead_letters_are_a_violation_only_if_they_outnumber_the_queued_messages(
    shop: Shop,
) -> None:
    # GIVEN two open orders: the first order's message is in the orders queue, the second order's is a dead letter
    accept(shop.stack, "waits")
    shop.stack.world.cloud.clock.advance(HOUR)
    one = shop.audit()["guarantees"][0]
    _lost(shop)

    # WHEN the dead letter is lost
    both = shop.audit()["guarantees"][0]

    # THEN one message in the orders queue can explain one open order, but not two
    assert one["ok"]
    assert "may be in the orders queue" in one["named"][0]
    assert both["violations"][0].startswith("orders without a message: at least 1 of these 2")


def test_an_order_that_settles_during_the_audit_is_no_violation(shop: Shop) -> None:
    # GIVEN an order that is confirmed between the two reads of the stock
    def settle(call: Call) -> None:
        if call.operation == "Scan" and call.params["TableName"] == ORDERS:
            shop.stack.world.cloud.wire.after = None
            with redirect_stdout(shop.stack.output.stream):
                accept(shop.stack, "meanwhile")
                shop.stack.world.drain()

    shop.stack.world.cloud.wire.after = settle

    # WHEN / THEN
    assert shop.audit()["ok"]


def test_the_audit_calculates_the_stock_from_the_last_corrected_count(shop: Shop) -> None:
    # GIVEN a stock count that was two units too low, and that somebody has corrected
    shop.available(92)
    assert not shop.audit()["ok"]
    typed = shop.stack.type("stock", "set", "SKU-1", "94", "--expect", "92", "--yes")
    assert typed.code == 0, typed.err

    # WHEN units are added an hour later, and an order takes some
    shop.stack.world.cloud.clock.advance(HOUR)
    assert shop.stack.type("stock", "add", "SKU-1", "10", "--yes").code == 0
    accept(shop.stack, "later")
    shop.stack.world.drain()

    # THEN the audit finds no violation, but finds one if a unit is missing
    assert shop.audit()["ok"]
    shop.available(101)
    assert not shop.audit()["ok"]


@pytest.mark.parametrize("table", [ORDERS, WORKER_RECORDS])
def test_a_row_that_is_written_during_the_audit_is_no_violation(shop: Shop, table: str) -> None:
    # GIVEN a row that is written during the audit: an order, or the worker's record of an order
    key = (shop.order,) if table == ORDERS else (record_id(shop.order),)
    row = shop.rows(table).pop(key)

    def write(call: Call) -> None:
        if call.operation == "ReceiveMessage":
            shop.rows(table)[key] = row

    shop.stack.world.cloud.wire.after = write

    # WHEN
    found = {each["name"]: each for each in shop.audit()["guarantees"]}

    # THEN
    assert found["G1"]["violations"] == found["G5"]["violations"] == []


def test_a_guarantee_whose_table_cannot_be_read_is_unknown(shop: Shop) -> None:
    # GIVEN two tables that are gone
    for table in (WORKER_RECORDS, API_RECORDS):
        del shop.stack.world.cloud.dynamodb.tables[table]

    # WHEN
    typed = shop.stack.type("audit")

    # THEN the guarantees that need these tables are unknown, and the others are checked
    assert typed.code == 6
    assert "holds  G2 one effect" in typed.out
    assert "! G5: worker's records could not be read" in typed.out
    assert "! G3: API's records could not be read" in typed.out


def test_an_audit_reports_what_it_read_and_how_long_it_took(shop: Shop) -> None:
    # GIVEN / WHEN
    found = shop.audit()

    # THEN
    assert found["read"]["rows"] > 10
    assert 0 <= found["read"]["seconds"] < HOUR
    assert found["cut_off"].endswith("Z")
    assert found["not_known"]


def test_orders_that_were_settled_after_the_cut_off_are_counted_separately(shop: Shop) -> None:
    # GIVEN / WHEN the cut-off is before every order
    found = shop.audit("--cut-off", "30d")

    # THEN none of them counts as an order without an event
    (notified,) = (each for each in found["guarantees"] if each["name"] == "G5")
    assert "4 settled orders, 0 published" in notified["counted"]
    assert "4 settled after the cut-off and not checked" in notified["counted"]
