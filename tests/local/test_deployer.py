"""Tests that the deployer creates every resource that the program registers, or fails with the reason."""

import gc
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.deploy.program import Deployment, deploy
from local.deploy.resources import DeployError, create, plain
from local.engine.aws_inputs import inputs_among
from local.services.aws import Aws
from local.services.registry import HANDLERS
from pipeline.config.stack_file import StackSettings
from tests.local.factories import queue_inputs
from tests.local.signing import KEYS

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "hidden"}


@pytest.fixture
def aws() -> Iterator[Aws]:
    with mock_aws():
        yield Aws("https://sqs.us-east-1.amazonaws.com", "us-east-1", KEYS, "123456789012")
    # A refused program leaves asyncio futures with exceptions that no code retrieves. Python logs
    # an error when it frees such a future. The fixture frees all of them here, so that no later
    # test logs these errors.
    gc.collect()


def run_program(root: Path, aws: Aws, text: str) -> Deployment:
    (root / "__main__.py").write_text(text)
    return deploy(root, aws, StackSettings("orders", "local", {}))


NOBODY = {"queueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/nobody", "policy": "{}"}
LOGGING = {"loggingConfig": {"logFormat": "Text", "shade": 1}}
FUNCTION = {"role": "r", "handler": "h", "runtime": "python3.13", "code": None}


@pytest.mark.parametrize(
    ("token", "inputs", "expected"),
    [
        ("aws:kinesis/stream:Stream", {}, r"it \(aws:kinesis/stream:Stream\).*local/services/"),
        ("aws:sqs/queue:Queue", queue_inputs(colour="blue"), r"it .* colour .*'blue'"),
        (
            "aws:lambda/function:Function",
            {**FUNCTION, **LOGGING},
            r"Config\.shade",
        ),
        ("aws:sqs/queuePolicy:QueuePolicy", NOBODY, r"^it \(aws:sqs/queuePolicy:QueuePolicy\): "),
    ],
    ids=["type", "input", "nested input", "the service's own error"],
)
def test_an_error_names_the_resource_that_failed(aws: Aws, token: str, inputs: dict[str, Any], expected: str) -> None:
    # GIVEN / WHEN
    with pytest.raises(DeployError) as caught:
        create(aws, token, "it", inputs)

    # THEN the error names the resource and the cause, and nothing was created
    assert re.search(expected, str(caught.value), re.DOTALL)
    assert isinstance(caught.value.__cause__, ClientError) == (inputs is NOBODY)
    assert "QueueUrls" not in aws.sqs.list_queues()


def test_every_ignored_input_has_a_reason() -> None:
    # GIVEN every handler's ignored inputs
    reasons = {(type_, name): why for type_, handler in HANDLERS.items() for name, why in handler.ignored.items()}

    # THEN each has a reason
    assert all(reasons.values())


def test_updatable_properties_are_inputs() -> None:
    # GIVEN the properties that each handler can change in place
    # THEN each has the name of one of the resource's inputs in Pulumi
    for handler in HANDLERS.values():
        assert inputs_among(handler.pulumi_type, dict.fromkeys(handler.updatable)).keys() == handler.updatable


def test_outputs_of_one_resource_reach_the_next(aws: Aws, tmp_path: Path) -> None:
    # GIVEN a program whose second resource needs an output of the first
    program = """
import json
import pulumi, pulumi_aws as aws
dlq = aws.sqs.Queue("dlq", name="dlq")
queue = aws.sqs.Queue("queue", name="main", redrive_policy=dlq.arn.apply(
    lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})))
pulumi.export("url", queue.url)
"""

    # WHEN it is deployed
    deployment = run_program(tmp_path, aws, program)

    # THEN the queue has the real ARN of its dead-letter queue, and the output is the queue's real URL
    url = deployment.outputs["url"]
    attributes = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert '"deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:dlq"' in attributes["RedrivePolicy"]
    assert [each.name for each in deployment.resources] == ["dlq", "queue"]


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('aws.sqs.Queue("same", name="a")\naws.sqs.Queue("same", name="b")', ["aws:sqs/queue:Queue::same"]),
        # The error names the resource that was refused, not the one that depends on it.
        (
            'q = aws.sqs.Queue("q", name="x" * 100)\naws.sqs.QueuePolicy("p", queue_url=q.url, policy="{}")',
            ["q (aws:sqs/queue:Queue): "],
        ),
        ("def build():\n    return undefined_name\n\n\nbuild()", ["NameError", "line 3"]),
        ("aws.get_availability_zones()", ["aws:index/getAvailabilityZones:getAvailabilityZones", "getCallerIdentity"]),
        ('aws.sqs.Queue.get("shared", "https://sqs/1/shared")', ["starts empty"]),
    ],
    ids=["a duplicate name", "a refused resource", "a bug", "an unknown function", "an existing resource"],
)
def test_a_program_that_cannot_be_deployed_is_refused_with_the_cause(
    aws: Aws, tmp_path: Path, program: str, expected: list[str]
) -> None:
    # GIVEN / WHEN
    with pytest.raises(DeployError) as caught:
        run_program(tmp_path, aws, f"import pulumi_aws as aws\n{program}\n")

    # THEN
    assert [each for each in expected if each not in str(caught.value)] == []
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (3.0, 3),
        (3.5, 3.5),
        (True, True),
        (SECRET, "hidden"),
        ({"a": [SECRET, 2.0], "b": None}, {"a": ["hidden", 2]}),
    ],
)
def test_values_of_the_protocol_become_plain_values(given: Any, expected: Any) -> None:
    # GIVEN a value as the engine's protocol transmits it
    # WHEN it is converted
    value = plain(given)

    # THEN a secret becomes its value, a whole number becomes an int, and absent properties are left out
    assert value == expected
    assert type(value) is type(expected)
