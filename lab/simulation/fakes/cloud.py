"""One simulated AWS: four clients with one clock, one source of randomness, and one `Wire` that carries all calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from lab.simulation.clock import Clock, Entropy
from lab.simulation.fakes.dynamodb import FakeDynamoDB
from lab.simulation.fakes.events import FakeEvents
from lab.simulation.fakes.sns import FakeSNS
from lab.simulation.fakes.sqs import FakeSQS
from lab.simulation.fakes.wire import Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


@dataclass(slots=True)
class Cloud:
    """The AWS services that the API and the worker call.

    Clouds with the same seed give equal answers to equal calls.
    """

    entropy: Entropy = field(default_factory=Entropy)
    clock: Clock = field(default_factory=Clock)
    wire: Wire = field(default_factory=Wire)
    dynamodb: FakeDynamoDB = field(init=False)
    sqs: FakeSQS = field(init=False)
    sns: FakeSNS = field(init=False)
    events: FakeEvents = field(init=False)

    def __post_init__(self) -> None:
        self.dynamodb = FakeDynamoDB(self.clock, self.entropy, self.wire)
        self.sqs = FakeSQS(self.wire)
        self.sns = FakeSNS(self.clock, self.entropy, self.wire)
        self.events = FakeEvents(self.entropy, self.wire)

    @property
    def dynamodb_client(self) -> DynamoDBClient:
        """The DynamoDB fake, typed as boto3's client. It has only the methods that the program calls."""
        return cast("DynamoDBClient", self.dynamodb)

    @property
    def sqs_client(self) -> SQSClient:
        """The SQS fake, typed as boto3's client."""
        return cast("SQSClient", self.sqs)

    @property
    def sns_client(self) -> SNSClient:
        """The SNS fake, typed as boto3's client."""
        return cast("SNSClient", self.sns)

    @property
    def events_client(self) -> EventBridgeClient:
        """The EventBridge fake, typed as boto3's client."""
        return cast("EventBridgeClient", self.events)
