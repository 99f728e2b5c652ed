"""A function that makes calls with another function's role. IAM's answers show which actions this role allows.

The tests' own access keys belong to the root user of the emulated account, and IAM never refuses this user. So only
code that runs with the role can be refused.
"""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local.client import LocalStack

# The probe uses only botocore, which Lambda's runtime contains, so that it does not depend on the functions' package.
_CODE = """
import os

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError


def handler(event, context):
    session = botocore.session.get_session()
    config = Config(retries={"total_max_attempts": 1}, read_timeout=20)
    answers = []
    for service, operation, parameters in event["calls"]:
        client = session.create_client(
            service, region_name=os.environ["REGION"], endpoint_url=os.environ["ENDPOINT"], config=config
        )
        try:
            getattr(client, operation)(**parameters)
            answers.append(["", ""])
        except ClientError as error:
            answers.append([error.response["Error"]["Code"], error.response["Error"]["Message"]])
    return answers
"""
_REFUSALS = ("AccessDenied", "AuthorizationError")


@dataclass(frozen=True)
class Try:
    """A call that is harmless if it is allowed. `operation` is the name of the client's method."""

    service: str
    operation: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """The result of a call: an error's code and message, or two empty strings if the call succeeded."""

    code: str
    message: str

    @property
    def refused(self) -> bool:
        """Return whether IAM refused the call. Every other error means that IAM allowed the call."""
        return self.code.startswith(_REFUSALS)


@dataclass(frozen=True)
class Probe:
    """A deployed probe."""

    stack: LocalStack
    name: str

    def answers(self, tries: Sequence[Try]) -> list[Answer]:
        """Return the answers to these calls, in their order. Raises `AssertionError` if the probe itself fails."""
        calls = [[each.service, each.operation, each.parameters] for each in tries]
        response = self.stack.aws.lambda_.invoke(FunctionName=self.name, Payload=json.dumps({"calls": calls}))
        payload = json.loads(response["Payload"].read())
        assert not response.get("FunctionError"), payload
        return [Answer(code, message) for code, message in payload]


@contextmanager
def probing(stack: LocalStack, role: str) -> Iterator[Probe]:
    """Create a probe that has the role of one function. Delete the probe at the end.

    `role` is the function's name, such as `get-order`.
    """
    lambda_ = stack.aws.lambda_
    name = f"probe-{role}"
    arn = next(
        each["state"]["arn"]
        for each in stack.resources
        if each["type"] == "aws:iam/role:Role" and each["name"] == f"{role}-role"
    )
    lambda_.create_function(
        FunctionName=name,
        Role=arn,
        Runtime="python3.13",
        Handler="probe.handler",
        Timeout=60,
        Code={"ZipFile": _zip()},
        Environment={"Variables": {"ENDPOINT": stack.outputs.endpoint_url, "REGION": stack.outputs.region}},
    )
    try:
        yield Probe(stack, name)
    finally:
        lambda_.delete_function(FunctionName=name)


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("probe.py", _CODE)
    return buffer.getvalue()
