"""Tracing single orders, sending them again, and correcting stock."""

from __future__ import annotations

from typing import Any

import pytest

from lab.simulation.fakes import Process
from lab.simulation.fakes.faults import answer_lost_then_retried
from lab.simulation.world import STOCK, World
from ops.cli.orders import rebuilt
from ops.errors import RefusedError
from ops.gateway.stock import Count, Stock
from ops.logic.stored import UnreadableOrder
from ops.logic.trace import notification, own_lines, step_of_line, steps_of_order, timeline
from runtime.models.order import OrderStatus, StoredOrder
from tests.ops.factories import ORDER_ID, OTHER_ID, accept, orders_of, stored


def line(**overrides: Any) -> dict[str, Any]:
    return {
        "at_ms": 1_767_225_605_000,
        "timestamp": "2026-01-01 00:00:01,500+0000",
        "service": "worker",
        "message": "attempt failed",
        "attempt": 2,
        "error_type": "ContentionError",
        **overrides,
    }


def test_a_trace_is_sorted_by_time() -> None:
    # GIVEN an order, and a log line between its acceptance and its settling
    order = stored(
        status=OrderStatus.CONFIRMED, accepted_at="2026-01-01T00:00:01.000Z", settled_at="2026-01-01T00:00:02.000Z"
    )
    # WHEN both are merged
    steps = timeline([*steps_of_order(order), step_of_line(line())])
    # THEN the line is sorted by its `timestamp`, not by `at_ms`
    assert [step.what for step in steps] == [
        "accepted, and sent to the queue",
        "attempt failed",
        "settled: CONFIRMED",
    ]


@pytest.mark.parametrize(
    ("overrides", "own"),
    [
        ({"order_id": ORDER_ID, "correlation_id": "other"}, True),
        ({"error": f"The order {ORDER_ID} was settled"}, True),
        ({"message_id": "m-1"}, True),
        ({"service": "api", "function_request_id": "r-1"}, True),
        ({"function_request_id": "r-1"}, False),
        ({"message_id": "m-1", "order_id": OTHER_ID}, False),
        ({"service": "api", "function_request_id": "r-1", "order_id": OTHER_ID}, False),
        ({"service": "api", "function_request_id": "r-2", "correlation_id": "c-1"}, False),
        ({"service": "api", "function_request_id": "r-2", "correlation_id": ORDER_ID}, False),
        ({"order_id": OTHER_ID, "correlation_id": ORDER_ID}, False),
        ({"order_id": OTHER_ID, "error": f"The order {ORDER_ID} was settled"}, False),
        ({}, False),
    ],
)
def test_a_trace_contains_only_the_orders_own_lines(overrides: dict[str, Any], own: bool) -> None:
    # GIVEN two log lines of an order, with the ids of its request and its message. Their correlation id proves nothing,
    # because any caller may choose it
    known = [
        line(service="api", order_id=ORDER_ID, correlation_id="c-1", function_request_id="r-1"),
        line(order_id=ORDER_ID, correlation_id="c-1", function_request_id="r-9", message_id="m-1"),
    ]
    other = line(**overrides)
    # WHEN another line of the log is compared with these two
    found = own_lines([*known, other], ORDER_ID)
    # THEN it is shown only if it is certainly about this order
    assert found == [*known, other][: 2 + own]


def test_a_line_shows_only_details_that_are_known_to_be_harmless() -> None:
    # GIVEN a line with unknown fields and an unreadable time
    step = step_of_line(line(timestamp="soon", payload={"name": "Ann"}, function_arn="arn"))
    # WHEN it is shown
    # THEN only the known details are shown
    assert step.as_json() == {
        "at": "2026-01-01T00:00:05.000Z",
        "where": "worker",
        "what": "attempt failed",
        "error_type": "ContentionError",
        "attempt": 2,
    }


@pytest.mark.parametrize(
    ("status", "record", "expected"),
    [
        (OrderStatus.CONFIRMED, "COMPLETED", "published as"),
        (OrderStatus.REJECTED, "INPROGRESS", "not confirmed"),
        (OrderStatus.CONFIRMED, None, "unknown"),
        (OrderStatus.DISCARDED, None, "a discarded order has no event"),
        (OrderStatus.FAILED, None, "not yet"),
    ],
)
def test_a_trace_claims_only_what_is_known_of_the_event(status: OrderStatus, record: str | None, expected: str) -> None:
    # GIVEN an order and the worker's record of it
    # WHEN the trace describes the order's notification
    text = notification(stored(status=status), record)
    # THEN the trace claims only what is known
    assert expected in text


