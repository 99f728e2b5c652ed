"""Tests where idempotency records, clocks and hashes end, as docs/guarantees.md states it."""

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
    """A process whose first update of a table is disturbed."""
    done: list[Call] = []

    def on_call(call: Call) -> Fault | None:
        if call.operation != "UpdateItem" or call.params["TableName"] != table or done:
            return None
        done.append(call)
        return fault

    return Process(on_call=on_call)


def items(stage: Stage, table: str) -> dict[Any, Any]:
    """Return what a table holds; the items themselves are never changed in place."""
    return stage.world.cloud.dynamodb.tables[table].items


def receive_once_more(stage: Stage) -> None:
    """The queue has one more message of the only order that it ever had, as after a redrive."""
    (done,) = stage.world.orders_queue.deleted.values()
    stage.world.orders_queue.resend(done)


def test_an_answer_that_cannot_be_recorded_is_503_and_then_409_until_the_deadline() -> None:
    # GIVEN a request that did everything but note its answer
    with staged() as stage:
        first = stage.post(process=first_write_of(API_RECORDS, unreachable))
        # WHEN its caller repeats it at once, and after the function's time
        at_once = stage.post()
        stage.world.cloud.clock.advance(stage.world.deployment.api_timeout_seconds + 0.001)
        later = stage.post()
        # THEN it is told 503 with the order's id, 409 though nobody runs, and then the answer, not marked
        assert [status_of(one) for one in (first, at_once, later)] == [503, 409, 202]
        assert first.response is not None
        assert later.response is not None
        assert json.loads(first.response["body"])["order_id"] == json.loads(later.response["body"])["order_id"]
        assert not is_replay(later)
        stage.world.drain()
        assert stage.statuses() == ("CONFIRMED",)


def test_no_answer_is_kept_in_a_process() -> None:
    # GIVEN an answer, and no record of it any more
    with staged() as stage:
        first = stage.post()
        items(stage, API_RECORDS).clear()
        # WHEN the same process is asked again
        again = stage.post()
        # THEN it has nothing to repeat: the answer is made anew, and is the same
        assert not is_replay(again)
        assert first.response is not None
        assert again.response is not None
        assert again.response["body"] == first.response["body"]


@pytest.mark.parametrize("swept", [False, True], ids=["DynamoDB is late", "DynamoDB has deleted them"])
def test_a_repetition_after_the_workers_record_has_expired_publishes_the_same_event_again(*, swept: bool) -> None:
    # GIVEN an order that was done and published, and is older than both records of it
    with staged() as stage:
        first = stage.post()
        stage.world.drain()
        stage.world.cloud.clock.advance(stage.world.deployment.worker_record_seconds + 1)
        if swept:
            for table in (API_RECORDS, WORKER_RECORDS):
                assert stage.world.cloud.dynamodb.tables[table].sweep(stage.world.cloud.clock.time()) == 1
        # WHEN its caller repeats the request
        again = stage.post()
        stage.world.drain()
        # THEN answer and stock are what they were, and subscribers hear the same event once more
        assert first.response is not None
        assert again.response is not None
        assert again.response["body"] == first.response["body"]
        assert stage.world.available("SKU-1") == 98
        one, other = published(stage)
        assert one == other


def test_while_the_workers_record_lives_a_repetition_publishes_nothing() -> None:
    # GIVEN an order that was done and published, whose key is forgotten
    with staged() as stage:
        stage.post()
        stage.world.drain()
        stage.world.cloud.clock.advance(stage.world.deployment.worker_record_seconds - DAY)
        # WHEN its caller repeats the request
        stage.post()
        stage.world.drain()
        # THEN nobody hears of it again
        assert len(published(stage)) == 1


def test_a_worker_that_fails_late_erases_the_record_so_that_a_further_message_is_published_again() -> None:
    # GIVEN a worker that stands still before its publish until its successor is done, and fails then
    with staged() as stage:
        stage.accept()

        def stand_still(call: Call, perform: Perform) -> Response:
            stage.lease_passes()
            stage.world.deliver()
            return unreachable(call, perform)

        stage.world.deliver(at("Publish", stand_still))
        assert len(published(stage)) == 1
        # WHEN a further message of the order comes
        receive_once_more(stage)
        stage.world.drain()
        # THEN the event is published again, the same, and nothing else happens
        one, other = published(stage)
        assert one == other
        assert stage.world.available("SKU-1") == 98
        assert invariants.violations(stage.world) == []


def test_a_publish_whose_answer_is_lost_is_sent_again_by_the_sdk() -> None:
    # GIVEN an order
    with staged() as stage:
        stage.accept()
        # WHEN the answer to its publish is lost, and the SDK sends the call again
        stage.world.deliver(at("Publish", answer_lost_then_retried))
        # THEN subscribers get the same event twice, though no process died and nothing failed
        assert stage.world.orders_queue.messages == {}
        one, other = published(stage)
        assert one == other


def test_a_dead_letter_whose_answer_is_lost_is_sent_again_by_the_sdk() -> None:
    # GIVEN a message that is no JSON
    with staged() as stage:
        stage.accept()
        stage.message().body = "not JSON"
        # WHEN the answer to its dead letter is lost, and the SDK sends the call again
        stage.world.deliver(at("SendMessage", answer_lost_then_retried))
        # THEN there are two of one original
        dead = stage.world.dead_letters.messages.values()
        assert [one.attributes["original_message_id"]["StringValue"] for one in dead] == [
            next(iter(stage.world.orders_queue.deleted))
        ] * 2


# --- clocks ----------------------------------------------------------------------------------------------------------


