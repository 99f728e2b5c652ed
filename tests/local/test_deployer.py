"""The deployer: what the program registers becomes real, and nothing is skipped silently."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.deploy.program import Deployment, deploy
from local.deploy.resources import DeployError, create
from local.deploy.values import plain
from local.services.aws import Aws
from local.services.registry import HANDLERS
from pipeline.config.stack_file import StackFileError, StackSettings, load_settings
from tests.local.factories import queue_inputs
from tests.local.signing import KEYS

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "hidden"}


@pytest.fixture
def aws() -> Iterator[Aws]:
    with mock_aws():
        yield Aws("https://sqs.us-east-1.amazonaws.com", "us-east-1", KEYS, "123456789012")


def run_program(root: Path, aws: Aws, text: str) -> Deployment:
    (root / "__main__.py").write_text(text)
    return deploy(root, aws, StackSettings("orders", "local", {}))


def test_unknown_type_is_an_error_that_names_it_and_its_resource(aws: Aws) -> None:
    # GIVEN a type that no module maps
    # WHEN it is registered
    with pytest.raises(DeployError) as caught:
        create(aws, "aws:kinesis/stream:Stream", "clicks", {})

    # THEN both are in the message, and where to add it
    assert "clicks (aws:kinesis/stream:Stream)" in str(caught.value)
    assert "local/services/" in str(caught.value)


def test_unknown_input_is_an_error_that_names_it_and_its_value(aws: Aws) -> None:
    # GIVEN a queue with a property that the mapping does not read
    inputs = queue_inputs(colour="blue")

    # WHEN it is created
    with pytest.raises(DeployError) as caught:
        create(aws, "aws:sqs/queue:Queue", "orders-queue", inputs)

    # THEN the message names resource, property and value, and nothing was created
    assert re.search(r"orders-queue .* colour .*'blue'", str(caught.value))
    assert "QueueUrls" not in aws.sqs.list_queues()


def test_unknown_nested_input_is_named_by_its_path(aws: Aws) -> None:
    # GIVEN a function whose logging block has one property too many
    inputs = {
        "role": "r",
        "handler": "h",
        "runtime": "python3.13",
        "code": None,
        "loggingConfig": {"logFormat": "Text", "shade": 1},
    }

    # WHEN it is created
    with pytest.raises(DeployError) as caught:
        create(aws, "aws:lambda/function:Function", "greet", inputs)

    # THEN the path leads to it
    assert "loggingConfig.shade" in str(caught.value)


def test_error_of_the_service_carries_the_name_of_the_resource(aws: Aws) -> None:
    # GIVEN a policy for a queue that is not there
    inputs = {"queueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/nobody", "policy": "{}"}

    # WHEN it is created
    with pytest.raises(DeployError) as caught:
        create(aws, "aws:sqs/queuePolicy:QueuePolicy", "orders-policy", inputs)

    # THEN the message says whose error it is, and keeps the cause
    assert str(caught.value).startswith("orders-policy (aws:sqs/queuePolicy:QueuePolicy): ")
    assert isinstance(caught.value.__cause__, ClientError)


def test_ignored_input_is_accepted_and_documented() -> None:
    # GIVEN every handler's list of ignored inputs
    reasons = {(type_, name): why for type_, handler in HANDLERS.items() for name, why in handler.ignored.items()}

    # THEN each has a reason, and none is also mapped
    assert all(reasons.values())
    for type_, name in reasons:
        assert name not in {field.alias for field in HANDLERS[type_].model.model_fields.values()}


def test_updatable_properties_are_inputs() -> None:
    # GIVEN each handler's list of what it can change in place
    # THEN every entry is an input property by its Pulumi name
    for handler in HANDLERS.values():
        names = {field.alias for field in handler.model.model_fields.values()}
        assert handler.updatable <= names, handler.pulumi_type


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

    # THEN the real queue has the real ARN, and the output is the real URL
    url = deployment.outputs["url"]
    attributes = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert '"deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:dlq"' in attributes["RedrivePolicy"]
    assert [each.name for each in deployment.resources] == ["dlq", "queue"]


def test_two_resources_with_one_urn_are_refused(aws: Aws, tmp_path: Path) -> None:
    # GIVEN a program that uses a name twice
    program = """
