"""Tests that two versions of the code work together.

The API and the worker each run either version, before and after a deploy or a rollback.

The next version is the current code with a newer schema version (`lab.simulation.histories.versions`). The last release
is represented by a recording of its output (`tests.flow.releases`).
"""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

from lab.simulation import invariants
from lab.simulation.crash_points.stage import Stage, staged
from lab.simulation.fakes.faults import crash_before
from lab.simulation.histories.versions import NEXT, running
from lab.simulation.requests import order_body
from lab.simulation.world import API_RECORDS, WORKER_RECORDS, Exchange
from runtime.models.fields import SCHEMA_VERSION
from tests.flow.releases import BODY, KEY, answer_parts, plain, record, releases, restore
from tests.flow.test_limits import at, is_replay, published, status_of

BOTH = (SCHEMA_VERSION, NEXT)
RECORDED = releases()
LAST = list(RECORDED)[-1]


def body_of(exchange: Exchange) -> str:
    assert exchange.response is not None
    return str(exchange.response["body"])


def expire_records(stage: Stage, table: str) -> None:
    """Delete a table's idempotency records, as after their expiry."""
    stage.world.cloud.dynamodb.tables[table].items.clear()


def outcome(event: str) -> dict[str, Any]:
    """Return an event without its times, because the two versions run at different times."""
    document = json.loads(event)
    document["data"].pop("settled_at", None)
    return {name: value for name, value in document.items() if name != "time"}


@pytest.mark.parametrize(("api", "later_api"), list(product(BOTH, BOTH)))
@pytest.mark.parametrize(("worker", "later_worker"), list(product(BOTH, BOTH)))
def test_any_two_versions_give_the_same_answers_and_one_effect(
    api: int, later_api: int, worker: int, later_worker: int
) -> None:
    # GIVEN an order that one version of the API accepted and one version of the worker received
    with staged() as stage:
        with running(api):
            first = stage.post()
        with running(worker):
            stage.world.deliver()

        # WHEN either version of the API gets a retry, then another body with the same key, and then
        # a retry after the record's expiry
        stage.deadline_passes()
        with running(later_api):
            again = stage.post()
            other = stage.post(body=order_body(("SKU-1", 3)))
            expire_records(stage, API_RECORDS)
            anew = stage.post()
        # AND a worker of either version receives every message again, and then the next version drains the queue
        stage.redeliver()
        with running(later_worker):
            stage.world.deliver()
        with running(NEXT):
            stage.world.drain()

        # THEN the other body is refused. All other answers have the same bytes, and the retry is marked as a replay
        # while the record exists
        assert [status_of(each) for each in (first, again, other, anew)] == [202, 202, 422, 202]
        assert {body_of(each) for each in (first, again, anew)} == {body_of(first)}
        assert [is_replay(each) for each in (first, again, anew)] == [False, True, False]

        # AND the order was settled once, no version lost a message, and repeated events have the same bytes
        assert stage.world.available("SKU-1") == 98
        assert [item["status"]["S"] for item in stage.world.orders.values()] == ["CONFIRMED"]
        assert (stage.world.orders_queue.messages, stage.world.dead_letters.messages) == ({}, {})
        assert len(set(published(stage))) == 1
        assert invariants.violations(stage.world) == []


def test_both_versions_give_the_same_answers_and_events() -> None:
    # GIVEN both versions
    outputs = []
    for version in BOTH:
        with staged() as stage, running(version):
            # WHEN each version accepts and processes an order
            answer = stage.post()
            stage.world.drain()
            outputs.append((body_of(answer), *(outcome(event) for event in published(stage))))
    # THEN answers and events are the same
    assert outputs[0] == outputs[1]


