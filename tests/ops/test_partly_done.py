"""Runs whole commands on moto: a command that can do only a part of its work reports what it did not do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from moto import mock_aws

from lab.simulation.fakes.errors import client_error
from ops.cli.main import main
from runtime.models.order import OrderMessage
from runtime.store.order_item import immutable_attributes
from runtime.store.order_queue import OrderQueue
from tests.ops.factories import DECISION, ORDER_ID, body
from tests.ops.test_target import outputs

REGION = "eu-west-1"


@pytest.fixture
def account() -> Iterator[None]:
    """Provide an account of moto."""
    with mock_aws():
        yield


def make_stack(folder: Path, dead_letters: list[str]) -> str:
    """Create a stack with FIFO queues and one caller's dead letters; return the path of its outputs."""
    sqs: Any = boto3.client("sqs", region_name=REGION)
    fifo = {"FifoQueue": "true"}
    dead = sqs.create_queue(QueueName="dlq.fifo", Attributes=fifo)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
    source = sqs.create_queue(QueueName="orders.fifo", Attributes={**fifo, "RedrivePolicy": policy})["QueueUrl"]
    for number, text in enumerate(dead_letters):
        sqs.send_message(QueueUrl=dead, MessageBody=text, MessageGroupId="caller", MessageDeduplicationId=str(number))
    given = outputs(orders_queue_url=source, dead_letter_queue_url=dead)
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    for table, key in ((given["orders_table"], "order_id"), (given["worker_idempotency_table"], "id")):
        dynamodb.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    boto3.client("logs", region_name=REGION).create_log_group(
        logGroupName=f"/aws/lambda/{given['process_order_function']}"
    )
    path = folder / "stack.json"
    path.write_text(json.dumps(given))
    return str(path)


def letters(count: int) -> list[str]:
    """Return the bodies of `count` dead letters, each for a different order."""
    return [body(order_id=f"{number:08d}-307d-56d4-8339-4dc839c7313d") for number in range(count)]


def shown(capsys: Any) -> tuple[dict[str, Any], str]:
    """Return what a command wrote: the JSON document, and the text for people."""
    written = capsys.readouterr()
    return json.loads(written.out), written.err


@pytest.mark.usefixtures("account")
def test_dead_letters_that_could_not_be_received_are_reported(tmp_path: Path, capsys: Any) -> None:
    # GIVEN fifteen dead letters of one caller in a FIFO queue
    path = make_stack(tmp_path, letters(15))
    # WHEN a redrive selects none of them
    code = main(["dlq", "redrive", *DECISION, "--where", "order_id=none", "--outputs", path, "--yes", "--json"])
    document, output = shown(capsys)
    # THEN it reports the five that it could not receive, and the exit code says that the run is not complete
    assert (document["seen"], document["unselected"], document["behind"]) == (10, 10, 5)
    assert "Not read: about" not in output
    assert code == 6


@pytest.mark.usefixtures("account")
def test_all_dead_letters_of_one_caller_are_redriven_in_one_run(tmp_path: Path, capsys: Any) -> None:
    # GIVEN fifteen dead letters of one caller in a FIFO queue
    path = make_stack(tmp_path, letters(15))
    # WHEN all are redriven
    code = main(["dlq", "redrive", *DECISION, "--outputs", path, "--yes", "--json"])
    document, _ = shown(capsys)
    # THEN all fifteen were received, because SQS returns a caller's next messages when the earlier ones are deleted
    assert (document["redriven"], document["behind"], code) == (15, 0, 0)


@pytest.mark.usefixtures("account")
def test_orders_that_were_sent_before_a_failure_are_named(tmp_path: Path, capsys: Any) -> None:
    # GIVEN two open orders, and a queue that accepts only the first
    path = make_stack(tmp_path, [])
    ids = [store_order(number) for number in range(2)]
    real = OrderQueue.send

    def only_first(queue: OrderQueue, message: Any) -> None:
        if message.order_id == ids[1]:
            raise client_error("SendMessage", "RequestThrottled", "slow")
        real(queue, message)

    # WHEN both are sent again
    with patch.object(OrderQueue, "send", only_first):
        code = main(["orders", "resend", *ids, "--outputs", path, "--yes"])
    written = capsys.readouterr()
    # THEN the first is reported as sent, and the run as failed
    assert code == 1
    assert written.out.splitlines() == [f"sent {ids[0]}"]
    assert "Orders sent: at least 1 of 2." in written.err


@pytest.mark.usefixtures("account")
def test_orders_that_cannot_be_sent_are_reported(tmp_path: Path, capsys: Any) -> None:
    # GIVEN an open order, an order that is stored only in part, and a row that is no order
    path = make_stack(tmp_path, [])
    sent, table = store_order(0), outputs()["orders_table"]
    for order_id, status in ((ORDER_ID, "ACCEPTED"), ("none", "ODD")):
        row = {"order_id": order_id, "status": status, "accepted_at": "2026-01-01T00:00:00.000Z"}
        item = {name: {"S": value} for name, value in row.items()}
        boto3.client("dynamodb", region_name=REGION).put_item(TableName=table, Item=item)
    # WHEN all open orders are sent again
    code = main(["orders", "resend", "--older-than", "0s", "--outputs", path, "--yes", "--json"])
    document, output = shown(capsys)
    # THEN the complete order is sent, and the exit code says that some orders were not sent
    assert (document["orders"], document["incomplete"], code) == ([sent], [ORDER_ID], 6)
    assert "not sent: none" in output


def store_order(number: int) -> str:
    """Store an accepted order as the API does, and return its id."""
    message = OrderMessage.model_validate_json(letters(number + 1)[number])
    table = outputs()["orders_table"]
    item = {"order_id": {"S": message.order_id}, "status": {"S": "ACCEPTED"}, **immutable_attributes(message)}
    boto3.client("dynamodb", region_name=REGION).put_item(TableName=table, Item=item)
    return message.order_id


def test_a_file_that_is_no_text_is_refused(tmp_path: Path, capsys: Any) -> None:
    # GIVEN a file of outputs that is no text
    path = tmp_path / "stack.json"
    path.write_bytes(b"\xff\xfe{\x00}\x00")
    # WHEN a command reads it
    code = main(["status", "--outputs", str(path)])
    # THEN the error says what is wrong with it
    assert code == 3
    assert "is not UTF-8 text" in capsys.readouterr().err
