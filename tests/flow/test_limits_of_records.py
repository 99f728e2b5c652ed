"""Tests the limits that docs/guarantees.md states about idempotency records, clocks, equal bodies and restores."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest

from lab.simulation import invariants
from lab.simulation.crash_points.stage import DAY, Stage, staged
from lab.simulation.fakes import Call, Fault, Process
from lab.simulation.fakes.faults import answer_lost_then_retried, unreachable
from lab.simulation.fakes.wire import Perform, Response
from lab.simulation.requests import order_body
from lab.simulation.world import API_RECORDS, ORDERS, STOCK, WORKER_RECORDS
from tests.flow.test_limits import at, is_replay, published, status_of

HOUR = 3600.0


def first_write_of(table: str, fault: Fault) -> Process:
    """Return a process whose first update of ``table`` has the fault."""
    done: list[Call] = []

    def on_call(call: Call) -> Fault | None:
        if call.operation != "UpdateItem" or call.params["TableName"] != table or done:
            return None
        done.append(call)
        return fault

    return Process(on_call=on_call)


def items(stage: Stage, table: str) -> dict[Any, Any]:
    """Return a table's items by key. A shallow copy is a snapshot, because no item is changed in place."""
    return stage.world.cloud.dynamodb.tables[table].items


def send_again(stage: Stage) -> None:
    """Send the message of the only order again, as a redrive does."""
    (done,) = stage.world.orders_queue.deleted.values()
    stage.world.orders_queue.resend(done)


def test_if_the_answer_is_not_stored_the_caller_gets_503_and_retries_get_409_until_the_lease_ends() -> None:
    # GIVEN a request that did everything except for storing its answer
    with staged() as stage:
        first = stage.post(process=first_write_of(API_RECORDS, unreachable))
        # WHEN its caller retries immediately, and again after the function's timeout
        at_once = stage.post()
        stage.world.cloud.clock.advance(stage.world.deployment.api_timeout_seconds + 0.001)
        later = stage.post()
        # THEN the first answer is 503 with the order's id. The immediate retry gets 409, although no run is active. The
        # later retry gets 202, not marked as a replay
        assert [status_of(one) for one in (first, at_once, later)] == [503, 409, 202]
        assert first.response is not None
        assert later.response is not None
        assert json.loads(first.response["body"])["order_id"] == json.loads(later.response["body"])["order_id"]
        assert not is_replay(later)
        stage.world.drain()
        assert stage.statuses() == ("CONFIRMED",)


def test_answers_are_not_cached_in_the_process() -> None:
    # GIVEN an answer whose record no longer exists
    with staged() as stage:
        first = stage.post()
        items(stage, API_RECORDS).clear()
        # WHEN the same process receives the request again
        again = stage.post()
        # THEN the process makes the same answer again, not marked as a replay
        assert not is_replay(again)
        assert first.response is not None
        assert again.response is not None
        assert again.response["body"] == first.response["body"]


@pytest.mark.parametrize("swept", [False, True], ids=["records not yet deleted", "records deleted"])
def test_a_retry_after_the_workers_record_has_expired_publishes_the_same_event_again(*, swept: bool) -> None:
    # GIVEN a published order whose API record and worker record have expired
    with staged() as stage:
        first = stage.post()
        stage.world.drain()
        stage.world.cloud.clock.advance(stage.world.deployment.worker_record_seconds + 1)
        if swept:
            for table in (API_RECORDS, WORKER_RECORDS):
                assert stage.world.cloud.dynamodb.tables[table].sweep(stage.world.cloud.clock.time()) == 1
        # WHEN its caller retries
        again = stage.post()
        stage.world.drain()
        # THEN answer and stock are unchanged, and the same event is published again
        assert first.response is not None
        assert again.response is not None
        assert again.response["body"] == first.response["body"]
        assert stage.world.available("SKU-1") == 98
        one, other = published(stage)
        assert one == other


def test_a_retry_before_the_workers_record_expires_publishes_nothing() -> None:
    # GIVEN a published order whose API record has expired, and whose worker record has not
    with staged() as stage:
        stage.post()
        stage.world.drain()
        stage.world.cloud.clock.advance(stage.world.deployment.worker_record_seconds - DAY)
        # WHEN its caller retries
        stage.post()
        stage.world.drain()
        # THEN no further event is published
        assert len(published(stage)) == 1