import pulumi_aws as aws
aws.sqs.Queue("same", name="a")
aws.sqs.Queue("same", name="b")
"""

    # WHEN it is deployed
    with pytest.raises(DeployError) as caught:
        run_program(tmp_path, aws, program)

    # THEN the message has the URN, as the engine's would
    assert "aws:sqs/queue:Queue::same" in str(caught.value)


def test_failure_inside_the_program_is_told_without_the_sdks_traceback(aws: Aws, tmp_path: Path) -> None:
    # GIVEN a program with a resource that the deployer refuses, and another that depends on it
    program = """
import pulumi_aws as aws
queue = aws.sqs.Queue("orders-queue", name="x" * 100)
aws.sqs.QueuePolicy("policy", queue_url=queue.url, policy="{}")
"""

    # WHEN it is deployed
    with pytest.raises(DeployError) as caught:
        run_program(tmp_path, aws, program)

    # THEN the one line names the resource that is at fault
    assert str(caught.value).startswith("orders-queue (aws:sqs/queue:Queue): ")
    assert "Traceback" not in str(caught.value)


def test_mistake_in_the_program_is_told_with_its_line(aws: Aws, tmp_path: Path) -> None:
    # GIVEN a program with a bug
    # WHEN it is deployed
    with pytest.raises(DeployError) as caught:
        run_program(tmp_path, aws, "def build():\n    return undefined_name\n\n\nbuild()\n")

    # THEN the message leads to the line
    assert "NameError" in str(caught.value)
    assert "line 2" in str(caught.value)


def test_unknown_provider_function_is_an_error_that_names_it(aws: Aws, tmp_path: Path) -> None:
    # GIVEN a program that asks for availability zones
    program = "import pulumi_aws as aws\naws.get_availability_zones()\n"

    # WHEN it is deployed
    with pytest.raises(DeployError) as caught:
        run_program(tmp_path, aws, program)

    # THEN the function is named, with the known ones
    assert "aws:index/getAvailabilityZones:getAvailabilityZones" in str(caught.value)
    assert "getCallerIdentity" in str(caught.value)


def test_existing_resources_are_refused(aws: Aws, tmp_path: Path) -> None:
    # GIVEN a program that reads a resource which only exists in a real account
    program = 'import pulumi_aws as aws\naws.sqs.Queue.get("shared", "https://sqs/1/shared")\n'

    # WHEN it is deployed
    with pytest.raises(DeployError) as caught:
        run_program(tmp_path, aws, program)

    # THEN the message says why that can't be
    assert "starts empty" in str(caught.value)


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
def test_values_become_plain(given: Any, expected: Any) -> None:
    # GIVEN a value as it comes over the wire
    # WHEN it is made plain
    value = plain(given)

    # THEN secrets are open, integral numbers are ints, and absent properties are gone
    assert value == expected
    assert type(value) is type(expected)


def write_stack(root: Path, project: str, stack: str) -> None:
    (root / "Pulumi.yaml").write_text(project)
    (root / "Pulumi.local.yaml").write_text(stack)


PROJECT = """
name: orders
config:
  level: {type: string, default: INFO}
  count: {type: integer}
  names: {type: array, items: {type: string}, default: [a, b]}
"""


def test_configuration_is_merged_as_the_engine_does(tmp_path: Path) -> None:
    # GIVEN defaults in the project file, values in the stack's, and one override
    write_stack(tmp_path, PROJECT, "config:\n  aws:region: eu-west-1\n  orders:count: 3\n")

    # WHEN it is loaded
    settings = load_settings(tmp_path, "local", {"level": "DEBUG"})

    # THEN the nearest value counts, keys are in full, and objects are JSON
    assert settings.config == {
        "aws:region": "eu-west-1",
        "orders:count": "3",
        "orders:level": "DEBUG",
        "orders:names": '["a", "b"]',
    }
    assert settings.region == "eu-west-1"


def test_required_configuration_without_value_is_named(tmp_path: Path) -> None:
    # GIVEN a stack file that does not set a required key
    write_stack(tmp_path, PROJECT, "config: {}\n")

    # WHEN it is loaded
    with pytest.raises(StackFileError) as caught:
        load_settings(tmp_path, "local", {})

    # THEN the key and the file are named
    assert "orders:count" in str(caught.value)
    assert "Pulumi.local.yaml" in str(caught.value)


def test_secret_configuration_is_refused(tmp_path: Path) -> None:
    # GIVEN a stack file with an encrypted value
    write_stack(tmp_path, "name: orders\n", "config:\n  orders:count: {secure: AAAB}\n")

    # WHEN it is loaded
    with pytest.raises(StackFileError) as caught:
        load_settings(tmp_path, "local", {})

    # THEN the key is named
    assert "orders:count is a secret" in str(caught.value)
