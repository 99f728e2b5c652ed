"""Tests a separate stack with a bus instead of the topic: rules match by content, and events can be published again."""

import json
from collections.abc import Callable

import pytest

from lab.chaos.orders import settled
from local.client import LocalStack
from local.demo.account import Account, wait_for
from local.demo.http import OrdersApi, order
from local.proxy.faults import FaultKind
from ops.cli.main import main as ops
from tests.e2e.test_events import events_of

pytestmark = [pytest.mark.e2e, pytest.mark.long]

REJECTIONS = "{detail-type: [order.rejected]}"
STOCK = 1
CONFIG = {
    "events_target": "bus",
    "subscriptions": json.dumps(
        [
            "{name: everything, protocol: sqs}",
            f"{{name: rejections, protocol: sqs, raw_message_delivery: true, event_pattern: {REJECTIONS}}}",
            "{name: dollars, protocol: sqs, event_pattern: {detail: {data: {currency: [USD]}}}}",
        ]
    ),
}


def test_each_rule_gets_the_events_that_match_its_pattern(
    api: OrdersApi, account: Account, stack: LocalStack, keys: Callable[[], str]
) -> None:
    # GIVEN a confirmed order that took all stock
    confirmed = api.post(order(("SKU-1", 1)), keys()).order_id
    settled(account, confirmed)

    # WHEN a second order is processed
    rejected = api.post(order(("SKU-1", 1)), keys()).order_id
    settled(account, rejected)

    # THEN the first subscriber has both events, the second has only the rejection, and the third has no event. The
    # stack has no topics except those for alarms.
    everything = [events_of(account, each, "everything")[0] for each in (confirmed, rejected)]
    (rejection,) = events_of(account, rejected, "rejections")
    assert [each.document["type"] for each in everything] == ["order.confirmed", "order.rejected"]
    assert rejection.document == everything[1].document
    assert [each.document["subject"] for each in account.events("rejections")] == [rejected]
    assert account.events("dollars") == []
    assert stack.outputs["notifications_bus_name"] == "orders-local-events"
    topics = [each["TopicArn"] for each in stack.aws.sns.list_topics()["Topics"]]
    assert [each for each in topics if "alarms" not in each] == []


def test_an_event_that_is_published_twice_has_the_same_bytes(
    api: OrdersApi, account: Account, stack: LocalStack, keys: Callable[[], str]
) -> None:
    # GIVEN a publish that succeeds but whose answer is lost, so that the worker publishes again
    with stack.fault("events", "PutEvents", FaultKind.LOST_ANSWER, count=1):
        # WHEN an order is processed
        order_id = api.post(order(("SKU-1", 1)), keys()).order_id
        events = events_of(account, order_id, "everything", at_least=2)

    # THEN both events are the same
    assert len({each.text for each in events}) == 1


def test_a_failed_publish_is_repeated(
    api: OrdersApi, account: Account, stack: LocalStack, keys: Callable[[], str]
) -> None:
    # GIVEN a bus that refuses an event more often than the SDK tries in one call
    with stack.fault("events", "PutEvents", FaultKind.THROTTLE, count=4):
        # WHEN an order is processed
        order_id = api.post(order(("SKU-1", 1)), keys()).order_id
        settled(account, order_id)

        # THEN its event is published later
        assert len(events_of(account, order_id, "everything")) == 1


TO_ONE = ("events", "replay", "--since", "1h", "--to", "everything", "--by", "Ada", "--reason", "a test")


@pytest.mark.parametrize("command", [("order", "replay-events", "ID"), TO_ONE], ids=["to all", "to one"])
def test_people_on_call_can_publish_an_event_again(
    api: OrdersApi, account: Account, stack: LocalStack, keys: Callable[[], str], command: tuple[str, ...]
) -> None:
    # GIVEN an order whose event was published
    order_id = api.post(order(("SKU-1", 1)), keys()).order_id
    events_of(account, order_id, "everything")

    # WHEN somebody publishes it again
    words = [order_id if word == "ID" else word for word in command]
    code = ops([*words, "--yes", "--local", "--state-dir", str(stack.state.path)])

    # THEN the subscriber has the event twice, with the same bytes
    assert code == 0
    assert len({each.text for each in events_of(account, order_id, "everything", at_least=2)}) == 1


def test_the_smoke_test_needs_no_topic(stack: LocalStack, account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a stack that publishes to a bus
    # WHEN
    code = ops(["smoke", "--local", "--state-dir", str(stack.state.path), "--json", "--yes"])
    report = json.loads(capsys.readouterr().out)

    # THEN the smoke test passes, and the subscriber has its order's event
    assert (code, report["passed"]) == (0, True)
    wait_for(
        "the event of the smoke test's order",
        lambda: [each for each in account.events("everything") if each.document["subject"] == report["order_id"]],
    )
