"""Tests messages that the worker cannot process. A message that a newer worker may be able to process is retried. All
others become dead letters at once, with the reason."""

import json
from typing import Any

import pytest

from lab.chaos.orders import dead_letter, receives_of
from local.client import LocalStack
from local.demo.account import Account
from runtime.models.fields import SCHEMA_VERSION

pytestmark = pytest.mark.e2e


def send(stack: LocalStack, body: str, order_id: str | None = None, version: str | None = None) -> str:
    named: dict[str, Any] = {}
    if order_id:
        named["order_id"] = {"DataType": "String", "StringValue": order_id}
    if version:
        named["schema_version"] = {"DataType": "Number", "StringValue": version}
    answer = stack.aws.sqs.send_message(
        QueueUrl=stack.outputs["orders_queue_url"], MessageBody=body, MessageAttributes=named
    )
    return answer["MessageId"]


@pytest.mark.parametrize(
    ("body", "error_type"),
    [
        pytest.param("not an order", "MALFORMED_BODY", id="not JSON"),
        pytest.param("[]", "MALFORMED_BODY", id="an array"),
        pytest.param(json.dumps({"schema_version": SCHEMA_VERSION}), "INVALID_MESSAGE", id="no order"),
    ],
)
def test_a_message_that_can_never_be_processed_is_a_dead_letter_at_once(
    stack: LocalStack, account: Account, body: str, error_type: str
) -> None:
    # GIVEN a message that no retry can make valid
    # WHEN it is delivered
    message_id = send(stack, body)

    # THEN it is in the dead-letter queue after one receive, unchanged and with the reason
    letter = dead_letter(account, original_message_id=message_id)
    assert letter.message["Body"] == body
    assert letter.attribute("error_type") == error_type
    assert letter.attribute("error")
    assert letter.attribute("attempt") == "1"


def test_the_order_of_an_unreadable_message_is_marked_failed(stack: LocalStack, account: Account) -> None:
    # GIVEN a message with an unreadable body, and an attribute that names its order
    order_id = "11111111-1111-5111-8111-111111111111"

    # WHEN it is delivered
    send(stack, "not an order", order_id)

    # THEN the order is FAILED and has the reason
    dead_letter(account, order_id=order_id)
    row = account.orders()[order_id]
    assert (row["status"], row["error"]["error_type"]) == ("FAILED", "MALFORMED_BODY")


def test_a_message_of_a_newer_version_is_retried(stack: LocalStack, account: Account) -> None:
    # GIVEN a message whose schema version is newer than the version that the worker can read
    order_id = "22222222-2222-5222-8222-222222222222"

    # WHEN it is delivered
    send(stack, json.dumps({"schema_version": SCHEMA_VERSION + 1}), order_id, version=str(SCHEMA_VERSION + 1))

    # THEN it is retried, because a deployment may be in progress. After its last receive it is a dead letter
    letter = dead_letter(account, order_id=order_id)
    assert letter.attribute("error_type") is None
    assert [(each.attempt, each.error) for each in receives_of(account, order_id)] == [
        (attempt, "NewerSchemaError") for attempt in range(1, account.max_receives() + 1)
    ]
    assert account.orders()[order_id]["status"] == "FAILED"
