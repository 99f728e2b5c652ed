"""Tests the functions' log lines, from request to lookup. They have the order's correlation id, and
no other value of the request that placed the order."""

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
"""Secret values of a request, which no line may contain.

They are the SKU, the reference, the price, the key, the caller and another header.
"""


def marked_body(quantity: int = 2, currency: str = "EUR") -> str:
    """Return an order whose values are recognisable."""
    line = {"sku": SECRETS[0], "quantity": quantity, "unit_price": SECRETS[2]}
    return json.dumps({"currency": currency, "lines": [line], "reference": SECRETS[1]})


def post(world: ObservedWorld, body: str, process: Process | None = None, order: str = "") -> Any:
    """POST as a client that sends its own correlation id, and personal data in other headers."""
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
    """GET with the same correlation id."""
    event = api_event(SECRETS[4], method="GET", order_id=order_id, headers={"x-correlation-id": CORRELATION})
    return world._reader().handle(event, lambda_context(world.cloud.clock, 10))


def fails_at_first(operation: str, kind: FaultKind, times: int) -> Process:
    """Return a process whose first `times` calls of an operation have the fault."""
    left = [kind.fault] * times
    return Process(on_call=lambda call: left.pop() if left and call.operation == operation else None)


def whole_life(world: ObservedWorld, deliveries: Sequence[Process] = ()) -> str:
    """Play an order from request to lookup, and return its id.

    `deliveries` has the processes of the first deliveries, in sequence. Later deliveries have no fault.
    """
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

    # WHEN it is played from request to lookup
    with observed("DEBUG") as (world, output):
        order_id = whole_life(world, [fails_at_first("TransactWriteItems", table_fails, 99)])
        event = json.loads(world.subscriber.received[0].body)

    # THEN all lines and the event have one correlation id, and the lines have the expected sequence
    assert {line["correlation_id"] for line in output.lines} == {CORRELATION}
    assert {line.get("order_id", order_id) for line in output.lines} == {order_id}
    assert output.lines[-1]["order_id"] == order_id
    assert event["correlationid"] == CORRELATION
    lines = [(line["service"], line["message"], line.get("attempt")) for line in output.lines]
    assert lines == [
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
def test_no_log_line_has_configuration_or_the_location_of_the_code_that_wrote_the_line(
    sampled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN requests that X-Ray samples, or does not sample
    trace_id = "1-5759e988-bd862e3fe1be46a994272793"
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root={trace_id};Parent=53995c3f42cd8ad8;Sampled={sampled:d}")

    # WHEN an order is played from request to lookup
    with observed("DEBUG") as (world, output):
        whole_life(world, [])

    # THEN no line contains the function's configuration or the place in the code that wrote the
    # line. Lines have the trace id only if X-Ray samples the requests
    constant = {"location", "function_name", "function_memory_size", "function_arn"}
    assert [line for line in output.lines if constant & line.keys()] == []
    assert {line.get("xray_trace_id") for line in output.lines} == ({trace_id} if sampled else {None})
    assert {line.get("cold_start", True) for line in output.lines} == {True}


def test_the_line_of_a_message_without_attributes_has_the_ids_of_its_order() -> None:
    # GIVEN a message without attributes
    with observed() as (world, output):
        world.stock_up(SECRETS[0], 5)
        order_id = json.loads(post(world, marked_body())["body"])["order_id"]
        (message,) = world.orders_queue.messages.values()
        message.attributes = {}

        # WHEN it is processed
        world.drain()

    # THEN its line has the order's ids
    line = output.lines[-1]
    assert line["message"] == "order processed"
    assert (line["order_id"], line["correlation_id"]) == (order_id, CORRELATION)


def test_the_latency_of_an_order_is_emitted_once() -> None:
    # GIVEN an order that was settled by a run that then failed to publish
    topic_fails = next(kind for kind in FAULTS if kind.name == "server error")

    # WHEN the next run publishes its event
    with observed() as (world, output):
        whole_life(world, [fails_at_first("Publish", topic_fails, 99)])

    # THEN the metric for its latency is emitted once
    times = [document for document in output.metrics if MetricName.ACCEPTED_TO_SETTLED in document]
    assert len(world.subscriber.received) == 1
    assert len(times) == 1


@pytest.mark.parametrize(("currency", "counted"), [("EUR", 1), ("XTS", 0)])
def test_the_metrics_of_orders_do_not_count_orders_in_the_test_currency(currency: str, counted: int) -> None:
    # GIVEN / WHEN an order in this currency is accepted and settled
    with observed() as (world, output):
        post(world, marked_body(currency=currency))
        world.drain()

    # THEN the metrics of orders count it, unless its currency is the test currency XTS
    names = [name for document in output.metrics for name in document]
    of_orders = MetricName.ORDER_ACCEPTED, MetricName.ORDER_REJECTED, MetricName.ACCEPTED_TO_SETTLED
    assert [names.count(name) for name in of_orders] == [counted] * 3
    assert len(world.subscriber.received) == 1


def test_a_successful_order_has_two_lines_at_level_info() -> None:
    # GIVEN / WHEN an order is processed without a failure
    with observed() as (world, output):
        whole_life(world)

    # THEN it has two lines
    assert [line["message"] for line in output.lines] == ["order accepted", "order processed"]


def test_each_line_of_a_batch_has_the_ids_of_its_order() -> None:
    # GIVEN orders of many requests, processed by several threads at once
    with observed("DEBUG", Deployment(batch_threads=5)) as (world, output):
        for number in range(10):
            world.stock_up(f"SKU-{number}", 1)
            headers = {"idempotency-key": f"k{number}", "x-correlation-id": f"request-{number}"}
            line = {"sku": f"SKU-{number}", "quantity": 1, "unit_price": "1"}
            body = json.dumps({"currency": "EUR", "lines": [line]})
            event = api_event("ann", method="POST", headers=headers, body=body)
            world._creator().handle(event, lambda_context(world.cloud.clock, 10))

        # WHEN five threads wait for each other before they begin their transactions
        together = Barrier(5, timeout=10)

        def wait_for_all(call: Call) -> None:
            if call.operation == "TransactWriteItems":
                together.wait()

        world.cloud.wire.before = wait_for_all
        world.deliver()

    # THEN each order has all its lines, with its request's correlation id
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
def test_the_line_of_an_unreadable_message_has_the_ids_of_its_order(level: str) -> None:
    # GIVEN an accepted order whose message has a damaged body
    with observed(level) as (world, output):
        world.stock_up(SECRETS[0], 5)
        order_id = json.loads(post(world, marked_body())["body"])["order_id"]
        (message,) = world.orders_queue.messages.values()
        message.body = message.body[:-20]

        # WHEN the worker processes it
        world.drain()

    # THEN the line about the dead letter has the ids of the order and of the message
    (line,) = [line for line in output.lines if line["message"] == "message dead-lettered"]
    assert (line["correlation_id"], line["order_id"]) == (CORRELATION, order_id)
    assert line["message_id"] == message.message_id


def _secrets_in(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def _quotes_in_error(call: Call, perform: Perform) -> Response:
    raise RuntimeError(f"cannot send {call.params!r}")


def _quotes_in_refusal(call: Call, perform: Perform) -> Response:
    raise client_error(call.operation, "ValidationException", f"invalid: {call.params!r}")


QUOTING = (FaultKind("error quotes call", _quotes_in_error), FaultKind("service quotes call", _quotes_in_refusal))


@pytest.mark.parametrize("kind", [*FAULTS, *QUOTING], ids=lambda kind: kind.name)
def test_no_line_contains_a_secret_value_of_the_request_whatever_fails(kind: FaultKind) -> None:
    # GIVEN operations of the API and of the worker
    operations = ("SendMessage", "UpdateItem", "PutItem", "TransactWriteItems", "Publish")

    # WHEN each of these operations has the fault, at every attempt
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

    # THEN many invocations write lines, and no line contains a secret value of the request
    assert len({line["function_request_id"] for line in output.lines}) > 2 * len(operations)
    assert _secrets_in(output.text) == []


def _damage(cut: int, insert: str) -> Callable[[str], str]:
    return lambda text: text[: cut % len(text)] + insert + text[cut % len(text) :]


@settings(max_examples=60)
@given(
    cut=st.integers(0, 400),
    insert=st.sampled_from(['"', "{", '"MARKER-reference"', '"MARKER-reference":1,', "\\ud800", "1e999", "\n", ""]),
    at_api=st.booleans(),
)
def test_no_line_contains_a_value_of_a_damaged_body(cut: int, insert: str, at_api: bool) -> None:
    # GIVEN a body that is damaged anywhere, by the client or in the queue
    damaged = _damage(cut, insert)

    # WHEN the API or the worker handles it
    with observed("DEBUG") as (world, output):
        world.stock_up(SECRETS[0], 5)
        if at_api:
            post(world, damaged(marked_body()))
        else:
            post(world, marked_body())
            for message in world.orders_queue.messages.values():
                message.body = damaged(message.body)
        world.drain()

    # THEN no line contains a secret value of the request
    assert output.lines
    assert _secrets_in(output.text) == []