def test_the_next_message_publishes_an_event_again_if_a_run_failed_after_another_run_published_it() -> None:
    # GIVEN a run that pauses before it publishes the event. Another run publishes the event, and then the paused run
    # fails
    with staged() as stage:
        stage.accept()

        def pause(call: Call, perform: Perform) -> Response:
            stage.lease_passes()
            stage.world.deliver()
            return unreachable(call, perform)

        stage.world.deliver(at("Publish", pause))
        assert len(published(stage)) == 1
        # WHEN a further message of the order is delivered
        send_again(stage)
        stage.world.drain()
        # THEN the same event is published again, and nothing else changes
        one, other = published(stage)
        assert one == other
        assert stage.world.available("SKU-1") == 98
        assert invariants.violations(stage.world) == []


def test_the_sdk_publishes_an_event_again_if_the_answer_is_lost() -> None:
    # GIVEN an accepted order
    with staged() as stage:
        stage.accept()
        # WHEN the worker publishes the order's event, the answer is lost, and the SDK sends the call again
        stage.world.deliver(at("Publish", answer_lost_then_retried))
        # THEN subscribers receive the same event twice, although no run failed
        assert stage.world.orders_queue.messages == {}
        one, other = published(stage)
        assert one == other


def test_the_sdk_sends_a_dead_letter_again_if_the_answer_is_lost() -> None:
    # GIVEN a message that is not JSON
    with staged() as stage:
        stage.accept()
        stage.message().body = "not JSON"
        # WHEN the worker sends it as a dead letter, the answer is lost, and the SDK sends the call again
        stage.world.deliver(at("SendMessage", answer_lost_then_retried))
        # THEN there are two dead letters of one original message
        dead = stage.world.dead_letters.messages.values()
        assert [one.attributes["original_message_id"]["StringValue"] for one in dead] == [
            next(iter(stage.world.orders_queue.deleted))
        ] * 2


# --- clocks ----------------------------------------------------------------------------------------------------------


def test_settling_can_seem_earlier_than_acceptance_if_clocks_differ() -> None:
    # GIVEN an API whose clock is a minute ahead of the worker's
    with staged() as stage:
        order_id = stage.accept()
        stage.world.cloud.clock.now -= 60
        stage.message().visible_at = stage.world.cloud.clock.now
        # WHEN the worker settles the order
        stage.world.deliver()
        # THEN the order is confirmed as usual, and its `settled_at` is before its `accepted_at`
        order = stage.world.orders[order_id]
        assert order["status"] == {"S": "CONFIRMED"}
        assert order["settled_at"]["S"] < order["accepted_at"]["S"]
        assert len(published(stage)) == 1
        assert invariants.violations(stage.world) == []


def test_a_worker_whose_clock_is_ahead_ignores_an_active_lease() -> None:
    # GIVEN a second worker whose clock is an hour ahead, and which receives the message during the first worker's
    # transaction
    with staged() as stage:
        stage.accept()

        def meanwhile(call: Call, perform: Perform) -> Response:
            stage.redeliver()
            stage.world.cloud.clock.now += HOUR
            stage.world.deliver()
            stage.world.cloud.clock.now -= HOUR
            return perform()

        # WHEN both run
        stage.world.deliver(at("TransactWriteItems", meanwhile))
        # THEN stock is taken once, and both publish the same event
        assert stage.statuses() == ("CONFIRMED",)
        assert stage.world.available("SKU-1") == 98
        one, other = published(stage)
        assert one == other
        assert invariants.violations(stage.world) == []


def test_two_requests_on_clocks_far_apart_give_one_order_and_one_answer() -> None:
    # GIVEN a request, and a concurrent retry that runs on a clock an hour ahead
    with staged() as stage:

        def meanwhile(call: Call, perform: Perform) -> Response:
            stage.world.cloud.clock.now += HOUR
            stage.post()
            stage.world.cloud.clock.now -= HOUR
            return perform()

        # WHEN both run
        stage.post(process=at("SendMessage", meanwhile))
        stage.world.drain()
        # THEN neither answer is a replay, and both answers have the same bytes, for the same order
        assert [status_of(one) for one in stage.world.exchanges] == [202, 202]
        assert not any(is_replay(one) for one in stage.world.exchanges)
        assert stage.statuses() == ("CONFIRMED",)
        assert invariants.violations(stage.world) == []


