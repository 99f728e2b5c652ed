"""Fixtures for the worker: an AWS account of moto with its tables, queues and topic, and the worker itself."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from runtime.handlers import process_order
from runtime.handlers.powertools.batch import BatchRunner
from runtime.handlers.powertools.idempotency import WorkerIdempotency
from runtime.models.order import OrderMessage, StoredOrder
from runtime.observability import metrics
from runtime.settings import WorkerSettings
from runtime.store.items import to_order
from runtime.store.order_intake import OrderIntake
from tests.unit.worker import factories

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

ORDERS, STOCK, IDEMPOTENCY = "orders-test-orders", "orders-test-stock", "orders-test-worker-idempotency"

# One session for all tests: a new one reads the descriptions of the services again, which takes longer than a test.
SESSION = boto3.session.Session()
_ACCOUNT = threading.Lock()

Perform = Callable[[], dict[str, Any]]
Fault = Callable[[Perform], dict[str, Any]]


@dataclass
class Spy:
    """A client that records its calls and applies the next fault that is planned for their operation."""

    client: Any
    calls: list[tuple[str, dict[str, Any]]]
    faults: dict[str, list[Fault]]

    @property
    def meta(self) -> Any:
        """Return the client's `meta`, which Powertools reads."""
        return self.client.meta

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**params: Any) -> dict[str, Any]:
            self.calls.append((operation, params))
            fault = self.faults[operation].pop(0) if self.faults.get(operation) else None

            def perform() -> dict[str, Any]:
                # One call at a time: when moto cancels a transaction, it undoes the writes of other threads too.
                with _ACCOUNT:
                    answer: dict[str, Any] = getattr(self.client, operation)(**params)
                    return answer

            return fault(perform) if fault else perform()

        return call


@dataclass
class FakeTime:
    """A clock for the worker. `sleep` advances it."""

    now: float = 1_769_860_801.5  # 1.5 s after the messages were accepted
    slept: list[float] = field(default_factory=list)

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return self.now

    def monotonic(self) -> float:
        """Return the same seconds as `time`."""
        return self.now

    def sleep(self, seconds: float, /) -> None:
        """Advance the clock."""
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class WorkerAccount:
    """The account, the worker on it, and the worker's calls and metrics."""

    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    sns: "SNSClient"
    settings: WorkerSettings
    subscriber_url: str
    events: "EventBridgeClient | None" = None
    clock: FakeTime = field(default_factory=FakeTime)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    counted: dict[str, float] = field(default_factory=dict)

    def worker(self, **settings: Any) -> BatchRunner:
        """Return a new worker, as a new process builds it."""
        return process_order.build(
            dynamodb=self._spy(self.dynamodb),
            sqs=self._spy(self.sqs),
            sns=self._spy(self.sns),
            events=None if self.events is None else self._spy(self.events),
            settings=self.settings.model_copy(update=settings),
            clock=self.clock,
            random=lambda: 0.5,
        )

    def run(self, *records: Any, remaining: float = 60.0, context: Any = None, **settings: Any) -> list[str]:
        """Process a batch with a new worker, add its metrics to `counted` and return the ids in `batchItemFailures`."""
        metrics.clear_metrics()
        response = self.worker(**settings).run(
            factories.event(*records), context or factories.context(remaining=remaining)
        )
        for name, metric in metrics.metric_set.items():
            self.counted[name] = self.counted.get(name, 0) + sum(metric["Value"])
        metrics.clear_metrics()
        return [str(failure["itemIdentifier"]) for failure in response["batchItemFailures"]]

    def disturb(self, operation: str, *faults: Fault) -> None:
        """Plan these faults for the next calls of `operation`."""
        self.faults.setdefault(operation, []).extend(faults)

    def called(self, operation: str) -> list[dict[str, Any]]:
        """Return the parameters of each call of `operation`."""
        return [params for name, params in self.calls if name == operation]

    def stock(self, **available: int) -> None:
        """Set the stock of articles; `SKU_1` stands for `SKU-1`."""
        for sku, number in available.items():
            self.dynamodb.put_item(
                TableName=STOCK, Item={"sku": {"S": sku.replace("_", "-")}, "available": {"N": str(number)}}
            )

    def available(self, sku: str) -> int:
        """Return the stock that is left of an article."""
        item = self.dynamodb.get_item(TableName=STOCK, Key={"sku": {"S": sku}})["Item"]
        return int(item["available"]["N"])

    def accept(self, message: OrderMessage) -> None:
        """Store an accepted order as the API does."""
        OrderIntake(self.dynamodb, ORDERS).upsert_accepted(message)

    def put_order(self, **fields: str) -> None:
        """Store an order with these text attributes only."""
        self.dynamodb.put_item(TableName=ORDERS, Item={name: {"S": text} for name, text in fields.items()})

    def order(self, number: int = 1) -> StoredOrder | None:
        """Return the stored order, if any."""
        answer = self.dynamodb.get_item(TableName=ORDERS, Key={"order_id": {"S": factories.order_id(number)}})
        return to_order(answer["Item"]) if "Item" in answer else None

    def status(self, number: int = 1) -> str | None:
        """Return the status of the stored order, if any."""
        order = self.order(number)
        return order.status.value if order else None

    def records(self) -> list[dict[str, Any]]:
        """Return the idempotency records."""
        return list(self.dynamodb.scan(TableName=IDEMPOTENCY)["Items"])

    def published(self) -> list[str]:
        """Return the documents that a subscriber received since the last call."""
        return [json.loads(message["Body"])["Message"] for message in self._drain(self.subscriber_url)]

    def dead_letters(self) -> list[Any]:
        """Return the messages that reached the dead-letter queue since the last call."""
        return self._drain(self.settings.dead_letter_queue_url)

    def delays(self) -> list[int]:
        """Return the seconds for which messages were hidden."""
        return [call["VisibilityTimeout"] for call in self.called("change_message_visibility")]

    def run_in_progress(self, number: int = 1, *, seconds: float = 60) -> None:
        """Store the record of another run. Its lease ends in `seconds`, or has ended if `seconds` is negative."""
        records = WorkerIdempotency(self.dynamodb, IDEMPOTENCY, 3600)
        records.register(factories.context(remaining=seconds))
        records._layer.save_inprogress(factories.order_id(number), int(seconds * 1000))  # type: ignore[arg-type] # Powertools accepts a str

    def _drain(self, url: str) -> list[Any]:
        answer = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        return answer.get("Messages", [])

    def _spy(self, client: Any) -> Any:
        return Spy(client, self.calls, self.faults)


