"""Tests the limits of the guarantees: what docs/guarantees.md says about each limit really happens."""

from __future__ import annotations

import json
from typing import Any

from lab.simulation import invariants
from lab.simulation.crash_points.stage import DAY, Stage, staged
from lab.simulation.fakes import Call, Process
from lab.simulation.fakes.faults import answer_lost_then_retried, crash_after, unreachable
from lab.simulation.fakes.wire import Perform, Response
from lab.simulation.requests import order_body
from lab.simulation.world import Exchange

OTHER_BODY = order_body(("SKU-1", 3))


def status_of(exchange: Exchange) -> int | None:
    """Return the answer's status; ``None`` if there was no answer."""
    return None if exchange.response is None else int(exchange.response["statusCode"])


def is_replay(exchange: Exchange) -> bool:
    """Return whether the answer is marked as a replay."""
    return exchange.response is not None and "Idempotent-Replayed" in exchange.response["headers"]


def at(operation: str, fault: Any) -> Process:
    """Return a process whose first call of ``operation`` has the fault."""
    done: list[Call] = []

    def on_call(call: Call) -> Any:
        if call.operation != operation or done:
            return None
        done.append(call)
        return fault

    return Process(on_call=on_call)


def published(stage: Stage) -> list[str]:
    """Return the bodies of all notifications."""
    return [notification.body for notification in stage.world.subscriber.received]


def test_a_lost_answer_to_the_first_write_leads_to_409_until_the_deadline() -> None:
    # GIVEN a request that wrote its record. The write's answer was lost, so the SDK sent the write again
    with staged() as stage:
        first = stage.post(process=at("PutItem", answer_lost_then_retried))
        # WHEN its caller retries immediately, and again after the function's timeout
        at_once = stage.post()
        stage.world.cloud.clock.advance(stage.world.deployment.api_timeout_seconds + 0.001)
        later = stage.post()
        # THEN the request and its first retry are refused as "in progress", although no run is active. The retry
        # after the first run's deadline is accepted
        assert [status_of(one) for one in (first, at_once, later)] == [409, 409, 202]
        assert not is_replay(later)


def test_another_body_after_a_503_makes_a_second_order() -> None:
    # GIVEN a request whose message was sent, but whose answer was 503. Its caller cannot know whether the order exists
    with staged() as stage:
        first = stage.post(process=at("SendMessage", _sent_but_timed_out))
        # WHEN its caller changes the body but keeps the key
        second = stage.post(body=OTHER_BODY)
        stage.world.drain()
        # THEN there are two orders, because a request with another body is not a retry
        assert [status_of(first), status_of(second)] == [503, 202]
        assert stage.statuses() == ("CONFIRMED", "CONFIRMED")


def _sent_but_timed_out(call: Call, perform: Perform) -> Response:
    perform()
    return unreachable(call, perform)


def test_a_late_failure_deletes_the_record_but_the_next_answer_is_the_same() -> None:
    # GIVEN a request that pauses. Its lease ends, its retry is answered, and then the paused run fails
    with staged() as stage:

        def pause(call: Call, perform: Perform) -> Response:
            stage.lease_passes()
            stage.post()
            return unreachable(call, perform)

        stage.post(process=at("SendMessage", pause))
        # WHEN its caller retries again
        again = stage.post()
        stage.world.drain()
        # THEN the answer is not marked as a replay, because the record is gone. But answer and order are the same
        answered = [one for one in stage.world.exchanges if one.accepted]
        assert len(answered) == 2
        assert not is_replay(again)
        assert len({one.response["body"] for one in answered if one.response is not None}) == 1
        assert stage.statuses() == ("CONFIRMED",)
        assert invariants.violations(stage.world) == []


