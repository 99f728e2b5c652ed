"""In-memory stand-ins for boto3 clients, at the level of their methods: fast, deterministic, and easy to disturb."""

from tests.flow.clock import Clock, Entropy
from tests.flow.fakes.cloud import Cloud
from tests.flow.fakes.dynamodb import FakeDynamoDB
from tests.flow.fakes.errors import UnsupportedByFakeError, client_error
from tests.flow.fakes.faults import FAULTS, FaultKind
from tests.flow.fakes.sns import FakeSNS
from tests.flow.fakes.sqs import FakeSQS
from tests.flow.fakes.wire import Call, Fault, Process, ProcessKilled, Wire

__all__ = [
    "FAULTS",
    "Call",
    "Clock",
    "Cloud",
    "Entropy",
    "FakeDynamoDB",
    "FakeSNS",
    "FakeSQS",
    "Fault",
    "FaultKind",
    "Process",
    "ProcessKilled",
    "UnsupportedByFakeError",
    "Wire",
    "client_error",
]
