"""Tests the message group of each message, and its deduplication id on FIFO queues and topics."""

from typing import Any, cast

import pytest

from runtime.logic.delivery import Delivery
from runtime.logic.event import Event
from runtime.models.order import OrderMessage
from runtime.store.dead_letters import DeadLetters
from runtime.store.notifications import TopicNotifications
from runtime.store.order_queue import OrderQueue
from tests.unit.worker import factories

EVENT = Event("id:order.confirmed", "order.confirmed", "EUR", "{}", "caller", "/orders", "2026-01-01T00:00:00Z")
GROUPED = ("MessageGroupId", "MessageDeduplicationId")


class Client:
    """Records what is sent or published."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def send_message(self, **call: Any) -> None:
        self.calls.append(call)

    publish = send_message


@pytest.fixture
def client() -> Any:
    return Client()


def message() -> OrderMessage:
    return factories.message()


def delivery(group: str | None) -> Delivery:
    return Delivery("m-1", "receipt", "{}", {}, 1, group)


def test_an_order_is_sent_in_its_caller_s_group_with_a_new_deduplication_id(client: Any) -> None:
    # GIVEN
    queue = OrderQueue(client, "https://queue", fifo=True)

    # WHEN the same order is sent twice, as happens after a crash or when a person sends it again
    queue.send(message())
    queue.send(message())

    # THEN SQS treats neither message as a duplicate
    assert {call["MessageGroupId"] for call in client.calls} == {message().caller}
    assert len({call["MessageDeduplicationId"] for call in client.calls}) == 2


@pytest.mark.parametrize(("group", "expected"), [("caller", "caller"), (None, "m-1")])
def test_a_dead_letter_keeps_its_group_or_gets_its_message_id_as_group(
    client: Any, group: str | None, expected: str
) -> None:
    # GIVEN
    letters = DeadLetters(client, "https://dlq", fifo=True)

    # WHEN
    letters.send(delivery(group), error_type="INVALID", error="no")
    letters.send(delivery(group), error_type="INVALID", error="no")

    # THEN both dead letters have this group, and each has a new deduplication id
    assert {call["MessageGroupId"] for call in client.calls} == {expected}
    assert len({call["MessageDeduplicationId"] for call in client.calls}) == 2


def test_an_event_has_its_callers_group_and_its_own_id_as_deduplication_id(client: Any) -> None:
    # GIVEN
    notifications = TopicNotifications(client, "arn:topic", fifo=True)

    # WHEN
    notifications.publish(EVENT)

    # THEN
    (call,) = client.calls
    assert (call["MessageGroupId"], call["MessageDeduplicationId"]) == ("caller", "id:order.confirmed")


def test_messages_on_standard_queues_can_have_a_group_but_events_on_standard_topics_have_none(client: Any) -> None:
    # GIVEN / WHEN
    OrderQueue(client, "https://queue").send(message())
    DeadLetters(client, "https://dlq").send(delivery("caller"), error_type="INVALID", error="no")
    DeadLetters(client, "https://dlq").send(delivery(None), error_type="INVALID", error="no")
    TopicNotifications(client, "arn:topic").publish(EVENT)

    # THEN a dead letter has a group only if its message had one
    assert [[call.get(name) for name in GROUPED] for call in client.calls] == [
        [message().caller, None],
        ["caller", None],
        [None, None],
        [None, None],
    ]


def test_a_delivery_has_the_group_of_its_record() -> None:
    # GIVEN
    record = {"messageId": "m-1", "attributes": {"MessageGroupId": "caller", "ApproximateReceiveCount": "2"}}

    # WHEN
    read = Delivery.from_record(cast("dict[str, Any]", record))

    # THEN
    assert (read.group_id, read.receive_count) == ("caller", 2)
