"""Tests that our code answers as the HTTP contract says. test_edge.py tests the answer 403 (`edge-bypassed`)."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urljoin

import pytest

from lab.chaos.orders import settled
from local.client import LocalStack
from local.demo.account import Account, wait_for
from local.demo.http import OrdersApi
from local.proxy.faults import FaultKind
from ops.gateway.http import Answer
from tests.e2e.deployed import UNKNOWN_SKU, order

pytestmark = pytest.mark.e2e

GOOD = order((UNKNOWN_SKU, 1))
LINE = GOOD["lines"][0]


def assert_problem(answer: Answer, status: int, name: str) -> None:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-correlation-id"]
    problem = answer.document
    assert problem["type"] == f"urn:problem-type:orders:{name}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]


@pytest.mark.deployed
def test_a_good_order_is_accepted(api: OrdersApi, account: Account, stocked: Callable[[int], str], key: str) -> None:
    # GIVEN stock
    sku = stocked(5)

    # WHEN an order is posted
    answer = api.post(order((sku, 2)), key, {"X-Correlation-Id": "seen-by-all"})

    # THEN it is accepted with its location and its total, and can be looked up
    assert answer.status == 202
    assert list(answer.document) == ["order_id", "status", "total", "currency", "accepted_at"]
    assert (answer.document["status"], answer.document["total"]) == ("ACCEPTED", "39.80")
    assert urljoin(f"{api.url}/orders", answer.headers["location"]) == f"{api.url}/orders/{answer.order_id}"
    assert answer.headers["x-correlation-id"] == "seen-by-all"
    assert not answer.is_replay
    settled(account, answer.order_id)
    looked_up = api.get(answer.order_id)
    assert (looked_up.status, looked_up.document["status"]) == (200, "CONFIRMED")


@pytest.mark.deployed
@pytest.mark.parametrize("wrap", ["{}", '"{}"'], ids=["bare", "quoted"])
def test_a_repeated_order_gets_the_first_answer_marked_as_a_replay(api: OrdersApi, key: str, wrap: str) -> None:
    # GIVEN an accepted order
    first = api.post(GOOD, key)

    # WHEN it is posted again with indented JSON, and with the same key, bare or quoted
    again = api.post(json.dumps(GOOD, indent=4).encode(), wrap.format(key))

    # THEN the answer has the same bytes
    assert (again.status, again.body) == (202, first.body)
    assert again.headers["location"] == first.headers["location"]
    assert again.is_replay


@pytest.mark.deployed
def test_a_key_with_another_body_is_refused(api: OrdersApi, key: str) -> None:
    # GIVEN a key that was used
    api.post(GOOD, key)

    # WHEN another order is posted with it
    answer = api.post(order((UNKNOWN_SKU, 2)), key)

    # THEN this order is refused
    assert_problem(answer, 422, "idempotency-key-reused")


def _nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.deployed
@pytest.mark.parametrize(
    ("body", "headers", "status", "name"),
    [
        pytest.param(GOOD, {"Idempotency-Key": ""}, 400, "idempotency-key-malformed", id="empty key"),
        pytest.param(GOOD, {"Idempotency-Key": "a b"}, 400, "idempotency-key-malformed", id="space in key"),
        pytest.param(GOOD, {"Idempotency-Key": "a,b"}, 400, "idempotency-key-malformed", id="two keys"),
        pytest.param(GOOD, {"Idempotency-Key": "k" * 256}, 400, "idempotency-key-malformed", id="long key"),
        pytest.param(GOOD, {"Idempotency-Key": '"open'}, 400, "idempotency-key-malformed", id="open quote"),
        pytest.param(b"", {}, 400, "malformed-json", id="no body"),
        pytest.param(b"{", {}, 400, "malformed-json", id="half a body"),
        pytest.param(b'{"a": NaN}', {}, 400, "malformed-json", id="NaN"),
        pytest.param(b'{"a": 1, "a": 2}', {}, 400, "malformed-json", id="a name twice"),
        pytest.param("\ufeff{}".encode(), {}, 400, "malformed-json", id="byte order mark"),
        pytest.param(_nested(30_000), {}, 413, "content-too-large", id="deep nesting"),
        pytest.param(b" " * 65_537, {}, 413, "content-too-large", id="one byte too many"),
        pytest.param(b"9" * 1_000_000, {}, 413, "content-too-large", id="a million digits"),
        pytest.param(GOOD, {"Content-Type": "text/plain"}, 415, "unsupported-media-type", id="text"),
        pytest.param(GOOD, {"Content-Encoding": "gzip"}, 415, "unsupported-media-type", id="encoded"),
        pytest.param(GOOD, {"Content-Type": "application/jsonx"}, 415, "unsupported-media-type", id="nearly JSON"),
        pytest.param(b"9" * 60_000, {}, 422, "validation-failed", id="a number of 60,000 digits"),
        pytest.param([GOOD], {}, 422, "validation-failed", id="an array"),
        pytest.param({**GOOD, "x": 1}, {}, 422, "validation-failed", id="unknown field"),
        pytest.param({**GOOD, "lines": []}, {}, 422, "validation-failed", id="no lines"),
        pytest.param({**GOOD, "lines": [LINE, LINE]}, {}, 422, "validation-failed", id="an SKU twice"),
        pytest.param({**GOOD, "lines": [{**LINE, "unit_price": 19.9}]}, {}, 422, "validation-failed", id="float price"),
        pytest.param(
            {**GOOD, "lines": [{**LINE, "quantity": 1001}]}, {}, 422, "validation-failed", id="quantity of 1001"
        ),
    ],
)
def test_a_wrong_request_gets_its_problem_document(
    api: OrdersApi, key: str, body: object, headers: Mapping[str, str], status: int, name: str
) -> None:
    # GIVEN a request that the contract refuses
    # WHEN it is posted
    answer = api.post(body, key, headers)

    # THEN it gets the problem document that the parameters name
    assert_problem(answer, status, name)


@pytest.mark.deployed
def test_a_request_without_a_key_is_refused(api: OrdersApi) -> None:
    # GIVEN no key
    # WHEN an order is posted
    answer = api.post(GOOD, None)

    # THEN it is refused
    assert_problem(answer, 400, "idempotency-key-missing")


@pytest.mark.deployed
def test_validation_names_the_place_of_each_mistake(api: OrdersApi, key: str) -> None:
    # GIVEN an order with two mistakes
    body = {"currency": "euro", "lines": [{**LINE, "quantity": 0}]}

    # WHEN it is posted
    answer = api.post(body, key)

    # THEN both places are named, and the corrected order may use the key
    assert {error["pointer"] for error in answer.document["errors"]} == {"/currency", "/lines/0/quantity"}
    assert api.post(GOOD, key).status == 202


def test_a_repeat_during_the_first_attempt_is_refused(stack: LocalStack, api: OrdersApi, key: str) -> None:
    # GIVEN a first attempt that waits for the queue's answer
    with ThreadPoolExecutor(1) as pool, stack.fault("sqs", "SendMessage", FaultKind.TIMEOUT, count=1):
        first = pool.submit(api.post, GOOD, key)
        wait_for("the first attempt to send its message", lambda: stack.faults()[0].hits)

        # WHEN the request is repeated before the first attempt ends
        second = api.post(GOOD, key)

        # THEN the repeat is refused, with the time to wait
        assert_problem(second, 409, "request-in-progress")
        assert int(second.headers["retry-after"]) >= 1

        # AND the first attempt ends, and a later repeat gets 202
        answer = first.result()
    later, _ = api.submit(GOOD, key)
    assert later.status == 202
    assert answer.status in {202, 503}


# One case is left out, because it takes half a minute: the answer to the first write to the idempotency table is lost.
# Repeated requests then get 409 until the first attempt's lease ends.
@pytest.mark.parametrize(
    ("service", "operation", "kind"),
    [
        pytest.param("sqs", "SendMessage", FaultKind.ERROR, id="queue refuses"),
        pytest.param("sqs", "SendMessage", FaultKind.RESET, id="queue closes the connection"),
        pytest.param("sqs", "SendMessage", FaultKind.LOST_ANSWER, id="queue's answer is lost"),
        pytest.param("dynamodb", "UpdateItem", FaultKind.ERROR, id="orders table refuses"),
        pytest.param("dynamodb", "UpdateItem", FaultKind.THROTTLE, id="orders table throttles"),
        pytest.param("dynamodb", "UpdateItem", FaultKind.LOST_ANSWER, id="orders table's answer is lost"),
        pytest.param("dynamodb", "PutItem", FaultKind.ERROR, id="idempotency table refuses"),
        pytest.param("dynamodb", "PutItem", FaultKind.RESET, id="idempotency table closes the connection"),
    ],
)
def test_a_failing_dependency_leads_to_503_and_a_repeat_gets_the_same_order(
    stack: LocalStack, api: OrdersApi, key: str, service: str, operation: str, kind: FaultKind
) -> None:
    # GIVEN a dependency that fails
    with stack.fault(service, operation, kind):
        # WHEN an order is posted
        failed = api.post(GOOD, key)

    # THEN the answer is 503 with the time to wait and the order's id, because the outcome is unknown
    assert_problem(failed, 503, "outcome-unknown")
    assert int(failed.headers["retry-after"]) >= 1

    # AND the same request is accepted later, with the same order id
    answer, _ = api.submit(GOOD, key)
    assert (answer.status, answer.order_id) == (202, failed.order_id)


def test_a_lookup_gets_503_if_the_orders_table_fails(stack: LocalStack, api: OrdersApi, key: str) -> None:
    # GIVEN an order, and an orders table that fails
    order_id = api.post(GOOD, key).order_id
    with stack.fault("dynamodb", "GetItem", FaultKind.ERROR):
        # WHEN the order is looked up
        answer = api.get(order_id)

    # THEN the answer is 503, with the time to wait
    assert_problem(answer, 503, "outcome-unknown")
    assert answer.headers["retry-after"]


@pytest.mark.deployed
@pytest.mark.parametrize("order_id", ["00000000-0000-5000-8000-000000000000", "warm-up", "%00", "a" * 3000])
def test_an_unknown_order_is_not_found(api: OrdersApi, order_id: str) -> None:
    # GIVEN an id without an order
    # WHEN it is looked up
    answer = api.get(order_id)

    # THEN it is not found
    assert_problem(answer, 404, "order-not-found")


@pytest.mark.deployed
def test_a_rejected_order_has_a_reason(
    api: OrdersApi, account: Account, stocked: Callable[[int], str], key: str
) -> None:
    # GIVEN an article with too little stock, and one that does not exist
    short = stocked(1)

    # WHEN both are ordered
    accepted = api.post(order((short, 2), (UNKNOWN_SKU, 1)), key)
    settled(account, accepted.order_id)
    answer = api.get(accepted.order_id)

    # THEN the order is rejected with a reason, and the stock is unchanged
    assert answer.document["status"] == "REJECTED"
    assert answer.document["reason"]["code"] in {"OUT_OF_STOCK", "UNKNOWN_SKU"}
    assert account.available(short) == 1