# --- equality of bodies ----------------------------------------------------------------------------------------------

COMPOSED = order_body(reference="caf\u00e9")


@pytest.mark.parametrize(
    ("body", "other"),
    [
        (COMPOSED, unicodedata.normalize("NFD", json.loads(COMPOSED)["reference"])),
        (order_body(), None),
    ],
    ids=["decomposed", "null"],
)
def test_a_body_that_only_looks_the_same_is_a_different_body(body: str, other: str | None) -> None:
    # GIVEN an order with a composed é in its reference, or without a reference
    with staged() as stage:
        stage.post(body=body)
        # WHEN the order's key is used with a changed body (decomposed é, or null as reference), and again after a day
        changed = json.dumps({**json.loads(body), "reference": other})
        at_once = stage.world.post("k", changed, caller="ann")
        stage.world.cloud.clock.advance(DAY + 1)
        later = stage.world.post("k", changed, caller="ann")
        # THEN the changed body is refused while the key's record exists, and is accepted as a second order after a day
        assert [status_of(at_once), status_of(later)] == [422, 202]
        assert len(stage.world.orders) == 2


@pytest.mark.parametrize(
    "same",
    [json.dumps(json.loads(COMPOSED), ensure_ascii=False, indent=2), json.dumps(json.loads(COMPOSED), sort_keys=True)],
    ids=["unescaped and indented", "sorted names"],
)
def test_the_same_json_in_other_bytes_is_the_same_body(same: str) -> None:
    # GIVEN an accepted order
    with staged() as stage:
        stage.post(body=COMPOSED)
        # WHEN its key is used with the same JSON in other bytes
        again = stage.world.post("k", same, caller="ann")
        # THEN the answer is a replay
        assert same != COMPOSED
        assert (status_of(again), is_replay(again)) == (202, True)


def test_all_callers_share_keys_if_there_is_no_authorizer() -> None:
    # GIVEN an API without an authorizer
    with staged() as stage:
        first = stage.world.post("k", order_body())
        # WHEN another person uses the same key and body by chance
        second = stage.world.post("k", order_body())
        # THEN the second request counts as a retry of the first
        assert (status_of(first), status_of(second)) == (202, 202)
        assert is_replay(second)
        assert len(stage.world.orders) == 1


# --- restores --------------------------------------------------------------------------------------------------------


def test_the_worker_still_trusts_its_records_after_a_restore() -> None:
    # GIVEN a settled order. The tables of orders and stock were then restored to a time before it was settled
    with staged() as stage:
        stage.accept()
        before = {table: dict(items(stage, table)) for table in (ORDERS, STOCK)}
        stage.world.drain()
        for table, content in before.items():
            items(stage, table).clear()
            items(stage, table).update(content)
        # WHEN the order's message is sent again while the worker's records exist, and once more after
        # they are deleted
        send_again(stage)
        stage.world.drain()
        with_records = stage.statuses(), stage.world.available("SKU-1")
        items(stage, WORKER_RECORDS).clear()
        stage.world.orders_queue.resend(next(iter(stage.world.orders_queue.deleted.values())))
        stage.world.drain()
        # THEN the worker does nothing while the records exist, and settles the order once they are deleted
        assert with_records == (("ACCEPTED",), 100)
        assert (stage.statuses(), stage.world.available("SKU-1")) == (("CONFIRMED",), 98)


def test_a_retry_after_a_restore_gets_the_first_answer_although_the_order_is_lost() -> None:
    # GIVEN an accepted order, and the table of orders restored to a time before its acceptance
    with staged() as stage:
        first = stage.post()
        items(stage, ORDERS).clear()
        # WHEN its caller retries twice: while the API's records exist, and after they are deleted
        with_record = stage.post()
        left = len(stage.world.orders)
        items(stage, API_RECORDS).clear()
        again = stage.post()
        # THEN the API replays its answer while the record exists, and then makes the order again with the same id
        assert (is_replay(with_record), left) == (True, 0)
        assert not is_replay(again)
        assert first.response is not None
        assert list(stage.world.orders) == [json.loads(first.response["body"])["order_id"]]