def test_newer_messages_stay_in_the_queue_after_a_rollback() -> None:
    # GIVEN an order that the next version accepted and settled. The worker was killed before it published the event
    with staged() as stage:
        with running(NEXT):
            stage.post()
            stage.world.deliver(at("Publish", crash_before))
        (row,) = stage.world.orders.values()
        # WHEN, after a rollback, the older worker uses up half of the message's receives, and then
        # the next version is deployed again
        with running(SCHEMA_VERSION):
            for _ in range(stage.world.deployment.max_receive_count // 2):
                stage.lease_passes()
                stage.world.deliver()
        assert published(stage) == []
        with running(NEXT):
            stage.lease_passes()
            stage.world.drain()
        # THEN the event is published with the original time of settling
        (event,) = published(stage)
        assert json.loads(event)["time"] == row["settled_at"]["S"]
        assert stage.world.available("SKU-1") == 98
        assert stage.world.dead_letters.messages == {}


def test_the_current_code_writes_the_bytes_of_the_last_release() -> None:
    # GIVEN the last release's recording
    # WHEN the current code processes the same requests
    # THEN it writes the same bytes, so a rollback to that release is safe at any point
    assert plain(record()) == RECORDED[LAST], (
        f"The current code's output differs from release {LAST}'s. If the difference is intended, record the new "
        "release: python -m tests.flow.releases 0.2.0. If older workers cannot read the output, raise SCHEMA_VERSION "
        "first."
    )


@pytest.mark.parametrize("release", list(RECORDED))
class TestFromARelease:
    """Tests that the current code continues correctly from an older release's state."""

    def test_a_retry_gets_the_recorded_answer(self, release: str) -> None:
        # GIVEN the state that the release recorded after its answer to a request
        past = RECORDED[release]
        with staged() as stage:
            restore(stage, past["accepted"])
            stage.deadline_passes()
            # WHEN the caller retries, and retries again after the idempotency record's expiry
            again = stage.post(KEY, BODY)
            expire_records(stage, API_RECORDS)
            anew = stage.post(KEY, BODY)
            # THEN the answers are the recorded ones
            assert answer_parts(again.response) == past["replay"]
            assert (status_of(anew), body_of(anew)) == (202, past["answer"]["body"])

    def test_a_waiting_message_leads_to_the_recorded_event(self, release: str) -> None:
        # GIVEN the state that the release recorded after its answer to a request
        past = RECORDED[release]
        with staged() as stage:
            restore(stage, past["accepted"])
            # WHEN the current code processes the order's message
            stage.world.drain()
            # THEN the event is the recorded one, and stock was taken once
            (event,) = published(stage)
            assert event == past["event"]
            assert (stage.world.available("SKU-1"), stage.world.available("SKU-2")) == (98, 4)

    def test_a_message_whose_order_is_not_stored_creates_the_order(self, release: str) -> None:
        # GIVEN an API that was killed after it had sent the order's message
        past = RECORDED[release]
        accepted = {**past["accepted"], "tables": {**past["accepted"]["tables"], "orders": [], API_RECORDS: []}}
        with staged() as stage:
            restore(stage, accepted)
            # WHEN the worker processes the message, and then the caller retries
            stage.world.drain()
            again = stage.post(KEY, BODY)
            stage.world.drain()
            # THEN answer and event are the recorded ones, and stock was taken once
            assert body_of(again) == past["answer"]["body"]
            assert set(published(stage)) == {past["event"]}
            assert stage.world.available("SKU-1") == 98

    def test_a_settled_order_is_published_as_the_recorded_event(self, release: str) -> None:
        # GIVEN a worker that was killed between settling and publishing
        past = RECORDED[release]
        settled = {
            "tables": {**past["settled"]["tables"], WORKER_RECORDS: []},
            "messages": past["accepted"]["messages"],
        }
        with staged() as stage:
            restore(stage, settled)
            stage.deadline_passes()
            # WHEN the current code processes the message
            stage.world.drain()
            # THEN it publishes the recorded event
            assert published(stage) == [past["event"]]
            assert stage.world.available("SKU-1") == 98

    def test_a_processed_order_is_not_processed_again(self, release: str) -> None:
        # GIVEN a message that is delivered again after its order was processed
        past = RECORDED[release]
        with staged() as stage:
            restore(stage, {**past["settled"], "messages": past["accepted"]["messages"]})
            # WHEN the current code processes it
            stage.world.drain()
            order_id = json.loads(past["event"])["subject"]
            view = stage.world.get(order_id, caller="ann")
            # THEN no further event is published, and a lookup returns the recorded answer
            assert published(stage) == []
            assert stage.world.available("SKU-1") == 98
            assert answer_parts(view) == past["view"]
