"""Tests which parts of a message are sent to the dead-letter queue."""

from typing import Any

import pytest

from runtime.logic.delivery import Delivery
from runtime.store.dead_letters import MAX_ATTRIBUTES, DeadLetters
from tests.unit.store.clients import Recording


def sent(attributes: dict[str, Any], error: str = "why") -> dict[str, Any]:
    """Return the parameters of the call that sends a message with these attributes to the dead-letter queue."""
    client: Any = Recording()
    delivery = Delivery("m-1", "receipt-1", "body", attributes, 3)
    DeadLetters(client, "https://dlq").send(delivery, error_type="KIND", error=error)
    call: dict[str, Any] = client.only
    return call


def text(value: Any) -> dict[str, Any]:
    """Return a String attribute in Lambda's format."""
    return {"dataType": "String", "stringValue": value}


def test_a_dead_letter_is_the_message_with_the_reason_of_its_failure() -> None:
    # GIVEN a message without attributes
    # WHEN it is sent to the dead-letter queue
    call = sent({})
    # THEN the dead letter has the message's body, and the reason of the failure in its attributes
    assert call == {
        "QueueUrl": "https://dlq",
        "MessageBody": "body",
        "MessageAttributes": {
            "error_type": {"DataType": "String", "StringValue": "KIND"},
            "error": {"DataType": "String", "StringValue": "why"},
            "original_message_id": {"DataType": "String", "StringValue": "m-1"},
            "attempt": {"DataType": "Number", "StringValue": "3"},
        },
    }


def test_the_orders_attributes_are_kept_if_a_message_has_too_many() -> None:
    # GIVEN a message with more attributes than a dead letter may have; the order's attributes are the last ones
    names = [*(f"a{number}" for number in range(8, -1, -1)), "schema_version", "order_id", "correlation_id"]
    # WHEN it is sent
    attributes = sent({name: text(name) for name in names})["MessageAttributes"]
    # THEN the dead letter has ten attributes, which is the limit of SQS, and the order's attributes are among them
    assert len(attributes) == MAX_ATTRIBUTES == 10
    assert list(attributes)[:6] == ["correlation_id", "order_id", "schema_version", "a0", "a1", "a2"]


@pytest.mark.parametrize(
    "broken",
    [
        text(""),
        text(5),
        {"dataType": "Binary", "binaryValue": ""},
        {"dataType": "Binary", "binaryValue": 5},
        {"dataType": 5, "stringValue": "x"},
        {"stringValue": "x"},
        {},
    ],
)
def test_an_attribute_that_sqs_would_refuse_is_left_out(broken: dict[str, Any]) -> None:
    # GIVEN a message with an attribute that cannot be sent
    # WHEN it becomes a dead letter
    attributes = sent({"broken": broken, "fine": text("x")})["MessageAttributes"]
    # THEN the dead letter is sent without this attribute
    assert set(attributes) == {"fine", "error_type", "error", "original_message_id", "attempt"}


@pytest.mark.parametrize(
    ("error", "expected"), [("a\x00b\ufffe", "a?b?"), ("", "?"), ("\t\n\U0001f600", "\t\n\U0001f600")]
)
def test_characters_that_sqs_refuses_are_replaced_in_an_error(error: str, expected: str) -> None:
    # GIVEN an error with characters that SQS refuses, an empty error, or a valid error
    # WHEN the dead letter is sent
    # THEN a question mark replaces each refused character, or the empty error. The valid error is unchanged
    assert sent({}, error)["MessageAttributes"]["error"]["StringValue"] == expected