def test_an_order_can_be_settled_before_it_was_accepted_by_the_clocks_of_two_functions() -> None:
    # GIVEN an API whose clock is a minute ahead of the worker's
    with staged() as stage:
        order_id = stage.accept()
        stage.world.cloud.clock.now -= 60
        stage.message().visible_at = stage.world.cloud.clock.now
        # WHEN the worker settles the order
        stage.world.deliver()
        # THEN it is done as always; the times are those of whoever wrote them
        order = stage.world.orders[order_id]
        assert order["status"] == {"S": "CONFIRMED"}
        assert order["settled_at"]["S"] < order["accepted_at"]["S"]
        assert len(published(stage)) == 1
        assert invariants.violations(stage.world) == []


def test_a_worker_whose_clock_is_ahead_takes_a_lease_that_still_holds() -> None:
    # GIVEN a message shown to a second worker, whose clock is an hour ahead, while the first one is at its transaction
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
        # THEN stock moved once, and both told the same
        assert stage.statuses() == ("CONFIRMED",)
        assert stage.world.available("SKU-1") == 98
        one, other = published(stage)
        assert one == other
        assert invariants.violations(stage.world) == []


def test_two_requests_on_clocks_far_apart_are_one_order_and_one_answer() -> None:
    # GIVEN a request whose repetition is served, while it runs, by a function whose clock is an hour ahead
    with staged() as stage:

        def meanwhile(call: Call, perform: Perform) -> Response:
            stage.world.cloud.clock.now += HOUR
            stage.post()
            stage.world.cloud.clock.now -= HOUR
            return perform()

        # WHEN both run
        stage.post(process=at("SendMessage", meanwhile))
        stage.world.drain()
        # THEN neither is a replay, and both have the same bytes of the same order
        assert [status_of(one) for one in stage.world.exchanges] == [202, 202]
        assert not any(is_replay(one) for one in stage.world.exchanges)
        assert stage.statuses() == ("CONFIRMED",)
        assert invariants.violations(stage.world) == []


# --- what is the same ------------------------------------------------------------------------------------------------

COMPOSED = order_body(reference="caf\u00e9")


@pytest.mark.parametrize(
    "other",
    [
        unicodedata.normalize("NFD", json.loads(COMPOSED)["reference"]),
        None,
    ],
    ids=["decomposed", "null"],
)
def test_a_body_that_only_looks_the_same_is_another(other: str | None) -> None:
    # GIVEN an order with a composed é in its reference
    with staged() as stage:
        stage.post(body=COMPOSED)
        # WHEN its key comes with a body that people may take for the same, and again after a day
        changed = json.dumps({**json.loads(COMPOSED), "reference": other})
        at_once = stage.world.post("k", changed, caller="ann")
        stage.world.cloud.clock.advance(DAY + 1)
        later = stage.world.post("k", changed, caller="ann")
        # THEN it is refused while the key lives, and then an order of its own
        assert [status_of(at_once), status_of(later)] == [422, 202]
        assert len(stage.world.orders) == 2


@pytest.mark.parametrize(
    "same",
    [json.dumps(json.loads(COMPOSED), ensure_ascii=False, indent=2), json.dumps(json.loads(COMPOSED), sort_keys=True)],
    ids=["unescaped and indented", "other order"],
)
def test_a_body_in_other_bytes_is_the_same(same: str) -> None:
    # GIVEN an order
    with staged() as stage:
        stage.post(body=COMPOSED)
        # WHEN its key comes with the same JSON, written in another way
        again = stage.world.post("k", same, caller="ann")
        # THEN it is a replay
        assert same != COMPOSED
        assert (status_of(again), is_replay(again)) == (202, True)


def test_without_an_authorizer_a_key_is_everybodys() -> None:
    # GIVEN an API without an authorizer
    with staged() as stage:
        first = stage.world.post("k", order_body())
        # WHEN somebody else happens to use the same key and body
        second = stage.world.post("k", order_body())
        # THEN it is the same caller's repetition to us
        assert (status_of(first), status_of(second)) == (202, 202)
        assert is_replay(second)
        assert len(stage.world.orders) == 1


# --- restoring -------------------------------------------------------------------------------------------------------


def test_after_a_restore_the_workers_records_claim_what_the_tables_no_longer_know() -> None:
    # GIVEN an order that was settled after the moment to which orders and stock were restored
    with staged() as stage:
        stage.accept()
        before = {table: dict(items(stage, table)) for table in (ORDERS, STOCK)}
        stage.world.drain()
        for table, content in before.items():
            items(stage, table).clear()
            items(stage, table).update(content)
        # WHEN it is sent again, first with the worker's records as they are, and then without them
        receive_once_more(stage)
        stage.world.drain()
        believed = stage.statuses(), stage.world.available("SKU-1")
        items(stage, WORKER_RECORDS).clear()
        stage.world.orders_queue.resend(next(iter(stage.world.orders_queue.deleted.values())))
        stage.world.drain()
        # THEN the records are believed as long as they are there
        assert believed == (("ACCEPTED",), 100)
        assert (stage.statuses(), stage.world.available("SKU-1")) == (("CONFIRMED",), 98)


def test_after_a_restore_a_key_is_answered_with_an_order_that_is_no_longer_there() -> None:
    # GIVEN an order that was accepted after the moment to which the orders were restored
    with staged() as stage:
        first = stage.post()
        items(stage, ORDERS).clear()
        # WHEN its caller repeats the request, first with the API's records as they are, and then without them
        believed = stage.post()
        left = len(stage.world.orders)
        items(stage, API_RECORDS).clear()
        again = stage.post()
        # THEN the record is believed as long as it is there; then the order is made again, under its own id
        assert (is_replay(believed), left) == (True, 0)
        assert not is_replay(again)
        assert first.response is not None
        assert list(stage.world.orders) == [json.loads(first.response["body"])["order_id"]]
