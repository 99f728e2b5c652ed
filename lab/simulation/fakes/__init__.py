"""In-memory fakes of boto3 clients, with only the methods that the program calls. They are fast and deterministic, and
tests can inject faults into each call."""

from lab.simulation.clock import Clock, Entropy
from lab.simulation.fakes.cloud import Cloud
from lab.simulation.fakes.dynamodb import FakeDynamoDB
from lab.simulation.fakes.errors import UnsupportedByFakeError, client_error
from lab.simulation.fakes.faults import FAULTS, FaultKind
from lab.simulation.fakes.sns import FakeSNS
from lab.simulation.fakes.sqs import FakeSQS
from lab.simulation.fakes.wire import Call, Fault, Process, ProcessKilled, Wire

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
