"""An AWS account by moto with the stack's tables and queue, and the endpoints on it."""

import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from runtime.handlers import create_order, get_order
from runtime.http.responses import Response
from runtime.observability import logger
from runtime.settings import IntakeSettings, LookupSettings
from tests.unit.api import factories

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

ORDERS = "orders-test-orders"
IDEMPOTENCY = "orders-test-api-idempotency"


# One for all tests: a new session reads the services' descriptions again, which costs more than a test.
SESSION = boto3.session.Session()


class TickingClock:
    """Each look at it is a second later: whoever takes the time anew is found out."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@dataclass
class Api:
    """The endpoints, and the account behind them."""

    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    settings: IntakeSettings

    def __post_init__(self) -> None:
        self.clock = TickingClock()
        self.create = create_order.build(dynamodb=self.dynamodb, sqs=self.sqs, settings=self.settings, now=self.clock)
        lookup = LookupSettings(orders_table=ORDERS, jwt_authorizer=self.settings.jwt_authorizer)
        self.lookup = get_order.build(dynamodb=self.dynamodb, settings=lookup)

    def post(self, *args: Any, **overrides: Any) -> Response:
        """POST an order."""
        return self.create.handle(factories.post(*args, **overrides), factories.context())

    def get(self, order_id: object, **overrides: Any) -> Response:
        """GET an order."""
        return self.lookup.handle(factories.get(order_id, **overrides), factories.context())

    def orders(self) -> list[dict[str, Any]]:
        """Every item of the orders table."""
        return list(self.dynamodb.scan(TableName=ORDERS)["Items"])

    def records(self) -> list[dict[str, Any]]:
        """Every idempotency record."""
        return list(self.dynamodb.scan(TableName=IDEMPOTENCY)["Items"])

    def messages(self) -> list[Any]:
        """Up to ten messages of the queue, taken out of it."""
        return self.sqs.receive_message(
            QueueUrl=self.settings.orders_queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", [])


def make_api() -> Api:
    """Create tables and queue in the account that is mocked at present."""
    dynamodb, sqs = SESSION.client("dynamodb"), SESSION.client("sqs")
    for table, key in ((ORDERS, "order_id"), (IDEMPOTENCY, "id")):
        dynamodb.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        )
    settings = IntakeSettings(
        orders_table=ORDERS,
        orders_queue_url=sqs.create_queue(QueueName="orders-test-orders")["QueueUrl"],
        idempotency_table=IDEMPOTENCY,
        idempotency_ttl_seconds=86_400,
    )
    return Api(dynamodb, sqs, settings)


class UntouchedClient:
    """A client that must not be used: any call fails the request."""

    meta = None

    def __getattr__(self, operation: str) -> Any:
        raise AssertionError(f"{operation} was called")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that the logger writes; it took hold of the real stdout when it was made."""
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    real = handler.setStream(written)
    yield written
    handler.setStream(real)


@pytest.fixture
def untouched_api() -> Api:
    """The API on no account at all: for requests that are refused before any call."""
    client: Any = UntouchedClient()
    settings = IntakeSettings(orders_table=ORDERS, orders_queue_url="q", idempotency_table=IDEMPOTENCY)
    return Api(client, client, settings)


@pytest.fixture
def api() -> Iterator[Api]:
    """The API on an empty account."""
    with mock_aws():
        yield make_api()


@pytest.fixture(scope="module")
def shared_api() -> Iterator[Api]:
    """One API for many requests that need no empty account."""
    with mock_aws():
        yield make_api()