@pytest.mark.parametrize(
    ("messages", "fields", "expected"),
    [
        (["order settled", "attempt failed"], {}, "not published: the latest attempt failed with ContentionError;"),
        (["attempt failed"], {"error": "busy"}, "not published: the latest attempt failed with ContentionError: busy;"),
        (["attempt failed"], {"error_type": None}, "not published: the latest attempt failed with an error that its"),
        (["attempt failed", "event published"], {}, "published as"),
        (["order settled"], {}, "unknown"),
    ],
)
def test_a_trace_takes_the_outcome_of_an_event_from_the_log(
    messages: list[str], fields: dict[str, str | None], expected: str
) -> None:
    # GIVEN log lines about a settled order that has no worker's record
    steps = [step_of_line(line(message=message, **fields)) for message in messages]
    # WHEN the trace describes the order's notification
    # THEN the trace shows the event's outcome from the log. If the log has no outcome, the trace shows "unknown"
    assert notification(stored(status=OrderStatus.CONFIRMED), None, steps).startswith(expected)


def test_an_order_that_is_sent_again_has_the_same_message(world: World) -> None:
    # GIVEN an accepted order and its message
    order_id = accept(world, "k")
    (message,) = world.orders_queue.messages.values()
    order = orders_of(world).get(order_id)
    assert order is not None
    # WHEN its message is built again
    again = rebuilt(order)
    # THEN the message has the same bytes
    assert again is not None
    assert again.model_dump_json(exclude_none=True) == message.body


def test_an_order_that_is_not_wholly_stored_cannot_be_sent_again() -> None:
    # GIVEN a row without the order's content. The worker writes such a row if it cannot read the message
    # WHEN the order's message is built again
    # THEN there is no message
    assert rebuilt(stored()) is None


def test_open_orders_are_found_and_unreadable_rows_are_named(world: World) -> None:
    # GIVEN an open order, a settled one, and a row that is no order
    accept(world, "a")
    world.drain()
    open_id = accept(world, "b")
    world.cloud.dynamodb.tables["orders"].items[("odd",)] = {"order_id": {"S": "odd"}, "status": {"S": "FAILED"}}
    # WHEN open orders are looked for
    pages = list(orders_of(world).open_orders("2027-01-01T00:00:00.000Z"))
    # THEN the open order is listed, and the row that is no order is named
    assert {row.order_id: type(row) for page in pages for row in page} == {
        open_id: StoredOrder,
        "odd": UnreadableOrder,
    }


def stock_of(world: World) -> Stock:
    return Stock(world.cloud.dynamodb_client, STOCK)


def test_stock_is_added_once_if_the_answer_is_lost(world: World) -> None:
    # GIVEN an addition whose answer is lost, so that the client repeats it
    process = Process(faults={0: answer_lost_then_retried})
    # WHEN ten units are added
    world.cloud.wire.run(process, lambda: stock_of(world).add("SKU-1", 10, Count(1000, None)))
    # THEN the stock has ten more
    assert world.available("SKU-1") == 1010


def test_a_count_is_corrected_only_if_it_has_not_changed(world: World) -> None:
    # GIVEN somebody read a count of 1000, and the count was then corrected to 900
    stock = stock_of(world)
    seen = stock.get("SKU-1")
    assert seen is not None
    stock.replace("SKU-1", 900, seen)
    # WHEN a second correction expects the old count
    with pytest.raises(RefusedError, match="now: 900"):
        stock.replace("SKU-1", 5, seen)
    # THEN the correction is refused
    assert world.available("SKU-1") == 900


@pytest.mark.parametrize(
    ("sku", "before"), [("SKU-1", None), ("SKU-2", Count(1, None)), ("SKU-1", Count(1000, None, opening=1000))]
)
def test_no_stock_is_added_if_the_row_or_its_reference_point_is_not_as_expected(
    sku: str, before: Count | None, world: World
) -> None:
    # GIVEN a row of SKU-1 without a reference point (`opening`), and no row of SKU-2
    # WHEN somebody adds stock, but wrongly expects that SKU-1 has no row, that SKU-2 has a row, or that SKU-1 has an
    # `opening`
    with pytest.raises(RefusedError):
        stock_of(world).add(sku, 1, before)
    # THEN nothing is changed
    assert world.available("SKU-1") == 1000
