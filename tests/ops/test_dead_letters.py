"""Reading, judging, merging and selecting dead letters; what is sent again."""

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
def test_the_state_follows_the_order(order: Any, finished: bool, state: State) -> None:
    # GIVEN a dead letter and its order
    facts = Facts({ORDER_ID: order} if order else {}, finished={ORDER_ID} if finished else ())
    # WHEN it is judged
    case = assess(read_letter(received()), facts)
    # THEN the state is what a person needs to know
    assert case.state is state


def test_an_unreadable_row_is_told() -> None:
    # GIVEN a row that is no order
    # WHEN its dead letter is judged
    case = assess(read_letter(received()), Facts(corrupt={ORDER_ID: UNREADABLE_ROW}))
    # THEN it says so
    assert case.state is State.CORRUPT_ORDER


@pytest.mark.parametrize("content", ["not json", "[]", "7", "\x00"])
def test_a_body_that_is_no_object_is_unreadable_whatever_its_order_is(content: str) -> None:
    # GIVEN such a message of a failed order
    message = received(body=content, attributes={"order_id": text(ORDER_ID), "error_type": text("MALFORMED_BODY")})
    # WHEN it is judged
    case = assess(read_letter(message), Facts({ORDER_ID: stored()}))
    # THEN it is listed by its reason and cannot be redriven
    assert (case.state, case.error_type, case.letter.order_id) == (State.UNREADABLE, "MALFORMED_BODY", ORDER_ID)


def test_a_message_of_a_newer_version_is_readable_one_day() -> None:
    # GIVEN a message that only a newer worker understands
    message = received(body=body(schema_version=SCHEMA_VERSION + 1))
    # WHEN it is read
    letter = read_letter(message)
    # THEN a redrive is possible
    assert letter.readable
    assert letter.order_id == ORDER_ID


def test_a_message_that_names_two_orders_names_none() -> None:
    # GIVEN a body and an attribute that differ
    message = received(attributes={"order_id": text(OTHER_ID)})
    # WHEN it is read
    letter = read_letter(message)
    # THEN neither order may be marked because of it
    assert letter.order_id is None


def test_the_reason_comes_from_the_message_or_else_from_the_order() -> None:
    # GIVEN an order with an error, and two messages of it
    facts = Facts({ORDER_ID: stored(error={"error_type": "ContentionError", "error": "busy", "attempt": 8})})
    own = received(attributes={"order_id": text(ORDER_ID), "error_type": text("INVALID_MESSAGE"), "attempt": text("1")})
    # WHEN they are judged
    moved_by_sqs, sent_by_us = assess(read_letter(received()), facts), assess(read_letter(own), facts)
    # THEN each tells its own
    assert (moved_by_sqs.error_type, moved_by_sqs.error, moved_by_sqs.attempts) == ("ContentionError", "busy", 8)
    assert (sent_by_us.error_type, sent_by_us.attempts) == ("INVALID_MESSAGE", 1)


def test_nothing_personal_is_shown() -> None:
    # GIVEN an order with a reference
    message = received(body=body(reference="Ann Smith, ann@example.com"))
    # WHEN it is shown
    shown = json.dumps(assess(read_letter(message), Facts()).as_json(now=0))
    # THEN neither caller nor reference is in it
    assert "Ann" not in shown
    assert CALLER not in shown
    assert "1 line, 39.80 EUR" in shown


def test_copies_are_one_case_and_the_oldest_comes_first() -> None:
    # GIVEN a message, a copy of it that was sent again, and an older one of another order
    first = received(message_id="a", sent_at=20)
    copy = received(message_id="b", sent_at=30, attributes={**first.attributes, "original_message_id": text("a")})
    older = received(message_id="c", sent_at=10, body=body(order_id=OTHER_ID), attributes={"order_id": text(OTHER_ID)})
    # WHEN they are merged
    merged = merge(assess(read_letter(message), Facts()) for message in (copy, first, older))
    # THEN there are two cases
    assert [(case.letter.message_id, case.copies) for case in merged] == [("c", ()), ("a", ("b",))]


