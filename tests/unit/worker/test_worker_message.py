"""Tests the reading of a message: the result is its order or a kind of failure."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.logic.delivery import Delivery
from runtime.logic.failures import MAX_ERROR_LENGTH, NewerSchemaError, PermanentError, describe
from runtime.logic.message import MAX_CHARACTERS
from runtime.models.fields import MAX_STRUCTURAL, SCHEMA_VERSION, structural_characters
from runtime.models.order import OrderMessage
from tests.unit.worker.factories import NEWER, attribute, content, delivery, message, order_id, read_message

SECRET = "s3cr3t"  # no error may contain this text


def failure_of(sent: Delivery) -> PermanentError:
    """Return the permanent failure of a message."""
    with pytest.raises(PermanentError) as caught:
        read_message(sent)
    return caught.value


def test_a_valid_message_is_read_as_the_order() -> None:
    # GIVEN a message as the API sends it
    sent = delivery(content(reference="for Jane"))
    # WHEN it is read
    # THEN the result is the order
    assert read_message(sent) == message(reference="for Jane")


def test_a_message_without_attributes_is_read_from_its_body() -> None:
    # GIVEN a valid body alone
    sent = delivery(content(), attributes={})
    # WHEN it is read
    # THEN the body is enough
    assert read_message(sent).order_id == order_id(1)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="empty"),
        pytest.param(f"{{{SECRET}", id="not JSON"),
        pytest.param(f'["{SECRET}"]', id="a list"),
        pytest.param("null", id="null"),
        pytest.param("[" * MAX_STRUCTURAL, id="nested deeply"),
        pytest.param('{"a":' * (MAX_STRUCTURAL // 2), id="objects nested deeply"),
        pytest.param(f'{{"total": {"9" * 10_000}}}', id="a number of ten thousand digits"),
    ],
)
def test_a_body_that_is_no_json_object_is_a_permanent_failure(body: str) -> None:
    # GIVEN a body that no version of the program would write
    sent = delivery(body, attributes={"order_id": order_id(7)})
    # WHEN it is read
    failure = failure_of(sent)
    # THEN the failure is permanent, the order id is that of the attribute, and the error contains nothing of the body
    assert failure.error_type == "MALFORMED_BODY"
    assert sent.order_id == order_id(7)
    assert SECRET not in describe(failure).error


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (
            "x" * (MAX_CHARACTERS + 1),
            f"The body has {MAX_CHARACTERS + 1} characters, at most {MAX_CHARACTERS} are read.",
        ),
        (
            "[" * (MAX_STRUCTURAL + 1),
            f"The body is not read: it has more than {MAX_STRUCTURAL} of the characters `{{`, `[`, `:` and `,`.",
        ),
    ],
)
def test_a_body_that_is_too_long_or_too_complex_is_not_parsed(body: str, error: str) -> None:
    # GIVEN a body with one character too many, or with one structural character too many
    # WHEN it is read
    failure = failure_of(delivery(body))
    # THEN the failure is permanent, and its error names the limit
    assert (failure.error_type, str(failure)) == ("INVALID_MESSAGE", error)


def test_the_longest_body_is_parsed() -> None:
    # GIVEN a body of the greatest allowed length, and a body that is a list
    longest, items = "x" * MAX_CHARACTERS, "[1]"
    # WHEN they are read
    errors = [(failure.error_type, str(failure)) for failure in map(failure_of, map(delivery, (longest, items)))]
    # THEN both are parsed: the first one is not JSON, and the second one is not an object
    assert errors == [
        ("MALFORMED_BODY", "The body is not JSON."),
        ("MALFORMED_BODY", "The body is JSON, but not a JSON object."),
    ]


@pytest.mark.parametrize(
    ("overrides", "pointer"),
    [
        ({"order_id": ...}, "/order_id"),
        ({"order_id": SECRET}, "/order_id"),
        ({"currency": SECRET}, "/currency"),
        ({"lines": []}, "/lines"),
        ({"lines": [{"sku": SECRET, "quantity": 1}]}, "/lines/0/unit_price"),
        ({"lines": [{"sku": "A", "quantity": True, "unit_price": "1"}]}, "/lines/0/quantity"),
        ({"lines": [{"sku": "A", "quantity": 1, "unit_price": 1.5}]}, "/lines/0/unit_price"),
        ({SECRET: 1}, "/(unknown field)"),
        ({"lines": [{"sku": "A", "quantity": 1, "unit_price": "1", SECRET: 1}]}, "/lines/0/(unknown field): "),
        ({"traceparent": "\ud800"}, "/traceparent: Value error, must be valid Unicode"),
        ({"\ud800\x00": 1}, "/: "),
        ({"reference": "\ud800"}, "/reference"),
        ({"accepted_at": SECRET}, "/accepted_at"),
        ({"accepted_at": "2026-02-30T12:00:00.000Z"}, "/accepted_at: Value error, there is no such day or time"),
        ({"schema_version": 0}, "/schema_version"),
        ({"schema_version": str(NEWER)}, "/schema_version"),
        ({"schema_version": True}, "/schema_version"),
        ({"schema_version": 1.5}, "/schema_version"),
    ],
)
def test_an_invalid_message_of_a_known_version_is_a_permanent_failure(overrides: dict[str, Any], pointer: str) -> None:
    # GIVEN a message that this version would not write
    sent = delivery(content(**overrides), attributes={"order_id": order_id(1)})
    # WHEN it is read
    failure = failure_of(sent)
    # THEN the failure is permanent, and its error names the invalid place, not the value
    assert failure.error_type == "INVALID_MESSAGE"
    assert sent.order_id == order_id(1)
    assert pointer in describe(failure).error
    assert SECRET not in describe(failure).error
    assert describe(failure).error.isprintable()


@pytest.mark.parametrize("name", sorted(OrderMessage.model_fields.keys() - {"schema_version", "lines"}))
def test_a_lone_surrogate_in_any_text_outside_the_lines_is_a_permanent_failure(name: str) -> None:
    # GIVEN a message with a text that neither a table nor a queue would accept
    half: dict[str, Any] = {name: "\ud800"}
    sent = delivery(content(**half))
    # WHEN it is read
    failure = failure_of(sent)
    # THEN the failure is permanent, and its error names the field
    assert failure.error_type == "INVALID_MESSAGE"
    assert f"/{name}" in describe(failure).error


def test_the_error_of_a_very_wrong_message_is_short() -> None:
    # GIVEN a message that is wrong in very many places
    sent = delivery(content(**{f"field{number}": 1 for number in range(300)}))
    # WHEN it is read
    text = describe(failure_of(sent)).error
    # THEN its error fits into a message attribute, and says how many places are left out
    assert len(text) <= MAX_ERROR_LENGTH
    assert "and 290 more" in text


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(delivery(content(schema_version=NEWER)), id="by its body"),
        pytest.param(delivery(content(schema_version=NEWER, lines="of another kind")), id="with another structure"),
        pytest.param(delivery(content(schema_version=10**300)), id="far newer"),
        pytest.param(
            delivery("H4sI compressed", attributes={"schema_version": NEWER}),
            id="by its attribute, with a body that is not JSON",
        ),
        pytest.param(delivery(content(), attributes={"schema_version": NEWER + 1}), id="by its attribute alone"),
    ],
)
def test_a_message_of_a_newer_version_is_never_a_permanent_failure(sent: Delivery) -> None:
    # GIVEN a message that a newer version wrote, in whatever form
    # WHEN it is read
    # THEN the failure is a `NewerSchemaError`, so the message is retried
    with pytest.raises(NewerSchemaError):
        read_message(sent)


@pytest.mark.parametrize("version", ["", "two", "-2", "1e9", "\uff12", "9" * 5000, str(SCHEMA_VERSION)])
def test_a_version_attribute_is_ignored_unless_it_names_a_newer_version(version: str) -> None:
    # GIVEN a valid body, and an attribute that is the current version or does not consist of one to nine ASCII digits
    sent = delivery(content(), attributes={"schema_version": version})
    # WHEN it is read
    # THEN the version in the body counts
    assert read_message(sent).schema_version == SCHEMA_VERSION


@pytest.mark.parametrize("named", [order_id(2), "nonsense", ""])
def test_the_failure_is_permanent_and_names_no_order_if_body_and_attribute_differ(
    named: str,
) -> None:
    # GIVEN a valid body, and an attribute that names another order or is no order id
    sent = delivery(content(1), attributes={"order_id": named})
    # WHEN it is read
    failure = failure_of(sent)
    # THEN the failure is permanent, and the message's order is unknown
    assert failure.error_type == "ORDER_ID_MISMATCH"
    assert str(failure) == "The message attribute order_id and the order_id of the body differ; they must be equal."
    assert (sent.order_id, sent.order) == (None, None)


@pytest.mark.parametrize(
    ("sent", "concerned"),
    [
        (delivery(content(3)), (order_id(3), message(3))),
        (delivery("nonsense", attributes={"order_id": order_id(4)}), (order_id(4), None)),
        (delivery(content(5, schema_version=NEWER)), (order_id(5), None)),
        (delivery("nonsense"), (None, None)),
    ],
)
def test_the_order_id_of_a_message_is_read_from_its_body_or_else_from_its_attribute(
    sent: Delivery, concerned: tuple[str | None, OrderMessage | None]
) -> None:
    # GIVEN messages that can be read completely, partly or not at all
    # WHEN the id of their order is read
    # THEN it is read from the body, or else from the attribute. If neither has an id, the order is unknown
    assert (sent.order_id, sent.order) == concerned


@pytest.mark.parametrize("named", ["", "nonsense", order_id(0xABC).upper(), f" {order_id(1)}", f"{order_id(1)}\n"])
def test_an_order_id_attribute_with_an_invalid_value_is_ignored(named: str) -> None:
    # GIVEN an attribute that is not exactly an order id
    sent = delivery("nonsense", attributes={"order_id": named})
    # WHEN the id of the order is read
    # THEN there is none
    assert sent.named_order_id is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    body=st.text()
    | json_values.map(json.dumps)
    | st.fixed_dictionaries({}, optional=dict.fromkeys(content(), json_values)).map(
        lambda changes: json.dumps({**content(), **changes})
    ),
    attributes=st.dictionaries(
        st.sampled_from(["order_id", "schema_version", "other"]),
        st.none() | st.text() | st.just({}) | st.builds(attribute, st.text()),
    ),
)
def test_an_unreadable_message_raises_a_permanent_or_newer_schema_error(body: str, attributes: dict[str, Any]) -> None:
    # GIVEN anything as body and attributes
    sent = Delivery.from_record({"messageId": "m", "body": body, "messageAttributes": attributes})
    # WHEN it is read
    # THEN every failure is a `PermanentError` or a `NewerSchemaError`, with a text that can be sent
    try:
        read_message(sent)
    except (PermanentError, NewerSchemaError) as failure:
        describe(failure).error.encode()


@given(
    st.dictionaries(
        st.sampled_from(["messageId", "receiptHandle", "body", "attributes", "messageAttributes"]), json_values
    )
)
def test_any_record_is_read_as_a_delivery(record: dict[str, Any]) -> None:
    # GIVEN a record with anything in it
    # WHEN it is read
    read = Delivery.from_record(record)
    # THEN its body is a text, its attribute `order_id` a text or missing, and its receive count at least one
    assert isinstance(read.body, str)
    assert read.receive_count >= 1
    assert read.attribute("order_id") is None or isinstance(read.attribute("order_id"), str)


def test_every_part_of_a_record_is_read() -> None:
    # GIVEN a record as Lambda passes it, with one broken attribute
    record = {
        "messageId": "m",
        "receiptHandle": "r",
        "body": "b",
        "attributes": {"ApproximateReceiveCount": "3", "MessageGroupId": "g"},
        "messageAttributes": {"fine": attribute("x"), "broken": "y"},
    }
    # WHEN it is read
    # THEN every part except the broken attribute is in its field
    assert Delivery.from_record(record) == Delivery("m", "r", "b", {"fine": attribute("x")}, 3, "g")


@pytest.mark.parametrize("wrong", [None, 5, []])
def test_parts_that_are_missing_or_of_a_wrong_type_are_empty(wrong: Any) -> None:
    # GIVEN a record in which every part has a wrong type, and one without any part
    parts = ("messageId", "receiptHandle", "body", "attributes", "messageAttributes")
    # WHEN they are read
    # THEN each delivery is empty and counts as the first receive
    empty = Delivery("", "", "", {}, 1)
    assert Delivery.from_record(dict.fromkeys(parts, wrong)) == empty == Delivery.from_record({})
    assert Delivery.from_record({"attributes": {"MessageGroupId": wrong}}) == empty


@pytest.mark.parametrize("value", [{}, {"stringValue": 5}, {"stringValue": None}])
def test_an_attribute_without_a_text_counts_as_missing(value: dict[str, Any]) -> None:
    # GIVEN an attribute without a text, and a missing one
    read = Delivery.from_record({"messageAttributes": {"order_id": value}})
    # WHEN they are read
    # THEN neither has a value
    assert (read.attribute("order_id"), read.attribute("other")) == (None, None)


@pytest.mark.parametrize(
    ("digits", "newer"),
    [(str(NEWER), True), ("9" * 9, True), ("9" * 10, False), (str(SCHEMA_VERSION), False), ("0", False)],
)
def test_a_version_attribute_is_a_number_of_at_most_nine_digits(digits: str, newer: bool) -> None:
    # GIVEN a message whose body has the current version, and an attribute
    sent = delivery(content(), attributes={"schema_version": digits})
    # WHEN it is read
    # THEN the attribute counts only if it is a newer version of at most nine digits
    if newer:
        with pytest.raises(NewerSchemaError):
            read_message(sent)
    else:
        assert read_message(sent) == message()


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        *[("1", 1), ("7", 7), (7, 7), ("0", 1), ("-3", 1), ("x", 1), ("\u0663", 1), (None, 1)],
        *[("9" * 9, 10**9 - 1), ("9" * 10, 1), ("2", 2)],
    ],
)
def test_an_invalid_receive_count_counts_as_one(count: Any, expected: int) -> None:
    # GIVEN a receive count as SQS writes it, or an invalid one
    # WHEN the record is read
    read = Delivery.from_record({"attributes": {"ApproximateReceiveCount": count}})
    # THEN the count is that number, or 1
    assert read.receive_count == expected


def test_structural_characters_are_counted_wherever_they_are() -> None:
    # GIVEN / WHEN / THEN `{`, `[`, `:` and `,` are counted, also inside strings
    assert structural_characters('{"X": [1, 2], "a,b": "x:y"}') == 8
