"""Discarding many dead letters in one pass: which orders are marked, which messages are deleted, and the journal."""

from __future__ import annotations

from typing import Any

import pytest

from lab.simulation import invariants
from lab.simulation.world import World
from ops.cli.dlq_history import runs_of
from ops.logic.dead_letter import State
from tests.ops.factories import (
    accept,
    body,
    dead_letter,
    discard_many,
    journal_of,
    logs_of,
    order_that_settles_during_discard,
    text,
    topic_down,
)


def history(world: World, logs: Any) -> list[dict[str, Any]]:
    """Return what `dlq history --json` shows."""
    return runs_of(journal_of(world, logs).read(0, int(world.cloud.clock.time() * 1000) + 1))


def mixed(world: World, count: int) -> dict[str, list[str]]:
    """Create `count` dead letters of each of five kinds.

    Returns:
        The ids of each kind: message ids for `nameless` and `invalid`, and order ids for the other three kinds.
    """
    failed = dead_letter(world, count)
    unknown = [f"{number:08d}-307d-56d4-8339-4dc839c7313d" for number in range(count)]
    for order_id in unknown:
        world.dead_letters.send(body(order_id=order_id), {"order_id": text(order_id)})
    nameless = [world.dead_letters.send("not json", {}).message_id for _ in range(count)]
    invalid = [
        world.dead_letters.send(body(currency="euro"), {"error_type": text("INVALID_MESSAGE")}).message_id
        for _ in range(count)
    ]
    settled = [accept(world, f"settled-{number}") for number in range(count)]
    world.drain(topic_down)
    return {"failed": failed, "unknown": unknown, "nameless": nameless, "invalid": invalid, "settled": settled}


@pytest.mark.long
def test_many_dead_letters_of_mixed_causes_are_discarded_in_one_pass(world: World) -> None:
    # GIVEN 2,000 dead letters, 400 of each kind: order failed, order unknown, message unreadable,
    # message invalid, order settled but its event not published
    world.stock_up("SKU-1", 100_000)
    ids = mixed(world, 400)
    logs = logs_of(world)
    # WHEN everything that may be discarded is discarded
    tally = discard_many(world, "older_than=0s", logs=logs)
    # THEN one pass has counted all dead letters and discarded 1,600. It has kept the 400 whose
    # order is settled but whose event is not published
    assert (tally.seen, tally.discarded, tally.failed, tally.undeleted) == (2_000, 1_600, 0, 0)
    assert tally.refused == {State.NOTIFICATION_MISSING: 400}
    assert world.dead_letters.counts() == (400, 0, 0)
    assert {world.orders[order_id]["status"]["S"] for order_id in ids["settled"]} == {"CONFIRMED"}
    assert {world.orders[order_id]["status"]["S"] for order_id in ids["failed"]} == {"DISCARDED"}
    # THEN the journal names who discarded each message and why, also for messages that name no order
    (run,) = history(world, logs)
    assert (run["verb"], run["by"], run["reason"]) == ("discard", "Ada", "a test")
    recorded = {one["message_id"] for one in run["messages"]}
    assert len(recorded) == 1_600
    assert recorded.issuperset(ids["nameless"])
    assert invariants.violations(world) == []


def test_a_dry_run_counts_by_cause_and_changes_nothing(world: World) -> None:
    # GIVEN dead letters of two causes
    dead_letter(world, 11)
    world.dead_letters.send("not json", {})
    before = {order_id: dict(item) for order_id, item in world.orders.items()}
    # WHEN the discard is run without --yes
    tally = discard_many(world, "older_than=0s", act=False)
    # THEN it counts what it would discard and shows a sample, and nothing has changed
    assert (tally.discarded, tally.orders, sum(tally.causes.values()), len(tally.sample)) == (12, 11, 12, 5)
    assert tally.causes["MALFORMED_BODY"] == 1
    assert world.dead_letters.counts() == (12, 0, 0)
    assert world.orders == before


STORED: dict[str, dict[str, Any] | None] = {
    "not stored": None,
    "open": {},
    "open, unreadable": {"accepted_at": {"S": "yesterday"}},
    "without a status, unreadable": {"status": None, "accepted_at": {"S": "yesterday"}},
    "with no valid status": {"status": {"S": "LOST"}},
    "settled": {"status": {"S": "CONFIRMED"}},
    "settled, unreadable": {"status": {"S": "CONFIRMED"}, "settled_at": {"S": "yesterday"}},
    "discarded": {"status": {"S": "DISCARDED"}},
}
"""The attributes that each case changes in a FAILED order's row. `None` removes an attribute, or the whole row."""


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize(
    "readable",
    [(True,), (False,), (False, False), (True, False)],
    ids=["one readable", "one unreadable", "two unreadable", "one of each"],
)
def test_a_discard_counts_exactly_the_orders_that_it_marks(
    stored: str, readable: tuple[bool, ...], world: World
) -> None:
    # GIVEN an order's dead letters, readable or not, and its row
    (order_id,) = dead_letter(world, 1)
    world.dead_letters.messages.clear()
    for is_json in readable:
        world.dead_letters.send(body(order_id=order_id) if is_json else "not json", {"order_id": text(order_id)})
    store(world, order_id, STORED[stored])
    # WHEN the discard runs first as a dry run, and then for real
    before = statuses(world)
    expected = discard_many(world, "older_than=0s", act=False)
    assert statuses(world) == before
    counted = discard_many(world, "older_than=0s")
    # THEN exactly the orders that became DISCARDED are counted, and the dry run has counted the same
    assert counted.orders == statuses(world).count("DISCARDED") - before.count("DISCARDED")
    assert counted.as_json() == expected.as_json()
    assert world.dead_letters.counts() == (counted.seen - counted.discarded, 0, 0)


