"""Tests which events subscribers receive."""

from collections.abc import Callable

import pytest

from lab.chaos.orders import settled
from local.client import LocalStack
from local.demo.account import Account, Event, wait_for
from local.demo.http import OrdersApi
from local.proxy.faults import FaultKind
from tests.e2e.deployed import order

pytestmark = pytest.mark.e2e


def events_of(account: Account, order_id: str, subscriber: str = "everything", *, at_least: int = 1) -> list[Event]:
    def look() -> list[Event] | None:
        found = [event for event in account.events(subscriber) if event.document["subject"] == order_id]
        return found if len(found) >= at_least else None

    return wait_for(f"at least {at_least} event(s) of order {order_id}", look) or []


@pytest.mark.deployed
def test_an_event_describes_the_stored_order(
    api: OrdersApi, account: Account, stocked: Callable[[int], str], key: str
) -> None:
    # GIVEN an order with a correlation id
    accepted = api.post(order((stocked(1), 1)), key, {"X-Correlation-Id": "from-client-to-event"})

    # WHEN it is confirmed
    (row,) = settled(account, accepted.order_id)
    (event,) = events_of(account, accepted.order_id)

    # THEN its event is a CloudEvents document of the stored order
    document = event.document
    assert document["specversion"] == "1.0"
    assert document["id"] == f"{accepted.order_id}:order.confirmed"
    assert document["type"] == "order.confirmed"
    assert document["time"] == row["settled_at"]
    assert document["correlationid"] == "from-client-to-event"
    assert document["data"]["total"] == "19.90"


def test_a_filter_for_rejections_passes_only_rejections(
    api: OrdersApi, account: Account, stocked: Callable[[int], str], keys: Callable[[], str]
) -> None:
    # GIVEN a confirmed order that took all stock, and a second order for the same article
    sku = stocked(1)
    confirmed = api.post(order((sku, 1)), keys()).order_id
    settled(account, confirmed)
    rejected = api.post(order((sku, 1)), keys()).order_id

    # WHEN the second order is rejected
    settled(account, rejected)

    # THEN the subscriber with the filter has the rejection and no confirmation
    (event,) = events_of(account, rejected, "rejections")
    assert event.document["data"]["reason"] == {"code": "OUT_OF_STOCK", "skus": [sku]}
    assert {each.document["type"] for each in account.events("rejections")} == {"order.rejected"}


def test_a_failed_publish_is_repeated(
    stack: LocalStack, api: OrdersApi, account: Account, stocked: Callable[[int], str], key: str
) -> None:
    # GIVEN a topic that refuses an event until the SDK gives up
    sku = stocked(5)
    with stack.fault("sns", "Publish", FaultKind.ERROR, count=4):
        # WHEN an order is processed
        order_id = api.post(order((sku, 1)), key).order_id
        settled(account, order_id)

        # THEN its event is published later, and its stock was taken once
        assert len(events_of(account, order_id)) == 1
    assert account.available(sku) == 4


def test_an_event_that_is_published_twice_has_the_same_bytes(
    stack: LocalStack, api: OrdersApi, account: Account, stocked: Callable[[int], str], key: str
) -> None:
    # GIVEN a publish that succeeds but whose answer is lost, so that the worker publishes again
    with stack.fault("sns", "Publish", FaultKind.LOST_ANSWER, count=1):
        # WHEN an order is processed
        order_id = api.post(order((stocked(5), 1)), key).order_id
        events = events_of(account, order_id, at_least=2)

    # THEN both events are the same
    assert len({event.text for event in events}) == 1
