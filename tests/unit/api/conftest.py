"""Fixtures: the API's endpoints, and their tables and queue in an AWS account emulated by moto."""

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


# All tests share one session. A new session would read the services' descriptions again: that takes longer than a test.
SESSION = boto3.session.Session()


class TickingClock:
    """A clock that advances by one second at each reading, so that tests notice if the time is read twice."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@dataclass
class Api:
    """The endpoints and their AWS account."""

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
        """Return every item of the orders table."""
        return list(self.dynamodb.scan(TableName=ORDERS)["Items"])

    def records(self) -> list[dict[str, Any]]:
        """Return every idempotency record."""
        return list(self.dynamodb.scan(TableName=IDEMPOTENCY)["Items"])

    def messages(self) -> list[Any]:
        """Receive up to ten messages of the queue."""
        return self.sqs.receive_message(
            QueueUrl=self.settings.orders_queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", [])


def make_api() -> Api:
    """Create tables and queue in moto's current account, and return an API that uses them."""
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
    """A client that must not be used: every call raises `AssertionError`."""

    meta = None

    def __getattr__(self, operation: str) -> Any:
        raise AssertionError(f"{operation} was called")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Yield a stream that receives everything that the logger writes, instead of the real stdout."""
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    real = handler.setStream(written)
    yield written
    handler.setStream(real)


@pytest.fixture
def untouched_api() -> Api:
    """Return the API without an account, for requests that are refused before any call."""
    client: Any = UntouchedClient()
    settings = IntakeSettings(orders_table=ORDERS, orders_queue_url="q", idempotency_table=IDEMPOTENCY)
    return Api(client, client, settings)


@pytest.fixture
def api() -> Iterator[Api]:
    """Yield the API on an empty account."""
    with mock_aws():
        yield make_api()


@pytest.fixture(scope="module")
def shared_api() -> Iterator[Api]:
    """Yield one API for the whole module. Tests that need an empty account use `api`."""
    with mock_aws():
        yield make_api()