def test_after_the_record_has_expired_only_another_body_makes_a_new_order() -> None:
    # GIVEN an order whose idempotency record has expired
    with staged() as stage:
        first = stage.post()
        stage.world.drain()
        stage.world.cloud.clock.advance(DAY + 1)
        # WHEN the key is used with the same body, and a day later with another body
        same = stage.post()
        stage.world.cloud.clock.advance(DAY + 1)
        other = stage.post(body=OTHER_BODY)
        stage.world.drain()
        # THEN the same body gets the same answer, not marked as a replay, and the other body makes a second order
        assert first.response is not None
        assert same.response is not None
        assert same.response["body"] == first.response["body"]
        assert not is_replay(same)
        assert status_of(other) == 202
        assert stage.statuses() == ("CONFIRMED", "CONFIRMED")


def test_a_notification_can_arrive_twice_with_the_same_id_and_bytes() -> None:
    # GIVEN a worker that is killed right after its publish
    with staged() as stage:
        stage.accept()
        stage.world.deliver(at("Publish", crash_after))
        # WHEN the message is delivered again
        stage.world.drain()
        # THEN a subscriber receives the event twice, with the same id and the same bytes
        first, second = published(stage)
        assert first == second
        assert json.loads(first)["id"].endswith(":order.confirmed")


def test_a_message_can_have_two_dead_letters_with_one_original_id() -> None:
    # GIVEN a worker that is killed right after it has sent a dead letter
    with staged() as stage:
        stage.accept()
        stage.message().body = "not JSON"
        stage.world.deliver(at("SendMessage", crash_after))
        # WHEN the message is delivered again
        stage.world.drain()
        # THEN there are two dead letters, which name the same original message
        dead = stage.world.dead_letters.messages.values()
        assert len(dead) == 2
        assert len({one.attributes["original_message_id"]["StringValue"] for one in dead}) == 1


def test_a_discarded_order_is_final_and_publishes_no_event() -> None:
    # GIVEN a discarded order whose message is still in the queue
    with staged() as stage:
        order_id = stage.accept()
        stage.world.discard(order_id)
        # WHEN the message is processed, and the caller retries
        stage.world.drain()
        again = stage.post()
        # THEN no stock was taken and no event published; a lookup shows DISCARDED, and the retry gets the first answer
        assert stage.world.available("SKU-1") == 100
        assert published(stage) == []
        assert json.loads(stage.world.get(order_id, caller="ann")["body"])["status"] == "DISCARDED"
        assert is_replay(again)
        assert again.response is not None
        assert json.loads(again.response["body"])["status"] == "ACCEPTED"


def test_an_order_stays_accepted_if_its_last_attempt_is_killed_before_its_first_write() -> None:
    # GIVEN a message at its last attempt, whose process is killed before its first write
    with staged() as stage:
        stage.accept()
        stage.message().receive_count = stage.world.deployment.max_receive_count - 1

        def killed(call: Call, perform: Perform) -> Response:
            return crash_after(call, dict)

        stage.world.deliver(at("UpdateItem", killed))
        # WHEN SQS moves the message to the dead-letter queue
        stage.world.drain()
        # THEN there is a dead letter, but its order is still ACCEPTED
        assert len(stage.world.dead_letters.messages) == 1
        assert stage.statuses() == ("ACCEPTED",)
        assert invariants.violations(stage.world) == []


def test_a_message_is_dead_lettered_if_a_twin_has_the_lease_at_the_messages_last_receive() -> None:
    # GIVEN a message whose last receive happens while an earlier run still holds its lease
    with staged() as stage:
        order_id = stage.accept()
        stage.message().receive_count = stage.world.deployment.max_receive_count - 2
        stage.world.deliver(at("PutItem", crash_after))
        stage.redeliver()
        # WHEN this last attempt fails because of the lease, and SQS then moves the message to the
        # dead-letter queue
        stage.world.deliver()
        stage.world.deliver()
        marked = stage.statuses()
        # THEN it is a dead letter of a FAILED order, and a redrive confirms the order
        assert marked == ("FAILED",)
        assert len(stage.world.dead_letters.messages) == 1
        stage.lease_passes()
        stage.everything_is_redriven()
        assert stage.world.orders[order_id]["status"]["S"] == "CONFIRMED"
        assert invariants.violations(stage.world) == []
