"""Tests that the worker publishes to an event bus instead of a topic, and what it does if the bus refuses an event."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from pydantic import ValidationError

from runtime.handlers import process_order
from runtime.logic.event import Event, event_for
from runtime.logic.failures import RetryableError, describe
from runtime.settings import WorkerSettings
from runtime.store.notifications import BusNotifications, EntryRefusedError
from tests.unit.worker.conftest import WorkerAccount, answer_lost
from tests.unit.worker.factories import order_id, record, stored

BUS = "orders-test-events"
# Amazon EventBridge User Guide, "Calculating PutEvents event entry size": Time counts as 14 bytes.
MOST_BYTES, TIME_BYTES = 256 * 1024, 14


def event(**overrides: Any) -> Event:
    return event_for(stored(**overrides), source="/orders-test")


@pytest.fixture
def bus() -> Iterator[tuple[BusNotifications, Stubber]]:
    client = boto3.client("events", region_name="us-east-1")
    with Stubber(client) as stub:
        yield BusNotifications(client, BUS), stub
        stub.assert_no_pending_responses()


def entry(of: Event) -> dict[str, Any]:
    """Return the expected entry of an event."""
    return {
        "EventBusName": BUS,
        "Source": "/orders-test",
        "DetailType": "order.confirmed",
        "Detail": of.document,
        "Time": datetime(2026, 1, 31, 12, 0, 1, 500_000, tzinfo=UTC),
    }


def test_an_entry_has_the_event_document_and_the_time_of_the_settlement(
    bus: tuple[BusNotifications, Stubber],
) -> None:
    # GIVEN a confirmed order
    notifications, stub = bus
    published = event()
    stub.add_response(
        "put_events", {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}, {"Entries": [entry(published)]}
    )
    # WHEN its event is published
    notifications.publish(published)
    # THEN only the expected call was made, which the fixture checks


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalFailure", "NotAuthorizedForSourceException"])
def test_a_refused_entry_is_a_failure_although_the_call_succeeded(
    bus: tuple[BusNotifications, Stubber], code: str
) -> None:
    # GIVEN a bus that accepts the call but refuses the event
    notifications, stub = bus
    answer = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": "secret payload"}]}
    stub.add_response("put_events", answer)
    # WHEN an event is published
    with pytest.raises(EntryRefusedError) as caught:
        notifications.publish(event())
    # THEN the error is retryable, names the code, and contains nothing of the event
    assert isinstance(caught.value, RetryableError)
    assert caught.value.code == code
    assert describe(caught.value).error_type == "EntryRefusedError"
    assert describe(caught.value).error == f"PutEvents refused the event: {code}"


def test_a_refused_entry_without_a_code_is_a_failure_too(bus: tuple[BusNotifications, Stubber]) -> None:
    # GIVEN an answer that counts one failed entry, without a code
    notifications, stub = bus
    stub.add_response("put_events", {"FailedEntryCount": 1, "Entries": [{}]})
    # WHEN an event is published
    # THEN this is an error
    with pytest.raises(EntryRefusedError, match="Unknown"):
        notifications.publish(event())


def test_the_largest_order_fits_into_one_entry() -> None:
    # GIVEN an order with the most lines and the longest SKUs, prices and reference that the API accepts
    lines = [{"sku": f"{number:064}", "quantity": 1000, "unit_price": "999999999.9999"} for number in range(50)]
    reason = {"code": "OUT_OF_STOCK", "skus": [line["sku"] for line in lines]}
    # WHEN its event is measured as EventBridge does
    largest = event(lines=lines, reference="😀" * 64, reason=reason, status="REJECTED")
    size = sum(len(text.encode()) for text in (largest.source, largest.event_type, largest.document)) + TIME_BYTES
    # THEN its size is less than a tenth of the limit
    assert size < MOST_BYTES / 10


class TestWorker:
    """The worker with a bus instead of the topic, in an account that has both."""

    @pytest.fixture
    def on_bus(self, world: WorkerAccount) -> WorkerAccount:
        events = boto3.client("events")
        events.create_event_bus(Name=BUS)
        fields = {**world.settings.model_dump(), "notifications_topic_arn": "", "notifications_bus_name": BUS}
        world.settings = WorkerSettings.model_validate(fields)
        world.events = events
        world.stock(SKU_1=2)
        return world

    def sent(self, world: WorkerAccount) -> list[dict[str, Any]]:
        """Return the entries that were sent to the bus, including refused ones."""
        return [entry for call in world.called("put_events") for entry in call["Entries"]]

    def test_an_order_s_outcome_reaches_the_bus_and_no_topic(self, on_bus: WorkerAccount) -> None:
        # GIVEN a worker with a bus
        # WHEN it processes an order
        failed = on_bus.run(record())
        # THEN the bus has the CloudEvents document, and nothing was published to SNS
        assert failed == []
        assert [json.loads(each["Detail"])["id"] for each in self.sent(on_bus)] == [f"{order_id(1)}:order.confirmed"]
        assert not on_bus.called("publish")

    def test_a_refused_entry_is_retried_and_the_stock_is_taken_once(self, on_bus: WorkerAccount) -> None:
        # GIVEN a bus that refuses one event
        on_bus.disturb(
            "put_events", lambda _: {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}
        )
        sent = record()
        # WHEN the order is processed, and its message is received again
        first, again = on_bus.run(sent), on_bus.run(sent)
        # THEN the first attempt is reported as failed, and the second one publishes and takes no stock
        assert (first, again) == ([sent["messageId"]], [])
        assert len(self.sent(on_bus)) == 2
        assert on_bus.available("SKU-1") == 0

    def test_an_event_is_published_again_with_the_same_bytes_if_an_answer_is_lost(self, on_bus: WorkerAccount) -> None:
        # GIVEN a call that takes effect but whose answer is lost
        on_bus.disturb("put_events", answer_lost)
        sent = record()
        # WHEN the message is received again
        on_bus.run(sent)
        on_bus.run(sent)
        # THEN the second entry has the same bytes
        first, second = self.sent(on_bus)
        assert first == second


class TestSettings:
    @pytest.mark.parametrize(
        ("topic", "bus", "given"),
        [("", "", "no target"), ("arn:aws:sns:…", BUS, "NOTIFICATIONS_TOPIC_ARN and NOTIFICATIONS_BUS_NAME")],
    )
    def test_settings_without_a_target_or_with_two_targets_are_refused(
        self, world: WorkerAccount, topic: str, bus: str, given: str
    ) -> None:
        # GIVEN
        fields = {**world.settings.model_dump(), "notifications_topic_arn": topic, "notifications_bus_name": bus}
        # WHEN / THEN
        with pytest.raises(ValidationError, match=f"given {given} .*exactly one of NOTIFICATIONS_TOPIC_ARN"):
            WorkerSettings.model_validate(fields)

    def test_a_worker_is_not_built_if_the_client_for_its_target_is_missing(self, world: WorkerAccount) -> None:
        # GIVEN settings with a topic
        # WHEN the worker is built without a client for topics
        # THEN the error names the missing client
        with pytest.raises(ValueError, match=r"^no client can publish outcomes: pass .* if the settings name a topic$"):
            process_order.build(dynamodb=world.dynamodb, sqs=world.sqs, settings=world.settings)
