"""Tests the features of the queue model that emulators lack.

For example, tests can advance its clock, deliver a message twice, or make Lambda retry the whole batch.
"""

from __future__ import annotations

from typing import Any

import pytest

from lab.simulation.clock import Clock, Entropy
from lab.simulation.queue_model import EventSourceMapping, FifoQueue, Queue, RedrivePolicy, Returned, StaleReceiptError

DAY = 86_400


def make_queue(clock: Clock | None = None, **overrides: Any) -> Queue:
    """Return a standard queue with this clock, or with a new clock."""
    return Queue(**{"name": "q", "clock": clock or Clock(), "entropy": Entropy(1), **overrides})


def make_fifo() -> FifoQueue:
    """Return a FIFO queue with a new clock."""
    return FifoQueue("q.fifo", Clock(), Entropy(1))


def test_dead_letter_retention_counts_from_the_original_send() -> None:
    # GIVEN a message that was moved at an age of four days, to a queue with a retention of five days
    clock = Clock()
    dead = make_queue(clock, name="dead", retention_seconds=5 * DAY)
    queue = make_queue(clock, retention_seconds=14 * DAY, redrive=RedrivePolicy(dead, 1))
    queue.send("x")
    queue.receive()
    clock.advance(4 * DAY)
    queue.receive()
    assert len(dead.messages) == 1
    # WHEN one day and one second pass
    clock.advance(DAY + 1)
    # THEN it has expired
    assert dead.receive() == []
    assert [message.body for message in dead.expired] == ["x"]


def test_a_redriven_message_has_a_new_id_and_count() -> None:
    # GIVEN a received message
    queue = make_queue()
    sent = queue.send("x", {"order_id": {"DataType": "String", "StringValue": "o"}})
    queue.receive()
    queue.clock.advance(60)
    # WHEN it is sent again
    again = queue.resend(sent)
    # THEN its content is the same, and id, send time and receive count are new
    assert (again.body, again.attributes) == (sent.body, sent.attributes)
    assert again.message_id != sent.message_id
    assert (again.receive_count, again.sent_at) == (0, sent.sent_at + 60)


def test_a_standard_queue_can_redeliver_messages_that_are_in_flight_or_deleted() -> None:
    # GIVEN a message in flight
    queue = make_queue()
    sent = queue.send("x")
    (first,) = [message.receipt for message in queue.receive()]
    # WHEN it is delivered a second time, deleted, and delivered again by a server that missed the delete
    queue.redeliver(sent.message_id)
    (second,) = [message.receipt for message in queue.receive()]
    assert second is not None
    queue.delete(second)
    queue.resurrect(sent.message_id)
    (third,) = queue.receive()
    # THEN each delivery has increased the receive count and has its own receipt handle
    assert third.receive_count == 3
    assert len({first, second, third.receipt}) == 3


def test_messages_are_received_in_a_random_but_reproducible_order() -> None:
    # GIVEN twenty messages in two queues with the same seed
    def bodies() -> list[str]:
        queue = make_queue()
        for number in range(20):
            queue.send(str(number))
        return [message.body for message in queue.receive(20)]

    # WHEN they are received
    first, second = bodies(), bodies()
    # THEN both queues give the same sequence, which is not the sequence of the sends
    assert first == second
    assert first != sorted(first, key=int)


def test_a_fifo_queue_resets_the_send_time_of_a_moved_message() -> None:
    # GIVEN a FIFO message that is moved a day after it was sent
    clock, entropy = Clock(), Entropy(1)
    dead = FifoQueue("dead.fifo", clock, entropy)
    queue = FifoQueue("q.fifo", clock, entropy, redrive=RedrivePolicy(dead, 1))
    queue.send_to_group("x", "g", "d")
    queue.receive()
    clock.advance(DAY)
    # WHEN the next receive moves it
    queue.receive()
    # THEN its retention counts from the move
    assert [message.sent_at for message in dead.messages.values()] == [clock.time()]


def test_a_fifo_receipt_handle_expires_with_the_visibility_timeout() -> None:
    # GIVEN a FIFO message whose visibility timeout has passed
    queue = make_fifo()
    queue.send_to_group("x", "g", "d")
    (message,) = queue.receive()
    assert message.receipt is not None
    queue.clock.advance(queue.visibility_seconds)
    # WHEN it is deleted by its receipt handle
    # THEN the handle is refused
    with pytest.raises(StaleReceiptError):
        queue.delete(message.receipt)


def test_a_fifo_redrive_is_not_deduplicated() -> None:
    # GIVEN a FIFO message that was sent, received and deleted within five minutes
    queue = make_fifo()
    sent = queue.send_to_group("x", "g", "d")
    (message,) = queue.receive()
    queue.delete(message.receipt or "")
    # WHEN it is sent again with the same deduplication id, and then redriven
    deduplicated = queue.send_to_group("x", "g", "d")
    redriven = queue.resend(sent)
    # THEN only the redrive delivers a message
    assert deduplicated is sent
    assert [one.message_id for one in queue.receive(10)] == [redriven.message_id]


@pytest.mark.parametrize(
    ("report", "kept"),
    [
        (lambda ids: {"batchItemFailures": [{"itemIdentifier": ids[1]}]}, 1),
        (lambda ids: {"batchItemFailures": [{"itemIdentifier": ids[0]}, {"itemIdentifier": "unknown"}]}, 3),
        (lambda ids: {"batchItemFailures": [{"itemIdentifier": ids[0]}, {"itemIdentifier": ""}]}, 3),
        (lambda _: {"batchItemFailures": "no list"}, 3),
        (lambda _: "no object", 3),
        (lambda _: {"batchItemFailures": []}, 0),
        (lambda _: None, 0),
    ],
)
def test_a_report_decides_how_many_messages_of_its_batch_are_kept(report: Any, kept: int) -> None:
    # GIVEN a batch of three
    queue = make_queue()
    for number in range(3):
        queue.send(str(number))
    mapping = EventSourceMapping(queue)
    # WHEN the function returns the report
    failed = mapping.deliver(lambda event: report([record["messageId"] for record in event["Records"]]))
    # THEN the expected number of messages is kept, and none is visible before its visibility timeout ends
    assert failed is not None
    assert (len(failed), len(queue.messages)) == (kept, kept)
    assert queue.receive(10) == []


def test_any_response_deletes_the_batch_if_the_mapping_ignores_reports() -> None:
    # GIVEN a mapping without ReportBatchItemFailures
    queue = make_queue()
    sent = queue.send("x")
    mapping = EventSourceMapping(queue, report_failures=False)
    # WHEN the function reports its message as failed
    mapping.deliver(lambda _: {"batchItemFailures": [{"itemIdentifier": sent.message_id}]})
    # THEN the report is ignored, and the message is deleted
    assert queue.messages == {}


def test_a_late_report_deletes_no_message_that_was_received_again() -> None:
    # GIVEN a batch that became visible again and was received by a second invocation
    queue = make_queue()
    queue.send("x")
    mapping = EventSourceMapping(queue)
    zombie = mapping.poll()
    queue.clock.advance(queue.visibility_seconds)
    successor = mapping.poll()
    assert zombie is not None
    assert successor is not None
    # WHEN the first invocation reports success late
    mapping.finish(zombie, Returned(None))
    # THEN the message is kept, and the second invocation's report deletes it
    assert len(queue.messages) == 1
    mapping.finish(successor, Returned(None))
    assert queue.messages == {}
