"""A whole stack on moto, for tests that run whole commands."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
from botocore.client import BaseClient
from botocore.validate import validate_parameters
from moto import mock_aws

from ops.cli.main import main
from ops.gateway.clients import Clients
from ops.gateway.worker import Worker
from ops.target import Target
from tests.ops.test_target import outputs

REGION = "eu-west-1"
# One session for all tests: a new session reads the services' models again, which takes longer than most tests.
_SESSION = boto3.Session(region_name=REGION)
GIVEN = outputs()
_ROLE = {"Version": "2012-10-17", "Statement": []}


@contextmanager
def account(folder: Path) -> Iterator[MockStack]:
    """Provide an account with one stack."""
    # The worker needs no container, because no test runs it.
    with mock_aws(config={"lambda": {"use_docker": False}}), _mute_rules():
        yield MockStack(folder)


@contextmanager
def _mute_rules() -> Iterator[None]:
    """Provide CloudWatch's mute rules, which moto lacks. Each rule is active from its creation."""
    client_class: Any = BaseClient
    real, rules = client_class._make_api_call, {}

    def call(client: Any, operation: str, given: Any) -> Any:
        match operation:
            case "PutAlarmMuteRule":
                validate_parameters(given, client.meta.service_model.operation_model(operation).input_shape)
                rules[given["Name"]] = given
                return {}
            case "ListAlarmMuteRules":
                arns = [f"arn:aws:cloudwatch:{REGION}:123456789012:alarm-mute-rule:{name}" for name in rules]
                return {"AlarmMuteRuleSummaries": [{"AlarmMuteRuleArn": arn} for arn in arns]}
            case "GetAlarmMuteRule":
                return {**rules[given["AlarmMuteRuleName"]], "Status": "ACTIVE"}
            case "DeleteAlarmMuteRule":
                del rules[given["AlarmMuteRuleName"]]
                return {}
        return real(client, operation, given)

    with patch.object(client_class, "_make_api_call", call):
        yield


