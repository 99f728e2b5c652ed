"""Batch responses (reports) that a small function returns to an event source mapping.

Each message tells the function what to report.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import TYPE_CHECKING, Any

from lab.simulation.queue_model import EventSourceMapping
from tests.flow.conformance.backends import Backend, FakeBackend, ServedBackend
from tests.flow.conformance.scenario import registry

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

DOCS = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting"

SCENARIOS, scenario = registry()

FAILS, DONE = "fails in a batch of two", "succeeds in a batch of two"
# A message's body tells the function what to do: it is the report to return, or one of the commands
# "raise", "kill" and "fail me". The bodies DONE and FAILS belong to one batch of two messages.
FUNCTION = """
import json

def handler(event, context):
    bodies = [json.loads(record["body"]) for record in event["Records"]]
    wanted = bodies[0]
    ids = [record["messageId"] for record in event["Records"]]
    if wanted in ("fails in a batch of two", "succeeds in a batch of two"):
        if len(ids) != 2:
            raise RuntimeError("the two messages must be in one batch")
        failed = [one for one, body in zip(ids, bodies) if body == "fails in a batch of two"]
        return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}
    if wanted == "raise":
        raise RuntimeError("on request")
    if wanted == "kill":
        import os
        os._exit(1)
    if wanted == "fail me":
        return {"batchItemFailures": [{"itemIdentifier": ids[0]}]}
    return wanted
"""
SETTLED_SECONDS = 1.5
VISIBILITY_SECONDS = 4
"""Visibility timeout in `kept_of_two`. It is longer than SETTLED_SECONDS, so that the mapping is deleted before a kept
message becomes visible."""


def _handler(event: dict[str, Any]) -> Any:
    namespace: dict[str, Any] = {}
    exec(FUNCTION, namespace)  # noqa: S102 - the same text that the emulator runs
    return namespace["handler"](event, None)


def outcome(backend: Backend, report: Any) -> str:
    """Return what the mapping does with a message after ``report``: ``deleted`` or ``kept``.

    An emulator that delivers no message gives ``never received``.
    """
    url = backend.queue(visibility=600)
    if isinstance(backend, FakeBackend):
        backend.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(report))
        EventSourceMapping(backend.cloud.sqs.queues[url]).deliver(_handler)
        return "kept" if backend.cloud.sqs.queues[url].messages else "deleted"
    return _served(backend, url, report)


def _served(backend: Backend, url: str, report: Any) -> str:
    backend.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(report))
    return _serve(backend, url, batch_size=1)


def _serve(backend: Backend, url: str, *, batch_size: int) -> str:
    """Create a mapping that processes the queue, and return the result of `_settled`."""
    arn = backend.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    assert isinstance(backend, ServedBackend)
    functions = backend.functions
    assert functions is not None
    mapping = functions.create_event_source_mapping(
        EventSourceArn=arn,
        FunctionName=_function(functions),
        BatchSize=batch_size,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    seen = _settled(backend, url)
    functions.delete_event_source_mapping(UUID=mapping["UUID"])
    return seen


def _settled(backend: Backend, url: str) -> str:
    """Return ``deleted`` once the queue is empty, or ``kept`` if a message remains for SETTLED_SECONDS after a receive.

    Return ``never received`` if neither happens in time.
    """
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    received_at = 0.0
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        counts = backend.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        if counts[names[0]] == counts[names[1]] == "0":
            return "deleted"
        if counts[names[1]] != "0" and not received_at:
            received_at = time.monotonic()
        if received_at and time.monotonic() - received_at > SETTLED_SECONDS:
            return "kept"
        time.sleep(0.05)
    return "never received"


def _function(functions: LambdaClient) -> str:
    name = "conformance-report"
    existing = {one["FunctionName"] for one in functions.list_functions()["Functions"]}
    if name not in existing:
        functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role="arn:aws:iam::000000000000:role/conformance",
            Handler="index.handler",
            Code={"ZipFile": _zip()},
            Timeout=10,
        )
        # The first invocation starts a process, so that the scenarios' own invocations are fast.
        record = {"messageId": "first", "body": "null"}
        functions.invoke(FunctionName=name, Payload=json.dumps({"Records": [record]}))
    return name


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", FUNCTION)
    return buffer.getvalue()


def kept_of_two(backend: Backend) -> list[str]:
    """Deliver a batch of two messages. The function reports one as failed. Return the messages that are left."""
    url = backend.queue(visibility=VISIBILITY_SECONDS)
    for body in (FAILS, DONE):
        backend.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))
    if isinstance(backend, FakeBackend):
        EventSourceMapping(backend.cloud.sqs.queues[url]).deliver(_handler)
    else:
        _serve(backend, url, batch_size=2)
    backend.wait(VISIBILITY_SECONDS)
    answer: Any = backend.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [json.loads(one["Body"]) for one in answer.get("Messages", [])]


_REPORTS: tuple[tuple[str, Any, str], ...] = (
    ("an empty list", {"batchItemFailures": []}, "deleted"),
    ("a null list", {"batchItemFailures": None}, "deleted"),
    ("an empty response", {}, "deleted"),
    ("a null response", None, "deleted"),
    ("the message's id", "fail me", "kept"),
    ("an empty identifier", {"batchItemFailures": [{"itemIdentifier": ""}]}, "kept"),
    ("a null identifier", {"batchItemFailures": [{"itemIdentifier": None}]}, "kept"),
    ("a misspelt identifier", {"batchItemFailures": [{"itemIdentifer": "x"}]}, "kept"),
    ("an unknown identifier", {"batchItemFailures": [{"itemIdentifier": "no-such-id"}]}, "kept"),
    ("an exception", "raise", "kept"),
)


def _register(title: str, report: Any, expected: str) -> None:
    def observe(backend: Backend) -> str:
        return outcome(backend, report)

    observe.__name__ = f"mapping: {title}"
    scenario(expected=expected, docs=DOCS)(observe)


for _title, _report, _expected in _REPORTS:
    _register(_title, _report, _expected)
scenario(expected=[FAILS], docs=DOCS)(kept_of_two)