def test_where_holds_for_every_key_and_any_of_its_values() -> None:
    # GIVEN conditions
    where = Conditions.parse(["state=failed", "state=no-order", "older_than=1m"])
    cases = [
        assess(read_letter(received(sent_at=at)), facts)
        for at in (0, 95)
        for facts in (Facts(), Facts({ORDER_ID: stored()}))
    ]
    settled = assess(read_letter(received(sent_at=0)), Facts({ORDER_ID: stored(status=OrderStatus.CONFIRMED)}))
    # WHEN they are applied 100 seconds after the epoch
    chosen = [where.matches(case, 100) for case in (*cases, settled)]
    # THEN old ones in one of the states are meant
    assert chosen == [True, True, False, False, False]


@pytest.mark.parametrize("condition", ["state", "state=", "=x", "colour=red", "older_than=soon", "state=lost"])
def test_a_condition_that_could_never_hold_is_refused(condition: str) -> None:
    # GIVEN such a condition
    # WHEN it is read
    # THEN the message says what is allowed
    with pytest.raises(WrongValueError, match=r"allowed|such as 15m"):
        Conditions.parse([condition])


@given(st.integers(0, 10**8))
def test_durations_are_shown_by_their_largest_unit(seconds: int) -> None:
    # GIVEN any duration
    # WHEN it is shown
    shown = show_duration(seconds)
    # THEN reading it back loses less than one of the smaller unit
    units = [parse_duration(part) for part in shown.split()]
    assert 0 <= seconds - sum(units) < {1: 1, 2: parse_duration(f"1{shown[-1]}")}[len(units)]


@given(st.lists(st.tuples(*[st.integers(1, 100_000)] * 3), max_size=40))
@example([(1, 1, 1)] * 25)
def test_batches_lose_nothing_and_fit(sizes: list[tuple[int, int, int]]) -> None:
    # GIVEN messages with bodies and two attributes of any size
    messages = [
        received(message_id=str(number), body="x" * size, attributes={"a": text("é" * one), "b": text("x" * two)})
        for number, (size, one, two) in enumerate(sizes)
    ]
    # WHEN they are put into batches
    made = list(batches(messages))
    # THEN all are there, in order, and a batch of several fits into one call
    assert [message for batch in made for message in batch] == messages
    assert all(1 <= len(batch) <= 10 for batch in made)
    assert all(len(batch) == 1 or sum(map(bytes_of, batch)) <= 262_144 for batch in made)


def bytes_of(message: Received) -> int:
    """As SQS counts what is sent: body, and name, type and value of each attribute."""
    attributes = fresh_attributes(message).items()
    texts = [message.body, *(part for name, each in attributes for part in (name, *each.values()))]
    return sum(len(each.encode()) for each in texts)


def test_ten_attributes_of_the_sender_are_all_kept() -> None:
    # GIVEN a message that uses every attribute SQS allows
    attributes = {f"a{number}": text("x") for number in range(10)}
    # WHEN it is made fresh
    fresh = fresh_attributes(received(attributes=attributes))
    # THEN ours gives way
    assert fresh == attributes


def test_a_group_stays_and_each_send_to_a_fifo_queue_has_its_own_deduplication_id() -> None:
    # GIVEN a message
    message = received(group_id="SKU-1")
    # WHEN it is sent twice to a FIFO queue, and once to a standard queue
    entries = [send_entry(message, fifo=fifo) for fifo in (True, True, False)]
    # THEN the group stays and the ids differ
    assert {entry["MessageGroupId"] for entry in entries} == {"SKU-1"}
    assert entries[0]["MessageDeduplicationId"] != entries[1]["MessageDeduplicationId"]
    # AND a standard queue, which refuses such an id, gets none
    assert "MessageDeduplicationId" not in entries[2]


def test_the_workers_records_are_found_under_its_own_key(world: World) -> None:
    # GIVEN an order that the worker has finished
    order_id = accept(world, "k")
    world.drain()
    # WHEN its record is looked for
    # THEN it is under the key that we compute
    assert (record_id(order_id),) in world.cloud.dynamodb.tables[WORKER_RECORDS].items
