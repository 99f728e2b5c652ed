"""G1 to G5 under concurrency, failing and killed workers."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from lab.chaos.orders import dead_letter, receives_of, settled
from local.client import LocalStack
from local.demo.account import Account, wait_for
from local.demo.http import OrdersApi
from local.proxy.faults import FaultKind
from tests.e2e.deployed import order

pytestmark = pytest.mark.e2e


@pytest.mark.deployed
def test_concurrent_retries_make_one_order(
    api: OrdersApi, account: Account, stocked: Callable[[int], str], key: str
) -> None:
    # GIVEN stock
    sku = stocked(10)

    # WHEN one order is posted many times at once
    with ThreadPoolExecutor(8) as pool:
        answers = [answer for answer, _ in pool.map(lambda _: api.submit(order((sku, 3)), key), range(16))]

    # THEN all get the same answer, one of them as the first, and stock moves once
    assert len({answer.body for answer in answers}) == 1
    assert [answer.is_replay for answer in answers].count(False) == 1
    settled(account, answers[0].order_id)
    assert account.available(sku) == 7
    # The worker's lines come when its invocation ends, after the order has settled.
    receives = wait_for("the worker's lines", lambda: receives_of(account, answers[0].order_id), 60)
    assert [(each.attempt, each.outcome) for each in receives] == [(1, "processed")]


@pytest.mark.deployed
def test_competitors_for_the_last_pieces(
    api: OrdersApi, account: Account, stocked: Callable[[int], str], keys: Callable[[], str]
) -> None:
    # GIVEN stock for three orders
    sku = stocked(3)

    # WHEN six want it at once
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda key: api.submit(order((sku, 1)), key)[0], [keys() for _ in range(6)]))

    # THEN three get it, and nothing is sold twice
    rows = settled(account, *(answer.order_id for answer in answers))
    assert Counter(row["status"] for row in rows) == {"CONFIRMED": 3, "REJECTED": 3}
    assert account.available(sku) == 0


def test_poison_between_good_ones(
    stack: LocalStack, api: OrdersApi, account: Account, stocked: Callable[[int], str], keys: Callable[[], str]
) -> None:
    # GIVEN three orders that wait together, the second of which makes DynamoDB fail
    good, poison = stocked(10), stocked(10)
    stack.add_fault("dynamodb", "TransactWriteItems", FaultKind.ERROR, containing=f'"{poison}"')
    with account.deliveries_held():
        ids = [api.post(order((sku, 1)), keys()).order_id for sku in (good, poison, good)]

    # WHEN they are delivered
    rows = settled(account, ids[0], ids[2])
    letter = dead_letter(account, order_id=ids[1])

    # THEN the poison message is received exactly maxReceiveCount times and moved once
    limit = account.max_receives()
    assert [(each.attempt, each.outcome) for each in receives_of(account, ids[1])] == [
        (attempt, "failed") for attempt in range(1, limit + 1)
    ]
    assert letter.attribute("error_type") is None  # SQS moved it, so its reason is in its order
    assert account.orders()[ids[1]]["status"] == "FAILED"
    assert account.orders()[ids[1]]["error"]["attempt"] == limit
    assert api.get(ids[1]).document["status"] == "DELAYED"

    # THEN its neighbours are processed once
    assert [row["status"] for row in rows] == ["CONFIRMED", "CONFIRMED"]
    for neighbour in (ids[0], ids[2]):
        assert [(each.attempt, each.outcome) for each in receives_of(account, neighbour)] == [(1, "processed")]

    # WHEN the cause is gone and it is redriven
    stack.clear_faults()
    stack.redrive("--where", f"order_id={ids[1]}", by="test", reason="dependency repaired")
    (row,) = settled(account, ids[1])

    # THEN it ends as if nothing had happened
    assert row["status"] == "CONFIRMED"
    assert (account.available(good), account.available(poison)) == (8, 9)


@contextmanager
def short_visibility(stack: LocalStack, seconds: int) -> Iterator[None]:
    """A killed worker's messages come back after the queue's visibility timeout: make that soon."""
    url = stack.outputs["orders_queue_url"]
    before = stack.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    stack.aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})
    try:
        yield
    finally:
        stack.aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={**before})


def test_killed_worker_takes_no_neighbour_along(
    stack: LocalStack, api: OrdersApi, account: Account, stocked: Callable[[int], str], keys: Callable[[], str]
) -> None:
    # GIVEN a batch in which one order hangs in DynamoDB
    sku, hanging = stocked(10), stocked(10)
    stack.add_fault("dynamodb", "TransactWriteItems", FaultKind.TIMEOUT, containing=f'"{hanging}"')
    with short_visibility(stack, 4):
        with account.deliveries_held():
            ids = [api.post(order((each, 1)), keys()).order_id for each in (sku, hanging, sku)]
        wait_for("the hanging call", lambda: stack.faults()[0].hits)

        # WHEN the worker is killed
        assert stack.kill_workers(stack.outputs["process_order_function"])
        stack.clear_faults()

        # THEN every order is settled after all, once
        rows = settled(account, *ids)
    assert [row["status"] for row in rows] == ["CONFIRMED"] * 3
    assert (account.available(sku), account.available(hanging)) == (8, 9)
    assert [letter.order_id for letter in account.dead_letters() if letter.order_id in ids] == []


def test_message_delivered_twice_has_one_effect(
    stack: LocalStack, api: OrdersApi, account: Account, stocked: Callable[[int], str], key: str
) -> None:
    # GIVEN an API whose send has its effect but whose answer is lost, so that its retry sends again
    sku = stocked(10)
    with stack.fault("sqs", "SendMessage", FaultKind.LOST_ANSWER, count=1):
        answer, _ = api.submit(order((sku, 2)), key)

    # WHEN both messages are processed
    settled(account, answer.order_id)
    wait_for("both messages", lambda: len({each.message_id for each in receives_of(account, answer.order_id)}) == 2)

    # THEN stock moved once
    assert account.available(sku) == 8
