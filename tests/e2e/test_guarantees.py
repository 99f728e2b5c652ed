"""Tests the guarantees G1 to G4 (docs/guarantees.md) with concurrent requests, failing calls and killed workers."""

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

    # WHEN one order is posted many times at the same time
    with ThreadPoolExecutor(8) as pool:
        answers = [answer for answer, _ in pool.map(lambda _: api.submit(order((sku, 3)), key), range(16))]

    # THEN all answers have the same body, and all answers but one are marked as replays. The stock is taken once.
    assert len({answer.body for answer in answers}) == 1
    assert [answer.is_replay for answer in answers].count(False) == 1
    settled(account, answers[0].order_id)
    assert account.available(sku) == 7
    # The worker's log lines are written when its invocation ends, after the order was settled.
    receives = wait_for("the worker's log lines", lambda: receives_of(account, answers[0].order_id), 60)
    assert [(each.attempt, each.outcome) for each in receives] == [(1, "processed")]


@pytest.mark.deployed
def test_the_last_pieces_are_not_sold_twice(
    api: OrdersApi, account: Account, stocked: Callable[[int], str], keys: Callable[[], str]
) -> None:
    # GIVEN stock for three orders
    sku = stocked(3)

    # WHEN six orders for one piece each are posted at the same time
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda key: api.submit(order((sku, 1)), key)[0], [keys() for _ in range(6)]))

    # THEN three are confirmed, and no piece is sold twice
    rows = settled(account, *(answer.order_id for answer in answers))
    assert Counter(row["status"] for row in rows) == {"CONFIRMED": 3, "REJECTED": 3}
    assert account.available(sku) == 0


def test_a_poison_message_does_not_affect_the_good_messages_around_it(
    stack: LocalStack, api: OrdersApi, account: Account, stocked: Callable[[int], str], keys: Callable[[], str]
) -> None:
    # GIVEN three orders that wait together; DynamoDB fails for the second one
    good, poison = stocked(10), stocked(10)
    stack.add_fault("dynamodb", "TransactWriteItems", FaultKind.ERROR, containing=f'"{poison}"')
    with account.deliveries_held():
        ids = [api.post(order((sku, 1)), keys()).order_id for sku in (good, poison, good)]

    # WHEN they are delivered
    rows = settled(account, ids[0], ids[2])
    letter = dead_letter(account, order_id=ids[1])

    # THEN the poison message is received exactly maxReceiveCount times, and is one dead letter
    limit = account.max_receives()
    assert [(each.attempt, each.outcome) for each in receives_of(account, ids[1])] == [
        (attempt, "failed") for attempt in range(1, limit + 1)
    ]
    assert letter.attribute("error_type") is None  # SQS moved the message unchanged; the order has the reason
    assert account.orders()[ids[1]]["status"] == "FAILED"
    assert account.orders()[ids[1]]["error"]["attempt"] == limit
    assert api.get(ids[1]).document["status"] == "DELAYED"

    # AND each of the other two messages is processed once
    assert [row["status"] for row in rows] == ["CONFIRMED", "CONFIRMED"]
    for neighbour in (ids[0], ids[2]):
        assert [(each.attempt, each.outcome) for each in receives_of(account, neighbour)] == [(1, "processed")]

    # WHEN DynamoDB works again, and the message is redriven
    stack.clear_faults()
    stack.redrive("--where", f"order_id={ids[1]}", by="test", reason="dependency repaired")
    (row,) = settled(account, ids[1])

    # THEN its order is confirmed like the others
    assert row["status"] == "CONFIRMED"
    assert (account.available(good), account.available(poison)) == (8, 9)


@contextmanager
def short_visibility(stack: LocalStack, seconds: int) -> Iterator[None]:
    """Shorten the queue's visibility timeout, after which a killed worker's messages can be received again."""
    url = stack.outputs["orders_queue_url"]
    before = stack.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    stack.aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})
    try:
        yield
    finally:
        stack.aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={**before})


def test_a_killed_worker_does_no_harm_to_the_other_orders_of_its_batch(
    stack: LocalStack, api: OrdersApi, account: Account, stocked: Callable[[int], str], keys: Callable[[], str]
) -> None:
    # GIVEN a batch with one order whose call to DynamoDB hangs
    sku, hanging = stocked(10), stocked(10)
    stack.add_fault("dynamodb", "TransactWriteItems", FaultKind.TIMEOUT, containing=f'"{hanging}"')
    with short_visibility(stack, 4):
        with account.deliveries_held():
            ids = [api.post(order((each, 1)), keys()).order_id for each in (sku, hanging, sku)]
        wait_for("the hanging call", lambda: stack.faults()[0].hits)

        # WHEN the worker is killed
        assert stack.kill_workers(stack.outputs["process_order_function"])
        stack.clear_faults()

        # THEN every order is settled once
        rows = settled(account, *ids)
    assert [row["status"] for row in rows] == ["CONFIRMED"] * 3
    assert (account.available(sku), account.available(hanging)) == (8, 9)
    assert [letter.order_id for letter in account.dead_letters() if letter.order_id in ids] == []


def test_an_order_that_is_sent_twice_has_one_effect(
    stack: LocalStack, api: OrdersApi, account: Account, stocked: Callable[[int], str], key: str
) -> None:
    # GIVEN an order whose message is sent twice, because the queue's answer to the first send is lost
    sku = stocked(10)
    with stack.fault("sqs", "SendMessage", FaultKind.LOST_ANSWER, count=1):
        answer, _ = api.submit(order((sku, 2)), key)

    # WHEN both messages are processed
    settled(account, answer.order_id)
    wait_for(
        "receives of two messages",
        lambda: len({each.message_id for each in receives_of(account, answer.order_id)}) == 2,
    )

    # THEN the stock is taken once
    assert account.available(sku) == 8
