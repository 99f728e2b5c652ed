"""Tests what the functions write over an order's whole life: one correlation id everywhere, and nothing of what is
in it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.simulation.fakes import FAULTS, FaultKind
from lab.simulation.fakes.errors import client_error
from lab.simulation.fakes.wire import Call, Perform, Process, Response
from lab.simulation.observed import ObservedWorld, observed
from lab.simulation.requests import api_event, lambda_context
from lab.simulation.world import Deployment
from runtime.metric import MetricName

CORRELATION = "trace-me.1"
SECRETS = ("SKU-MARKER", "MARKER-reference", "98765.43", "marker-key-1234", "marker-subject", "marker-header")
"""Strings that are in a request and must be in no line: article, reference, price, key, caller, another header."""


def marked_body(quantity: int = 2, currency: str = "EUR") -> str:
    """An order in which every value is recognisable."""
    line = {"sku": SECRETS[0], "quantity": quantity, "unit_price": SECRETS[2]}
    return json.dumps({"currency": currency, "lines": [line], "reference": SECRETS[1]})


def post(world: ObservedWorld, body: str, process: Process | None = None, order: str = "") -> Any:
    """POST as a client that sends its own correlation id, and personal data where clients have it."""
    headers = {
        "idempotency-key": SECRETS[3] + order,
        "x-correlation-id": CORRELATION,
        "user-agent": SECRETS[5],
        "authorization": f"Bearer {SECRETS[5]}",
    }
    event = api_event(SECRETS[4], method="POST", headers=headers, body=body)
    context = lambda_context(world.cloud.clock, world.deployment.api_timeout_seconds)
    return world._run(process, lambda: world._creator().handle(event, context))


def get(world: ObservedWorld, order_id: str) -> Any:
    """GET under the same correlation id."""
    event = api_event(SECRETS[4], method="GET", order_id=order_id, headers={"x-correlation-id": CORRELATION})
    return world._reader().handle(event, lambda_context(world.cloud.clock, 10))


def fails_at_first(operation: str, kind: FaultKind, times: int) -> Process:
    """The first `times` calls of an operation meet the fault."""
    left = [kind.fault] * times
    return Process(on_call=lambda call: left.pop() if left and call.operation == operation else None)


def whole_life(world: ObservedWorld, deliveries: Sequence[Process] = ()) -> str:
    """An order from its request to its lookup, its first deliveries as given; returns its id."""
    world.stock_up(SECRETS[0], 5)
    order_id = json.loads(post(world, marked_body())["body"])["order_id"]
    for process in deliveries:
        if (moment := world.orders_queue.next_visible_at()) is not None:
            world.cloud.clock.advance_to(moment)
            world.deliver(process)
    world.drain()
    get(world, order_id)
    return str(order_id)


def test_one_correlation_id_follows_an_order_through_every_line_to_its_event() -> None:
    # GIVEN an order whose first attempt fails
    table_fails = next(kind for kind in FAULTS if kind.name == "server error")

    # WHEN it goes all the way
    with observed("DEBUG") as (world, output):
        order_id = whole_life(world, [fails_at_first("TransactWriteItems", table_fails, 99)])
        event = json.loads(world.subscriber.received[0].body)

    # THEN request, message, both attempts and the event tell one story under one id
    assert {line["correlation_id"] for line in output.lines} == {CORRELATION}
    assert {line.get("order_id", order_id) for line in output.lines} == {order_id}
    assert output.lines[-1]["order_id"] == order_id
    assert event["correlationid"] == CORRELATION
    told = [(line["service"], line["message"], line.get("attempt")) for line in output.lines]
    assert told == [
        ("api", "order sent to the queue", None),
        ("api", "order accepted", None),
        ("worker", "attempt started", 1),
        ("worker", "attempt failed", 1),
        ("worker", "attempt started", 2),
        ("worker", "order settled", 2),
        ("worker", "event published", 2),
        ("worker", "order processed", 2),
        ("api", "answered", None),
    ]
    assert len({line["message_id"] for line in output.lines if line["service"] == "worker"}) == 1
    published = next(line for line in output.lines if line["message"] == "event published")
    assert published["event_id"] == event["id"]


@pytest.mark.parametrize("sampled", [True, False], ids=["traced", "not traced"])
def test_no_line_holds_what_is_known_without_it(sampled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN requests that X-Ray samples, or does not
    trace_id = "1-5759e988-bd862e3fe1be46a994272793"
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root={trace_id};Parent=53995c3f42cd8ad8;Sampled={sampled:d}")

    # WHEN an order goes all the way
    with observed("DEBUG") as (world, output):
        whole_life(world, [])

    # THEN lines tell nothing of the function's configuration or of the code, and name only traces that are kept
    constant = {"location", "function_name", "function_memory_size", "function_arn"}
    assert [line for line in output.lines if constant & line.keys()] == []
    assert {line.get("xray_trace_id") for line in output.lines} == ({trace_id} if sampled else {None})
    assert {line.get("cold_start", True) for line in output.lines} == {True}


def test_a_message_that_names_its_order_in_its_body_alone_has_its_ids_in_every_line_after_it_is_read() -> None:
    # GIVEN a message that somebody sent without attributes
    with observed() as (world, output):
        world.stock_up(SECRETS[0], 5)
        order_id = json.loads(post(world, marked_body())["body"])["order_id"]
        (message,) = world.orders_queue.messages.values()
        message.attributes = {}

        # WHEN it is processed
        world.drain()

    # THEN its order is found under its ids
    line = output.lines[-1]
    assert line["message"] == "order processed"
    assert (line["order_id"], line["correlation_id"]) == (order_id, CORRELATION)


def test_how_long_an_order_took_is_counted_by_the_run_that_settled_it() -> None:
    # GIVEN an order whose worker failed to publish it once it was settled
    topic_fails = next(kind for kind in FAULTS if kind.name == "server error")

    # WHEN the next run finds it settled
    with observed() as (world, output):
        whole_life(world, [fails_at_first("Publish", topic_fails, 99)])

    # THEN its time is there once
    times = [document for document in output.metrics if MetricName.ACCEPTED_TO_SETTLED in document]
    assert len(world.subscriber.received) == 1
    assert len(times) == 1


@pytest.mark.parametrize(("currency", "counted"), [("EUR", 1), ("XTS", 0)])
def test_an_order_in_the_currency_of_tests_is_in_no_count_of_orders(currency: str, counted: int) -> None:
    # GIVEN / WHEN an order is accepted and settled
    with observed() as (world, output):
        post(world, marked_body(currency=currency))
        world.drain()

    # THEN no objective, rate or graph has it, unless it is one for a customer
    names = [name for document in output.metrics for name in document]
    of_orders = MetricName.ORDER_ACCEPTED, MetricName.ORDER_REJECTED, MetricName.ACCEPTED_TO_SETTLED
    assert [names.count(name) for name in of_orders] == [counted] * 3
    assert len(world.subscriber.received) == 1


def test_at_info_an_order_that_goes_well_is_two_lines() -> None:
    # GIVEN / WHEN
    with observed() as (world, output):
        whole_life(world)

    # THEN
    assert [line["message"] for line in output.lines] == ["order accepted", "order processed"]


def test_lines_of_one_batch_carry_their_own_order_s_ids() -> None:
    # GIVEN orders of many requests, processed by several threads at once
    with observed("DEBUG", Deployment(batch_threads=5)) as (world, output):
        for number in range(10):
            world.stock_up(f"SKU-{number}", 1)
            headers = {"idempotency-key": f"k{number}", "x-correlation-id": f"request-{number}"}
            line = {"sku": f"SKU-{number}", "quantity": 1, "unit_price": "1"}
            body = json.dumps({"currency": "EUR", "lines": [line]})
            event = api_event("ann", method="POST", headers=headers, body=body)
            world._creator().handle(event, lambda_context(world.cloud.clock, 10))

        # WHEN, five at a time all in the middle of their work
        together = Barrier(5, timeout=10)

        def meet(call: Call) -> None:
            if call.operation == "TransactWriteItems":
                together.wait()

        world.cloud.wire.before = meet
        world.deliver()

    # THEN each order has its own lines, all of them, under its request's id
    worker = [line for line in output.lines if line["service"] == "worker"]
    requests = {
        line["order_id"]: line["correlation_id"] for line in output.lines if line["message"] == "order accepted"
    }
    assert len(requests) == 10
    assert Counter((line["order_id"], line["correlation_id"], line["message"]) for line in worker) == Counter(
        (order_id, request, message)
        for order_id, request in requests.items()
        for message in ("attempt started", "order settled", "event published", "order processed")
    )


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_lines_about_a_message_that_nobody_can_read_have_its_ids(level: str) -> None:
    # GIVEN an accepted order's message whose body was damaged
    with observed(level) as (world, output):
        world.stock_up(SECRETS[0], 5)
        order_id = json.loads(post(world, marked_body())["body"])["order_id"]
        (message,) = world.orders_queue.messages.values()
        message.body = message.body[:-20]

        # WHEN
        world.drain()

    # THEN
    (line,) = [line for line in output.lines if line["message"] == "message dead-lettered"]
    assert (line["correlation_id"], line["order_id"]) == (CORRELATION, order_id)
    assert line["message_id"] == message.message_id


def _no_values(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def _quotes_in_error(call: Call, perform: Perform) -> Response:
    raise RuntimeError(f"cannot send {call.params!r}")


def _quotes_in_refusal(call: Call, perform: Perform) -> Response:
    raise client_error(call.operation, "ValidationException", f"invalid: {call.params!r}")


QUOTING = (FaultKind("error quotes it", _quotes_in_error), FaultKind("service quotes it", _quotes_in_refusal))


@pytest.mark.parametrize("kind", [*FAULTS, *QUOTING], ids=lambda kind: kind.name)
def test_no_line_holds_a_value_of_the_request_whatever_fails(kind: FaultKind) -> None:
    # GIVEN
    operations = ("SendMessage", "UpdateItem", "PutItem", "TransactWriteItems", "Publish")

    # WHEN each call of the API and of the worker meets the fault, the worker's as often as it tries
    with observed("DEBUG") as (world, output):
        for operation in operations:
            post(world, marked_body(), fails_at_first(operation, kind, 99), operation)
        world.drain()
        for operation in operations:
            post(world, marked_body(), order=f"{operation}-at-the-worker")
            for _ in range(world.deployment.max_receive_count):
                if (moment := world.orders_queue.next_visible_at()) is not None:
                    world.cloud.clock.advance_to(moment)
                    world.deliver(fails_at_first(operation, kind, 99))

    # THEN there was much to tell, and none of it was in the request
    assert len({line["function_request_id"] for line in output.lines}) > 2 * len(operations)
    assert _no_values(output.text) == []


def _damage(cut: int, insert: str) -> Callable[[str], str]:
    return lambda text: text[: cut % len(text)] + insert + text[cut % len(text) :]


@settings(max_examples=60)
@given(
    cut=st.integers(0, 400),
    insert=st.sampled_from(['"', "{", '"MARKER-reference"', '"MARKER-reference":1,', "\\ud800", "1e999", "\n", ""]),
    at_api=st.booleans(),
)
def test_no_line_holds_a_value_of_a_body_that_is_refused(cut: int, insert: str, at_api: bool) -> None:
    # GIVEN a body damaged anywhere, at the client's or in the queue
    damaged = _damage(cut, insert)

    # WHEN
    with observed("DEBUG") as (world, output):
        world.stock_up(SECRETS[0], 5)
        if at_api:
            post(world, damaged(marked_body()))
        else:
            post(world, marked_body())
            for message in world.orders_queue.messages.values():
                message.body = damaged(message.body)
        world.drain()

    # THEN
    assert output.lines
    assert _no_values(output.text) == []
