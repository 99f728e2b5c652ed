"""Tests what of a message goes with it to the dead-letter queue."""

from typing import Any

import pytest

from runtime.logic.delivery import Delivery
from runtime.store.dead_letters import MAX_ATTRIBUTES, DeadLetters
from tests.unit.store.clients import Recording


def sent(attributes: dict[str, Any], error: str = "why") -> dict[str, Any]:
    """The call that sends a message with these attributes."""
    client: Any = Recording()
    delivery = Delivery("m-1", "receipt-1", "body", attributes, 3)
    DeadLetters(client, "https://dlq").send(delivery, error_type="KIND", error=error)
    call: dict[str, Any] = client.only
    return call


def text(value: Any) -> dict[str, Any]:
    """A String attribute in Lambda's spelling."""
    return {"dataType": "String", "stringValue": value}


def test_a_dead_letter_is_the_message_and_its_reason() -> None:
    # GIVEN a message without attributes
    # WHEN it is sent
    call = sent({})
    # THEN it is itself, and says why
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


def test_of_too_many_attributes_the_order_s_are_kept_and_then_the_first_by_name() -> None:
    # GIVEN a message with more attributes than there is room for, the order's last
    names = [*(f"a{number}" for number in range(8, -1, -1)), "schema_version", "order_id", "correlation_id"]
    # WHEN it is sent
    attributes = sent({name: text(name) for name in names})["MessageAttributes"]
    # THEN SQS takes it, and tools find what they need
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
def test_an_attribute_that_sqs_would_refuse_is_left_behind(broken: dict[str, Any]) -> None:
    # GIVEN a message with an attribute that cannot be sent
    # WHEN it becomes a dead letter
    attributes = sent({"broken": broken, "fine": text("x")})["MessageAttributes"]
    # THEN it goes without it, rather than not at all
    assert set(attributes) == {"fine", "error_type", "error", "original_message_id", "attempt"}


@pytest.mark.parametrize(("error", "told"), [("a\x00b\ufffe", "a?b?"), ("", "?"), ("\t\n\U0001f600", "\t\n\U0001f600")])
def test_an_error_is_told_in_characters_that_sqs_takes(error: str, told: str) -> None:
    # GIVEN an error with characters that SQS refuses, or none
    # WHEN the dead letter is sent
    # THEN they are question marks
    assert sent({}, error)["MessageAttributes"]["error"]["StringValue"] == told
