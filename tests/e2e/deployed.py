"""A stack on AWS for the end-to-end tests. They use its public address, and the AWS clients of `python -m ops`.

The names of the queues and articles that the tests create begin with fixed prefixes. By these prefixes, a later run
finds the queues and articles that a killed run left.
"""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from types import SimpleNamespace
from typing import Any, Final, cast

from local.client import LocalStack
from local.demo import http
from local.demo.account import Account, Event
from ops.gateway.clients import Clients
from ops.gateway.http import bearer
from ops.gateway.telemetry import Telemetry
from ops.target import Outputs, Target
from runtime.models.fields import TEST_CURRENCY
from runtime.store.items import from_item

NAME: Final = "orders-deployed"
"""The name of the pytest plugin that provides a `Deployed`."""
STOCK_PREFIX: Final = "AWS-CHECK-"
UNKNOWN_SKU: Final = "SKU-NOBODY-HAS"
_LOGGED: Final = ("order accepted", "order processed", "attempt failed", "attempt deferred", "message dead-lettered")
_NOT_ALL: Final = (
    "The orders of a deployed stack cannot be listed or counted, because some of them may be from other callers or "
    "from other runs. Read one order by its id."
)
_DAY_MS: Final = 86_400_000

order = partial(http.order, currency=TEST_CURRENCY)
"""An order in the test currency, by which subscribers of a shared stack can recognize it."""


class _Rows(Mapping[str, dict[str, Any]]):
    """Rows of a table that are read one at a time, because a scan would read the orders of others."""

    def __init__(self, clients: Clients, table: str) -> None:
        self._clients, self._table = clients, table

    def __getitem__(self, order_id: str) -> dict[str, Any]:
        key: Any = {"order_id": {"S": order_id}}
        answer: Any = self._clients.dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        if "Item" not in answer:
            raise KeyError(order_id)
        return dict(from_item(answer["Item"]))

    def __iter__(self) -> Iterator[str]:
        raise NotImplementedError(_NOT_ALL)

    def __len__(self) -> int:
        raise NotImplementedError(_NOT_ALL)


class DeployedAccount(Account):
    """Reads orders, stock, events and logs through the AWS APIs, and never scans the table of orders."""

    def __init__(self, stack: "DeployedStack") -> None:
        super().__init__(cast("LocalStack", stack))
        self._clients = stack.aws
        self._target = stack.target
        self._started_ms = round(1_000 * time.time()) - 60_000
        self._seen: list[Event] = []
        self._own_queue = ""

    def orders(self) -> Mapping[str, dict[str, Any]]:
        """Return the rows by order id. Each access reads one row."""
        return _Rows(self._clients, self._target.orders_table)

    def available(self, sku: str) -> int:
        """Return the available stock of `sku`."""
        key: Any = {"sku": {"S": sku}}
        answer: Any = self._clients.dynamodb.get_item(TableName=self._target.stock_table, Key=key, ConsistentRead=True)
        return int(answer["Item"]["available"]["N"])

    def events(self, subscriber: str) -> list[Event]:
        """Read more events from the run's own queue, and return all that were read so far."""
        del subscriber
        found = self._clients.sqs.receive_message(QueueUrl=self._own_queue, MaxNumberOfMessages=10, WaitTimeSeconds=2)
        for message in found.get("Messages", ()):
            self._seen.append(Event(message["Body"]))
            self._clients.sqs.delete_message(QueueUrl=self._own_queue, ReceiptHandle=message["ReceiptHandle"])
        return list(self._seen)

    def subscribe(self) -> None:
        """Create the run's queue, and subscribe it to events in the test currency. The stack needs a standard topic."""
        name = f"{own_prefix(self._target)}{uuid.uuid4().hex[:8]}"
        url = self._clients.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self._clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        topic = self._target.events_arn
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._clients.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        attributes = {"RawMessageDelivery": "true", "FilterPolicy": json.dumps({"currency": [TEST_CURRENCY]})}
        self._clients.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
        self._own_queue = url

    def _log(self, function: str) -> list[dict[str, Any]]:
        group = f"/aws/lambda/{self._target.prefix}-{function}"
        telemetry = Telemetry(self._clients.cloudwatch, self._clients.logs)
        end_ms = self._started_ms + _DAY_MS
        # One query for each text: the embedded AWS, on which this class also runs, cannot filter by several phrases.
        return [line for text in _LOGGED for line in telemetry.lines(group, (text,), self._started_ms, end_ms)]


@dataclass(frozen=True)
class DeployedStack:
    """The members of a `LocalStack` that the `deployed` tests need."""

    target: Target
    outputs: Outputs

    @cached_property
    def aws(self) -> Clients:
        """Clients of the account, with the caller's own credentials."""
        return Clients(self.target)


@dataclass(frozen=True)
class Deployed:
    """What the fixtures `stack`, `api` and `account` return if the tests run on a stack on AWS."""

    stack: DeployedStack
    token: str | None

    @cached_property
    def account(self) -> DeployedAccount:
        """The stack's account, read through the AWS APIs."""
        return DeployedAccount(self.stack)

    @cached_property
    def api(self) -> http.OrdersApi:
        """The API at its public address, with the token if there is one."""
        return http.OrdersApi(self.stack.outputs["api_url"], bearer(self.token))


def own_prefix(target: Target) -> str:
    """Return the prefix of the names of the queues that `make aws-check` creates."""
    return f"{target.prefix}-aws-check-"


def tidy_up(stack: DeployedStack) -> SimpleNamespace:
    """Remove the queues, subscriptions and articles that this run and earlier killed runs have created."""
    aws, target, removed = stack.aws, stack.target, SimpleNamespace(queues=0, articles=0)
    urls = aws.sqs.list_queues(QueueNamePrefix=own_prefix(target)).get("QueueUrls", [])
    names = {url.rpartition("/")[2] for url in urls}
    if target.notifications_topic_arn and names:
        pages = aws.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=target.notifications_topic_arn)
        for each in [each for page in pages for each in page["Subscriptions"]]:
            if each["Endpoint"].rpartition(":")[2] in names:
                aws.sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])
    for url in urls:
        aws.sqs.delete_queue(QueueUrl=url)
        removed.queues += 1
    for item in _own_articles(aws, target.stock_table):
        aws.dynamodb.delete_item(TableName=target.stock_table, Key={"sku": item["sku"]})
        removed.articles += 1
    return removed


def _own_articles(aws: Clients, table: str) -> list[Any]:
    given: Any = {
        "TableName": table,
        "FilterExpression": "begins_with(sku, :prefix)",
        "ExpressionAttributeValues": {":prefix": {"S": STOCK_PREFIX}},
        "ConsistentRead": True,
    }
    return [item for page in aws.dynamodb.get_paginator("scan").paginate(**given) for item in page["Items"]]
