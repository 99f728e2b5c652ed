"""Three implementations of DynamoDB and SQS, on which the conformance scenarios run."""

from __future__ import annotations

import itertools
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.config import Config

from lab.simulation.fakes import Cloud, Entropy
from lab.simulation.queue_model import FifoQueue, Queue, RedrivePolicy
from ops.gateway.session import isolated_session
from tests.emulated import emulated_aws

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

REGION = "us-east-1"


class Backend(ABC):
    """An implementation of DynamoDB and SQS under test.

    Attributes:
        name: ``fake``, ``moto`` or ``ministack``.
    """

    name: str
    dynamodb: DynamoDBClient
    sqs: SQSClient

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def fresh(self, stem: str) -> str:
        """Return a new name that begins with ``stem``."""
        return f"{stem}-{next(self._numbers)}"

    @abstractmethod
    def table(self) -> str:
        """Create a table with the key ``id`` (S), and return its name."""

    @abstractmethod
    def queue(self, *, visibility: int = 30, dead_letters: str | None = None, max_receives: int = 3) -> str:
        """Create a standard queue and return its URL; ``dead_letters`` is the URL of its dead-letter queue."""

    @abstractmethod
    def fifo_queue(self) -> str:
        """Create a FIFO queue without content-based deduplication, and return its URL."""

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Let ``seconds`` pass."""


class FakeBackend(Backend):
    """The in-memory clients."""

    name = "fake"

    def __init__(self) -> None:
        super().__init__()
        self.cloud = Cloud(Entropy(1))
        self.dynamodb = self.cloud.dynamodb_client
        self.sqs = self.cloud.sqs_client

    def table(self) -> str:
        return self.cloud.dynamodb.add_table(self.fresh("table"), id="S").name

    def queue(self, *, visibility: int = 30, dead_letters: str | None = None, max_receives: int = 3) -> str:
        redrive = None if dead_letters is None else RedrivePolicy(self.cloud.sqs.queues[dead_letters], max_receives)
        clock, entropy = self.cloud.clock, self.cloud.entropy
        made = Queue(self.fresh("queue"), clock, entropy, visibility_seconds=visibility, redrive=redrive)
        return self.cloud.sqs.add_queue(made).url

    def fifo_queue(self) -> str:
        made = FifoQueue(self.fresh("queue") + ".fifo", self.cloud.clock, self.cloud.entropy)
        return self.cloud.sqs.add_queue(made).url

    def wait(self, seconds: float) -> None:
        self.cloud.clock.advance(seconds)


class ServedBackend(Backend):
    """moto or MiniStack, through boto3."""

    def __init__(
        self, name: str, dynamodb: DynamoDBClient, sqs: SQSClient, functions: LambdaClient | None = None
    ) -> None:
        super().__init__()
        self.functions = functions
        self.name = name
        self.dynamodb = dynamodb
        self.sqs = sqs

    def table(self) -> str:
        name = self.fresh("table")
        self.dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        return name

    def queue(self, *, visibility: int = 30, dead_letters: str | None = None, max_receives: int = 3) -> str:
        attributes = {"VisibilityTimeout": str(visibility)}
        if dead_letters is not None:
            arn = self.sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])["Attributes"]
            attributes["RedrivePolicy"] = json.dumps(
                {"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": max_receives}
            )
        return self.sqs.create_queue(QueueName=self.fresh("queue"), Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]  # literal keys

    def fifo_queue(self) -> str:
        name = self.fresh("queue") + ".fifo"
        return self.sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]

    def wait(self, seconds: float) -> None:
        # The emulators' clocks cannot be advanced. Few scenarios wait, and each waits only seconds.
        time.sleep(seconds)


@contextmanager
def moto_backend() -> Iterator[Backend]:
    """Yield moto, which runs in this process."""
    from moto import mock_aws

    session = isolated_session("test", "test", REGION)
    # The clients do not retry, so that a scenario gets the first error.
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=30)
    with mock_aws():
        yield ServedBackend("moto", session.client("dynamodb", config=config), session.client("sqs", config=config))


@contextmanager
def ministack_backend(folder: Path) -> Iterator[Backend]:
    """Yield MiniStack as the embedded AWS runs it, behind the proxy that checks access keys."""
    with emulated_aws(folder, REGION) as aws:
        yield ServedBackend("ministack", aws.dynamodb, aws.sqs, aws.lambda_)
