"""Tests how dead letters are read, merged and selected, how their states are found, and what a redrive sends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lab.simulation.world import WORKER_RECORDS, World
from ops.gateway.orders import record_id
from ops.logic.case import Facts, assess, merge
from ops.logic.conditions import Conditions
from ops.logic.dead_letter import Received, State, read_letter
from ops.logic.durations import WrongValueError, parse_duration, show_duration
from ops.logic.resend import batches, fresh_attributes, send_entry
from ops.logic.stored import UnreadableOrder
from runtime.models.fields import SCHEMA_VERSION
from runtime.models.order import OrderStatus
from tests.ops.factories import CALLER, ORDER_ID, OTHER_ID, accept, body, received, stored, text

UNREADABLE_ROW = UnreadableOrder(ORDER_ID, "ACCEPTED", {"accepted_at": "is no date"}, newer=False, item={})


@pytest.mark.parametrize(
    ("order", "finished", "state"),
    [
        (stored(status=OrderStatus.FAILED), False, State.FAILED),
        (stored(status=OrderStatus.ACCEPTED), False, State.UNREPORTED),
        (stored(status=OrderStatus.CONFIRMED), False, State.NOTIFICATION_MISSING),
        (stored(status=OrderStatus.REJECTED), False, State.NOTIFICATION_MISSING),
        (stored(status=OrderStatus.CONFIRMED), True, State.LEFTOVER),
        (stored(status=OrderStatus.DISCARDED), False, State.DISCARDED),
        (None, False, State.NO_ORDER),
    ],
)
def test_the_state_of_a_dead_letter_depends_on_its_order_and_event(order: Any, finished: bool, state: State) -> None:
    # GIVEN a dead letter, and its order if there is one
    facts = Facts({ORDER_ID: order} if order else {}, finished={ORDER_ID} if finished else ())
    # WHEN it is assessed
    case = assess(read_letter(received()), facts)
    # THEN its state depends on the order's status and on whether the order's event was published
    assert case.state is state


def test_a_dead_letter_whose_order_has_an_unreadable_row_has_the_state_corrupt_order() -> None:
    # GIVEN a row of the orders table that is not a valid order
    # WHEN this order's dead letter is assessed
    case = assess(read_letter(received()), Facts(corrupt={ORDER_ID: UNREADABLE_ROW}))
    # THEN the state says that the row is corrupt
    assert case.state is State.CORRUPT_ORDER


@pytest.mark.parametrize("content", ["not json", "[]", "7", "\x00"])
def test_a_body_that_is_no_json_object_is_unreadable(content: str) -> None:
    # GIVEN a failed order's message whose body is no JSON object
    message = received(body=content, attributes={"order_id": text(ORDER_ID), "error_type": text("MALFORMED_BODY")})
    # WHEN it is assessed
    case = assess(read_letter(message), Facts({ORDER_ID: stored()}))
    # THEN it is unreadable, and keeps its error type and its order's id
    assert (case.state, case.error_type, case.letter.order_id) == (State.UNREADABLE, "MALFORMED_BODY", ORDER_ID)


def test_a_message_of_a_newer_version_counts_as_readable() -> None:
    # GIVEN a message that only a newer worker can read
    message = received(body=body(schema_version=SCHEMA_VERSION + 1))
    # WHEN it is read
    letter = read_letter(message)
    # THEN it counts as readable, because a newer worker can read it, and it names its order
    assert letter.readable
    assert letter.order_id == ORDER_ID


def test_a_message_that_names_two_orders_gets_no_order_id() -> None:
    # GIVEN a message whose body and attribute name different orders
    message = received(attributes={"order_id": text(OTHER_ID)})
    # WHEN it is read
    letter = read_letter(message)
    # THEN the letter gets no order id, so that `dlq discard` makes neither of the two orders DISCARDED
    assert letter.order_id is None


def test_the_error_comes_from_the_message_or_else_from_the_order() -> None:
    # GIVEN an order with an error, and two messages of this order: one without an error, one with another error
    facts = Facts({ORDER_ID: stored(error={"error_type": "ContentionError", "error": "busy", "attempt": 8})})
    own = received(attributes={"order_id": text(ORDER_ID), "error_type": text("INVALID_MESSAGE"), "attempt": text("1")})
    # WHEN the messages are assessed
    moved_by_sqs, sent_by_us = assess(read_letter(received()), facts), assess(read_letter(own), facts)
    # THEN the first message shows the order's error, and the second shows the message's error
    assert (moved_by_sqs.error_type, moved_by_sqs.error, moved_by_sqs.attempts) == ("ContentionError", "busy", 8)
    assert (sent_by_us.error_type, sent_by_us.attempts) == ("INVALID_MESSAGE", 1)


def test_nothing_personal_is_shown() -> None:
    # GIVEN a message with personal data in its order's reference
    message = received(body=body(reference="Ann Smith, ann@example.com"))
    # WHEN it is shown
    shown = json.dumps(assess(read_letter(message), Facts()).as_json(now=0))
    # THEN it contains neither the caller nor the reference
    assert "Ann" not in shown
    assert CALLER not in shown
    assert "1 line, 39.80 EUR" in shown


def test_copies_are_merged_and_the_oldest_message_comes_first() -> None:
    # GIVEN a message, a copy of it that was sent again, and an older message of another order
    first = received(message_id="a", sent_at=20)
    copy = received(message_id="b", sent_at=30, attributes={**first.attributes, "original_message_id": text("a")})
    older = received(message_id="c", sent_at=10, body=body(order_id=OTHER_ID), attributes={"order_id": text(OTHER_ID)})
    # WHEN they are merged
    merged = merge(assess(read_letter(message), Facts()) for message in (copy, first, older))
    # THEN two dead letters are left, the older one first
    assert [(case.letter.message_id, case.copies) for case in merged] == [("c", ()), ("a", ("b",))]


def test_conditions_with_the_same_key_are_alternatives_and_every_given_key_must_match() -> None:
    # GIVEN two states and an age as conditions
    where = Conditions.parse(["state=failed", "state=no-order", "older_than=1m"])
    cases = [
        assess(read_letter(received(sent_at=at)), facts)
        for at in (0, 95)
        for facts in (Facts(), Facts({ORDER_ID: stored()}))
    ]
    settled = assess(read_letter(received(sent_at=0)), Facts({ORDER_ID: stored(status=OrderStatus.CONFIRMED)}))
    # WHEN they are applied 100 seconds after the epoch
    chosen = [where.matches(case, 100) for case in (*cases, settled)]
    # THEN they match the dead letters that are old enough and in one of the two states
    assert chosen == [True, True, False, False, False]


@pytest.mark.parametrize("condition", ["state", "state=", "=x", "colour=red", "older_than=soon", "state=lost"])
def test_an_invalid_condition_is_refused(condition: str) -> None:
    # GIVEN an invalid condition
    # WHEN it is parsed
    # THEN the message says what is allowed
    with pytest.raises(WrongValueError, match=r"allowed|such as 15m"):
        Conditions.parse([condition])


@given(st.integers(0, 10**8))
def test_a_duration_is_shown_in_its_largest_unit_and_the_next_one(seconds: int) -> None:
    # GIVEN any duration
    # WHEN it is shown
    shown = show_duration(seconds)
    # THEN a text with one unit is exact. A text with two units is rounded down to a whole number of the smaller unit
    units = [parse_duration(part) for part in shown.split()]
    assert 0 <= seconds - sum(units) < {1: 1, 2: parse_duration(f"1{shown[-1]}")}[len(units)]


@given(st.lists(st.tuples(*[st.integers(1, 100_000)] * 3), max_size=40))
@example([(1, 1, 1)] * 25)
def test_every_message_is_in_a_batch_and_each_batch_of_several_messages_fits_into_one_call(
    sizes: list[tuple[int, int, int]],
) -> None:
    # GIVEN messages with bodies and two attributes of any size
    messages = [
        received(message_id=str(number), body="x" * size, attributes={"a": text("é" * one), "b": text("x" * two)})
        for number, (size, one, two) in enumerate(sizes)
    ]
    # WHEN they are put into batches
    made = list(batches(messages))
    # THEN every message is in a batch, in order, and a batch of several messages fits into one call
    assert [message for batch in made for message in batch] == messages
    assert all(1 <= len(batch) <= 10 for batch in made)
    assert all(len(batch) == 1 or sum(map(bytes_of, batch)) <= 262_144 for batch in made)


def bytes_of(message: Received) -> int:
    """Return the size as SQS counts it: the body, and the name, type and value of each attribute."""
    attributes = fresh_attributes(message).items()
    texts = [message.body, *(part for name, each in attributes for part in (name, *each.values()))]
    return sum(len(each.encode()) for each in texts)


def test_ten_attributes_of_the_sender_are_kept() -> None:
    # GIVEN a message with as many attributes as SQS allows
    attributes = {f"a{number}": text("x") for number in range(10)}
    # WHEN its attributes for the next send are made
    fresh = fresh_attributes(received(attributes=attributes))
    # THEN they are the sender's attributes only: the redrive adds none of its own
    assert fresh == attributes


def test_each_send_to_a_fifo_queue_keeps_the_group_and_has_its_own_deduplication_id() -> None:
    # GIVEN a message
    message = received(group_id="SKU-1")
    # WHEN it is sent twice to a FIFO queue, and once to a standard queue
    entries = [send_entry(message, fifo=fifo) for fifo in (True, True, False)]
    # THEN the group is the same, and the deduplication ids differ
    assert {entry["MessageGroupId"] for entry in entries} == {"SKU-1"}
    assert entries[0]["MessageDeduplicationId"] != entries[1]["MessageDeduplicationId"]
    # AND the standard queue, which refuses a deduplication id, gets none
    assert "MessageDeduplicationId" not in entries[2]


def test_the_workers_record_of_an_order_has_the_key_that_ops_computes(world: World) -> None:
    # GIVEN an order that the worker has settled
    order_id = accept(world, "k")
    world.drain()
    # WHEN ops computes the key of the worker's record
    # THEN the worker's table has a record with this key
    assert (record_id(order_id),) in world.cloud.dynamodb.tables[WORKER_RECORDS].items
