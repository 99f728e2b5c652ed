"""Two versions beside each other, in every order in which a deploy or a rollback can move them.

The next version is a stand-in that writes a newer schema version (`lab.simulation.histories.versions`); the last one is
what it wrote (`tests.flow.releases`).
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
from tests.flow.releases import BODY, KEY, plain, record, releases, restore, told
from tests.flow.test_limits import at, is_replay, published, status_of

BOTH = (SCHEMA_VERSION, NEXT)
RECORDED = releases()
LAST = list(RECORDED)[-1]


def body_of(exchange: Exchange) -> str:
    assert exchange.response is not None
    return str(exchange.response["body"])


def forget(stage: Stage, table: str) -> None:
    """The records of a table have expired."""
    stage.world.cloud.dynamodb.tables[table].items.clear()


def outcome(event: str) -> dict[str, Any]:
    """Return what an event says but for when: the moment depends on how long the deploy took."""
    document = json.loads(event)
    document["data"].pop("settled_at", None)
    return {name: value for name, value in document.items() if name != "time"}


@pytest.mark.parametrize(("api", "later_api"), list(product(BOTH, BOTH)))
@pytest.mark.parametrize(("worker", "later_worker"), list(product(BOTH, BOTH)))
def test_any_two_versions_give_the_same_answers_and_one_effect(
    api: int, later_api: int, worker: int, later_worker: int
) -> None:
    # GIVEN an order that one version of the API took, and one of the worker has tried
    with staged() as stage:
        with running(api):
            first = stage.post()
        with running(worker):
            stage.world.deliver()

        # WHEN some time later the API is of the other version, or is not: its caller repeats, tries another body, and
        # repeats once more when the record has expired
        stage.deadline_passes()
        with running(later_api):
            again = stage.post()
            other = stage.post(body=order_body(("SKU-1", 3)))
            forget(stage, API_RECORDS)
            anew = stage.post()
        # WHEN the worker moves too, gets every message once more, and in the end knows both
        stage.redeliver()
        with running(later_worker):
            stage.world.deliver()
        with running(NEXT):
            stage.world.drain()

        # THEN every answer has the same bytes, marked as long as the key is remembered
        assert [status_of(each) for each in (first, again, other, anew)] == [202, 202, 422, 202]
        assert {body_of(each) for each in (first, again, anew)} == {body_of(first)}
        assert [is_replay(each) for each in (first, again, anew)] == [False, True, False]

        # THEN the order was settled once, no message is lost to a version that did not know it, and whoever hears of it
        # twice hears the same bytes
        assert stage.world.available("SKU-1") == 98
        assert [item["status"]["S"] for item in stage.world.orders.values()] == ["CONFIRMED"]
        assert (stage.world.orders_queue.messages, stage.world.dead_letters.messages) == ({}, {})
        assert len(set(published(stage))) == 1
        assert invariants.violations(stage.world) == []


def test_versions_say_the_same_in_their_answers_and_events() -> None:
    # GIVEN
    said = []
    for version in BOTH:
        with staged() as stage, running(version):
            # WHEN either version does all of it
            answer = stage.post()
            stage.world.drain()
            said.append((body_of(answer), *(outcome(event) for event in published(stage))))
    # THEN nobody outside can tell which it was
    assert said[0] == said[1]


def test_a_worker_that_was_rolled_back_leaves_what_it_does_not_know_to_the_next() -> None:
    # GIVEN an order of the next version, and its worker dead between settling and publishing
    with staged() as stage:
        with running(NEXT):
            stage.post()
            stage.world.deliver(at("Publish", crash_before))
        (row,) = stage.world.orders.values()
        # WHEN the worker is rolled back for as long as half the receives last, and deployed again
        with running(SCHEMA_VERSION):
            for _ in range(stage.world.deployment.max_receive_count // 2):
                stage.lease_passes()
                stage.world.deliver()
        assert published(stage) == []
        with running(NEXT):
            stage.lease_passes()
            stage.world.drain()
        # THEN it is published, as it was settled then
        (event,) = published(stage)
        assert json.loads(event)["time"] == row["settled_at"]["S"]
        assert stage.world.available("SKU-1") == 98
        assert stage.world.dead_letters.messages == {}


def test_what_is_written_is_what_the_last_release_wrote() -> None:
    # GIVEN the last release's bytes
    # WHEN the code at hand does the same
    # THEN it writes the same, so that code of that release can take over at any point
    assert plain(record()) == RECORDED[LAST], (
        f"Release {LAST} would not recognise what is written now. If it is to differ: raise SCHEMA_VERSION where older "
        "workers cannot read it, and record the release that brings it: python -m tests.flow.releases 0.2.0"
    )


@pytest.mark.parametrize("release", list(RECORDED))
class TestFromARelease:
    """The code at hand goes on from where an older release stopped."""

    def test_a_retry_gets_the_recorded_answer(self, release: str) -> None:
        # GIVEN what it left when it had answered
        past = RECORDED[release]
        with staged() as stage:
            restore(stage, past["accepted"])
            stage.deadline_passes()
            # WHEN the caller repeats, and once more after its record has expired
            again = stage.post(KEY, BODY)
            forget(stage, API_RECORDS)
            anew = stage.post(KEY, BODY)
            # THEN
            assert told(again.response) == past["replay"]
            assert (status_of(anew), body_of(anew)) == (202, past["answer"]["body"])

    def test_a_message_that_waits_is_processed_as_it_would_have_been(self, release: str) -> None:
        # GIVEN what it left when it had answered
        past = RECORDED[release]
        with staged() as stage:
            restore(stage, past["accepted"])
            # WHEN
            stage.world.drain()
            # THEN
            (event,) = published(stage)
            assert event == past["event"]
            assert (stage.world.available("SKU-1"), stage.world.available("SKU-2")) == (98, 4)

    def test_a_message_whose_order_was_never_stored_makes_the_order(self, release: str) -> None:
        # GIVEN an API that died after its send
        past = RECORDED[release]
        accepted = {**past["accepted"], "tables": {**past["accepted"]["tables"], "orders": [], API_RECORDS: []}}
        with staged() as stage:
            restore(stage, accepted)
            # WHEN the worker is first, and the caller repeats
            stage.world.drain()
            again = stage.post(KEY, BODY)
            stage.world.drain()
            # THEN
            assert body_of(again) == past["answer"]["body"]
            assert set(published(stage)) == {past["event"]}
            assert stage.world.available("SKU-1") == 98

    def test_what_was_settled_and_not_published_is_published_with_the_same_bytes(self, release: str) -> None:
        # GIVEN a worker that died between the two
        past = RECORDED[release]
        settled = {
            "tables": {**past["settled"]["tables"], WORKER_RECORDS: []},
            "messages": past["accepted"]["messages"],
        }
        with staged() as stage:
            restore(stage, settled)
            stage.deadline_passes()
            # WHEN
            stage.world.drain()
            # THEN
            assert published(stage) == [past["event"]]
            assert stage.world.available("SKU-1") == 98

    def test_what_is_done_stays_done(self, release: str) -> None:
        # GIVEN a message that comes once more after all was done
        past = RECORDED[release]
        with staged() as stage:
            restore(stage, {**past["settled"], "messages": past["accepted"]["messages"]})
            # WHEN
            stage.world.drain()
            order_id = json.loads(past["event"])["subject"]
            view = stage.world.get(order_id, caller="ann")
            # THEN nobody hears of it again, and its caller sees what it saw
            assert published(stage) == []
            assert stage.world.available("SKU-1") == 98
            assert told(view) == past["view"]