def statuses(world: World) -> list[str | None]:
    """Return the stored statuses of all orders."""
    return [item.get("status", {}).get("S") for item in world.orders.values()]


def store(world: World, order_id: str, changes: dict[str, Any] | None) -> None:
    """Change an order's row, or remove it."""
    rows = world.cloud.dynamodb.tables["orders"].items
    row = {**rows.pop((order_id,)), **(changes or {})}
    if changes is not None:
        rows[(order_id,)] = {name: value for name, value in row.items() if value is not None}


def test_a_dead_letter_that_is_not_selected_stays(world: World) -> None:
    # GIVEN failed orders, and a message that is no JSON
    ids = dead_letter(world, 3)
    world.dead_letters.send("not json", {})
    # WHEN the message that is no JSON is discarded
    tally = discard_many(world, "error_type=MALFORMED_BODY")
    # THEN the failed orders' messages are still in the queue
    assert (tally.discarded, tally.unselected) == (1, 3)
    assert world.dead_letters.counts() == (3, 0, 0)
    assert {world.orders[order_id]["status"]["S"] for order_id in ids} == {"FAILED"}


def test_an_order_that_settles_during_a_discard_keeps_its_message(world: World) -> None:
    # GIVEN an order whose message is both in the orders queue and in the dead-letter queue. The
    # worker settles the order just before the discard writes `DISCARDED`
    order_id = order_that_settles_during_discard(world)
    # WHEN all dead letters are discarded
    tally = discard_many(world, "older_than=0s")
    # THEN the order is counted as settled, and its message stays
    assert (tally.settled, tally.discarded) == (1, 0)
    assert world.orders[order_id]["status"]["S"] == "CONFIRMED"
    assert world.dead_letters.counts() == (1, 0, 0)


def test_the_message_of_an_unreadable_order_row_stays(world: World) -> None:
    # GIVEN a dead letter of an order whose row is unreadable, and a dead letter of an order whose row is readable
    first, second = dead_letter(world, 2)
    world.orders[first]["accepted_at"] = {"S": "2026-02-30T00:00:00.000Z"}
    logs = logs_of(world)
    # WHEN all dead letters are discarded
    tally = discard_many(world, "older_than=0s", logs=logs)
    # THEN the first dead letter stays, and the second is discarded
    assert tally.refused == {State.CORRUPT_ORDER: 1}
    assert world.orders[first]["status"]["S"] == "FAILED"
    assert world.orders[second]["status"]["S"] == "DISCARDED"
    assert (tally.discarded, tally.seen, tally.undeleted) == (1, 2, 0)
    assert world.dead_letters.counts() == (1, 0, 0)
    # AND the journal records the second dead letter, with its state and its error
    (run,) = history(world, logs)
    (recorded,) = run["messages"]
    assert (recorded["order_id"], recorded["state"], recorded["error_type"]) == (second, "failed", "ThrottledError")


@pytest.mark.parametrize("where", ["older_than=0s", "error_type=ThrottledError", "state=failed"])
@pytest.mark.parametrize("stored", STORED)
def test_a_dry_run_predicts_the_counts_of_a_discard_of_many_batches(stored: str, where: str, world: World) -> None:
    # GIVEN two orders with dead letters in several batches: some are readable, some are
    # not, and some name an error that differs from the error in the order's row
    ids = dead_letter(world, 2)
    world.dead_letters.messages.clear()
    for _ in range(6):
        for order_id in ids:
            world.dead_letters.send(body(order_id=order_id), {"order_id": text(order_id)})
            world.dead_letters.send("not json", {"order_id": text(order_id)})
            other = {"order_id": text(order_id), "error_type": text("ContentionError")}
            world.dead_letters.send(body(order_id=order_id), other)
    store(world, ids[0], STORED[stored])
    # WHEN the discard runs first as a dry run, and then for real
    expected = discard_many(world, where, act=False)
    counted = discard_many(world, where)
    # THEN the dry run has counted the same
    assert counted.as_json() == expected.as_json()
    # THEN each message that was not discarded is still in the queue
    assert world.dead_letters.counts() == (counted.seen - counted.discarded, 0, 0)
