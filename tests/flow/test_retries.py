"""Tests of a message's receives, from the first to the last."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lab.simulation import invariants
from lab.simulation.crash_points.stage import staged
from lab.simulation.crash_points.worker_paths import settled_and_stock_gone
from lab.simulation.fakes import Call, Fault, Process
from lab.simulation.fakes.faults import server_error, throttled, transaction_cancelled
from lab.simulation.world import ORDERS, World


def every_call(service: str) -> Process:
    """Return a process for which every call of a service is throttled."""

    def on_call(call: Call) -> Fault | None:
        return throttled if call.service == service else None

    return Process(on_call=on_call)


def next_delivery(world: World, process: Process | None = None) -> Process:
    """Let time pass until a message is visible, and deliver it."""
    process = process or Process()
    world.cloud.clock.advance_to(world.orders_queue.next_visible_at() or 0)
    world.deliver(process)
    return process


def test_an_order_is_processed_once_however_many_messages_it_has() -> None:
    # GIVEN an order with three messages, of which the first is processed
    with staged() as stage:
        stage.accept()
        sent = stage.message()
        stage.world.drain()
        # WHEN the other two are processed
        stage.world.orders_queue.resend(sent)
        first = next_delivery(stage.world)
        stage.world.orders_queue.resend(sent)
        second = next_delivery(stage.world)
        # THEN each run makes only one call: a PutItem, which fails because the order's idempotency
        # record exists. Nothing is published
        assert [[call.operation for call in process.calls] for process in (first, second)] == [["PutItem"], ["PutItem"]]
        assert len(stage.world.subscriber.received) == 1


def test_a_settled_order_never_gets_another_outcome() -> None:
    # GIVEN a confirmed order whose event is not yet published, and whose SKU is now sold out
    with staged() as stage:
        run = settled_and_stock_gone(stage)
        process = Process()
        # WHEN its message is delivered again
        run(process)
        # THEN no write tries to reject it, although no stock is left
        writes = [call for call in process.calls if call.operation == "UpdateItem"]
        assert [call for call in writes if call.params["TableName"] == ORDERS] == []
        assert stage.statuses() == ("CONFIRMED",)


def test_pauses_grow_to_the_cap_and_no_further() -> None:
    # GIVEN a message that fails at every receive
    with staged() as stage:
        stage.accept()
        received: list[float] = []
        # WHEN it is received until SQS moves it to the dead-letter queue
        while stage.world.orders_queue.messages:
            next_delivery(stage.world, every_call("sns"))
            received.append(stage.world.cloud.clock.time())
        # THEN its pauses grow by the backoff up to the cap, and add up to at least twenty minutes
        config = stage.world.deployment
        ceilings = [min(config.retry_cap_seconds, config.retry_base_seconds * 2**n) for n in range(7)]
        pauses = [later - earlier for earlier, later in pairwise(received)]
        # After the last receive, the message is visible at once. At the next poll, SQS does not
        # deliver it, but moves it to the dead-letter queue.
        assert pauses[-1] == 0
        for pause, ceiling in zip(pauses, ceilings, strict=False):
            assert ceiling / 2 <= pause <= ceiling + 1
        assert sum(pauses) >= 20 * 60
        assert stage.world.orders_queue.moves[0][1] == config.max_receive_count == len(received) - 1


def test_transaction_conflicts_are_retried_within_one_receive() -> None:
    # GIVEN an order for a popular SKU, whose transaction is cancelled five times and then succeeds
    with staged() as stage:
        stage.accept()
        tries: list[Call] = []

        def busy(call: Call) -> Fault | None:
            if call.operation != "TransactWriteItems":
                return None
            tries.append(call)
            return transaction_cancelled(["None", "TransactionConflict"]) if len(tries) <= 5 else None

        # WHEN it is delivered once
        next_delivery(stage.world, Process(on_call=busy))
        # THEN it is confirmed at that receive
        assert len(tries) == 6
        assert stage.world.orders_queue.messages == {}
        assert stage.statuses() == ("CONFIRMED",)


@pytest.mark.parametrize("minutes", [5, 20])
@pytest.mark.parametrize("service", ["dynamodb", "sns"])
def test_no_order_is_dead_lettered_in_an_outage(service: str, minutes: int) -> None:
    # GIVEN orders that arrive just before a dependency goes down
    with staged() as stage:
        for number in range(20):
            stage.accept(f"key-{number}", ("SKU-1", 1))
        back_at = stage.world.cloud.clock.time() + minutes * 60
        # WHEN the dependency is down for 5 or 20 minutes, and then works again
        while stage.world.orders_queue.messages:
            stage.world.cloud.clock.advance_to(stage.world.orders_queue.next_visible_at() or 0)
            down = stage.world.cloud.clock.time() < back_at
            stage.world.deliver(every_call(service) if down else None)
        # THEN every order is confirmed, and no message became a dead letter
        assert stage.statuses() == ("CONFIRMED",) * 20
        assert stage.world.orders_queue.moves == []
        assert invariants.violations(stage.world) == []


def test_a_message_whose_dead_letter_cannot_be_sent_stays_in_the_queue() -> None:
    # GIVEN a message that is not JSON, and a dead-letter queue that accepts no message
    with staged() as stage:
        stage.accept()
        stage.message().body = "not JSON"

        def refuse(call: Call) -> Fault | None:
            return server_error if call.operation == "SendMessage" else None

        # WHEN it is delivered
        next_delivery(stage.world, Process(on_call=refuse))
        # THEN it stays in the queue. When the send works again, the message becomes a dead letter with its reason
        assert len(stage.world.orders_queue.messages) == 1
        assert stage.world.dead_letters.messages == {}
        next_delivery(stage.world)
        assert stage.world.orders_queue.messages == {}
        (dead,) = stage.world.dead_letters.messages.values()
        assert dead.attributes["error_type"]["StringValue"] == "MALFORMED_BODY"
        assert invariants.violations(stage.world) == []


def test_sqs_moves_a_message_to_the_dead_letter_queue_if_the_worker_cannot_send_it_there() -> None:
    # GIVEN a message that is not JSON, and a worker that cannot send to the dead-letter queue
    with staged() as stage:
        stage.accept()
        stage.message().body = "not JSON"

        def refuse(call: Call) -> Fault | None:
            return server_error if call.operation == "SendMessage" else None

        # WHEN it is delivered until it leaves the queue
        stage.world.drain(refuse)
        # THEN the redrive policy moves it once, after max_receive_count receives, and its order is FAILED
        assert [count for _, count in stage.world.orders_queue.moves] == [8]
        assert stage.statuses() == ("FAILED",)
        assert invariants.violations(stage.world) == []


def test_a_failing_message_causes_no_extra_receives_of_other_messages_in_its_batch() -> None:
    # GIVEN a message that fails at every receive, in a batch with other messages
    with staged() as stage:
        bad = stage.accept("bad")
        good = [stage.accept(f"good-{number}") for number in range(5)]

        def fails(call: Call) -> Fault | None:
            return server_error if bad in repr(call.params) and call.operation == "TransactWriteItems" else None

        # WHEN the queue is emptied
        stage.world.drain(fails)
        # THEN each other message needs one receive, and the failing message uses all of its receives
        receives = {
            message.attributes["order_id"]["StringValue"]: message.receive_count
            for message in stage.world.orders_queue.deleted.values()
        }
        assert receives == dict.fromkeys(good, 1)
        assert [count for _, count in stage.world.orders_queue.moves] == [8]
        assert invariants.violations(stage.world) + invariants.dead_letters_are_marked(stage.world) == []