def cancelled(*codes: str, items: dict[int, dict[str, Any]] | None = None) -> Fault:
    """Return a fault: whatever the transaction writes, DynamoDB cancels it with these reasons."""
    stored_items = items or {}
    reasons = [
        {"Code": code, **({"Item": stored_items[index]} if index in stored_items else {})}
        for index, code in enumerate(codes)
    ]
    return refused("TransactionCanceledException", "TransactWriteItems", CancellationReasons=reasons)


def refused(code: str, operation: str = "Operation", **more: Any) -> Fault:
    """Return a fault: AWS refuses the call."""

    def fault(perform: Perform) -> dict[str, Any]:
        response: Any = {"Error": {"Code": code, "Message": "secret payload"}, **more}
        raise ClientError(response, operation)

    return fault


def answer_lost(perform: Perform) -> dict[str, Any]:
    """Let the call take effect, and lose its answer."""
    perform()
    raise TimeoutError("answer lost")


class KilledError(BaseException):
    """The end of the process. None of our code handles it."""


def killed(perform: Perform) -> dict[str, Any]:
    """End the process before the call."""
    raise KilledError


def killed_after(perform: Perform) -> dict[str, Any]:
    """End the process after the call took effect."""
    perform()
    raise KilledError


@pytest.fixture
def world() -> Iterator[WorkerAccount]:
    """Yield an empty account."""
    with mock_aws():
        yield make_world()


def make_world() -> WorkerAccount:
    """Create the worker's resources in the account that moto emulates now."""
    dynamodb, sqs, sns = SESSION.client("dynamodb"), SESSION.client("sqs"), SESSION.client("sns")
    for table, key in ((ORDERS, "order_id"), (STOCK, "sku"), (IDEMPOTENCY, "id")):
        dynamodb.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        )
    urls = {
        name: sqs.create_queue(QueueName=f"orders-test-{name}")["QueueUrl"] for name in ("orders", "dlq", "subscriber")
    }
    topic = sns.create_topic(Name="orders-test-notifications")["TopicArn"]
    queue = sqs.get_queue_attributes(QueueUrl=urls["subscriber"], AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue["QueueArn"])
    settings = WorkerSettings(
        orders_table=ORDERS,
        stock_table=STOCK,
        idempotency_table=IDEMPOTENCY,
        idempotency_ttl_seconds=30 * 86_400,
        orders_queue_url=urls["orders"],
        dead_letter_queue_url=urls["dlq"],
        notifications_topic_arn=topic,
        event_source="/orders-test",
        max_receive_count=8,
        retry_base_seconds=30,
        retry_cap_seconds=900,
        batch_threads=5,
        item_budget_seconds=10,
        time_margin_seconds=2,
    )
    return WorkerAccount(dynamodb, sqs, sns, settings, urls["subscriber"])