class MockStack:
    """Queues, tables, functions, event source mapping and topics, with the names of stack prod."""

    def __init__(self, folder: Path) -> None:
        clients: Any = _SESSION.client
        self.sqs, self.dynamodb, self.lambda_ = clients("sqs"), clients("dynamodb"), clients("lambda")
        self.logs, self.sns, self.cloudwatch, self.events = map(clients, ("logs", "sns", "cloudwatch", "events"))
        self.dead_letters = self.sqs.create_queue(QueueName="orders-prod-orders-queue-dlq")["QueueUrl"]
        policy = json.dumps({"deadLetterTargetArn": self.arn_of(self.dead_letters), "maxReceiveCount": 3})
        self.orders = self.sqs.create_queue(
            QueueName="orders-prod-orders-queue", Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "60"}
        )["QueueUrl"]
        for table, key in (
            (GIVEN["orders_table"], "order_id"),
            (GIVEN["stock_table"], "sku"),
            (GIVEN["worker_idempotency_table"], "id"),
        ):
            self.dynamodb.create_table(
                TableName=table,
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        self._functions()
        self.topic = self.sns.create_topic(Name="orders-prod-notifications")["TopicArn"]
        pages = {tier: self.sns.create_topic(Name=f"orders-prod-alarms-{tier}")["TopicArn"] for tier in ("page",)}
        self._clients: Clients | None = None
        self.outputs = folder / "stack.json"
        urls = {"orders_queue_url": self.orders, "dead_letter_queue_url": self.dead_letters}
        self.outputs.write_text(json.dumps({**GIVEN, **urls, "alarm_topic_arns": pages}))

    def arn_of(self, url: str) -> str:
        """Return a queue's ARN."""
        return str(self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])

    @property
    def selection(self) -> str:
        """Options with which `run` names the stack."""
        return f"--outputs {self.outputs}"

    def advised(self, output: str) -> list[str]:
        """Return the commands after `next:` in `output`, without `python -m ops` and `selection`."""
        return [each.replace(f" {self.selection}", "") for each in re.findall("next: python -m ops (.*)", output)]

    def run(self, *command: str) -> int:
        """Run a command on this stack. If `command` has `--outputs`, run it on the stack that this option names.

        All commands share their clients, because making clients takes most of a command's time.
        """
        # moto lacks the operation for the account's settings.
        with patch("ops.cli.main.Clients", self._shared), patch.object(Worker, "quota", lambda _: 1000):
            return main([*command, *([] if "--outputs" in command else self.selection.split())])

    def _shared(self, target: Target) -> Clients:
        self._clients = self._clients or Clients(target)
        return self._clients

    def put_order(self, item: dict[str, Any]) -> None:
        """Store any row in the orders table."""
        self.dynamodb.put_item(TableName=GIVEN["orders_table"], Item=item)

    def order(self, order_id: str) -> dict[str, Any]:
        """Return a row of the orders table."""
        found: dict[str, Any] = self.dynamodb.get_item(
            TableName=GIVEN["orders_table"], Key={"order_id": {"S": order_id}}
        )["Item"]
        return found

    def put_stock(self, item: dict[str, Any]) -> None:
        """Store any row in the stock table."""
        self.dynamodb.put_item(TableName=GIVEN["stock_table"], Item=item)

    def stock(self, sku: str) -> dict[str, Any]:
        """Return a row of the stock table."""
        found: dict[str, Any] = self.dynamodb.get_item(TableName=GIVEN["stock_table"], Key={"sku": {"S": sku}})["Item"]
        return found

    def put_record(self, item: dict[str, Any]) -> None:
        """Store any record of the worker."""
        self.dynamodb.put_item(TableName=GIVEN["worker_idempotency_table"], Item=item)

    def put_dead_letter(self, body: str, attributes: dict[str, Any]) -> None:
        """Send any message to the dead-letter queue."""
        self.sqs.send_message(QueueUrl=self.dead_letters, MessageBody=body, MessageAttributes=attributes)

    def log(self, function: str, *lines: dict[str, Any]) -> None:
        """Write lines to a function's log, each with its time `at`. If a line has a `text`, only that is written."""
        group, stream = f"/aws/lambda/{GIVEN[f'{function}_function']}", "stream"
        if not self.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            self.logs.create_log_group(logGroupName=group)
            self.logs.create_log_stream(logGroupName=group, logStreamName=stream)
        events = [
            {"timestamp": int(line["at"] * 1000), "message": line.get("text") or json.dumps(line)} for line in lines
        ]
        self.logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    def clear(self) -> None:
        """Delete all orders, dead letters and records of the worker. The stock stays."""
        for table, key in ((GIVEN["orders_table"], "order_id"), (GIVEN["worker_idempotency_table"], "id")):
            for item in self.dynamodb.scan(TableName=table)["Items"]:
                self.dynamodb.delete_item(TableName=table, Key={key: item[key]})
        # SQS allows a purge only once a minute.
        for message in self.messages(self.dead_letters):
            self.sqs.delete_message(QueueUrl=self.dead_letters, ReceiptHandle=message["ReceiptHandle"])

    def messages(self, url: str) -> list[Any]:
        """Return the messages in a queue, and make them visible again."""
        ask = partial(self.sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=10)
        found = [message for answer in iter(lambda: ask().get("Messages", []), []) for message in answer]
        for message in found:
            self.sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        return found

    def _functions(self) -> None:
        iam = _SESSION.client("iam")
        role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(_ROLE))["Role"]["Arn"]
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("handler.py", "")
        for name in ("create_order", "get_order", "process_order"):
            function = GIVEN[f"{name}_function"]
            self.lambda_.create_function(
                FunctionName=function,
                Runtime="python3.13",
                Role=role,
                Handler="handler.handler",
                Code={"ZipFile": code.getvalue()},
                Publish=True,
            )
            self.lambda_.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
        self.mapping = self.lambda_.create_event_source_mapping(
            EventSourceArn=self.arn_of(self.orders), FunctionName=GIVEN["process_order_function"]
        )["UUID"]
