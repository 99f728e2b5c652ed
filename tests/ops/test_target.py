"""Tests how the stack of a command is found, and the errors if no stack is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ops.errors import NoStackError
from ops.target import Choice, Target, resolve

BUS = "arn:aws:events:eu-west-1:123456789012:event-bus/orders-prod-events"


def outputs(**overrides: Any) -> dict[str, Any]:
    account = "https://sqs.eu-west-1.amazonaws.com/123456789012"
    return {
        "api_url": "https://api.example.com",
        "orders_queue_url": f"{account}/orders-prod-orders-queue",
        "dead_letter_queue_url": f"{account}/orders-prod-orders-queue-dlq",
        "notifications_topic_arn": "arn:aws:sns:eu-west-1:123456789012:orders-prod-notifications",
        "orders_table": "orders-prod-orders",
        "stock_table": "orders-prod-stock",
        "api_idempotency_table": "orders-prod-api-idempotency",
        "worker_idempotency_table": "orders-prod-worker-idempotency",
        "create_order_function": "orders-prod-create-order",
        "get_order_function": "orders-prod-get-order",
        "process_order_function": "orders-prod-process-order",
        **overrides,
    }


def local(folder: Path, **overrides: Any) -> Path:
    path = folder / "outputs.json"
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "endpoint_url": "http://127.0.0.1:1"}
    path.write_text(json.dumps(outputs(**keys, **overrides)))
    return path


def test_account_region_and_prefix_come_from_the_outputs() -> None:
    # GIVEN a command line that names the stack prod, and an environment that names the stack dev
    names: list[str] = []

    def pulumi(stack: str) -> dict[str, Any]:
        names.append(stack)
        return outputs()

    # WHEN the stack is looked up
    target = resolve(Choice(stack="prod"), {"ORDERS_STACK": "dev"}, pulumi)
    # THEN the command line wins, and account, Region and prefix are those in the stack's outputs
    assert names == ["prod"]
    assert (target.account, target.region, target.prefix) == ("123456789012", "eu-west-1", "orders-prod")
    assert target.credentials is None


def test_a_variable_of_the_environment_names_the_stack() -> None:
    # GIVEN no stack on the command line
    # WHEN the stack is looked up
    target = resolve(Choice(), {"ORDERS_STACK": "prod"}, lambda _: outputs())
    # THEN it is the one that the environment names
    assert target.label == "stack prod"


@pytest.mark.parametrize(("choice", "environment"), [(Choice(local=True), {}), (Choice(), {"ORDERS_STACK": "local"})])
def test_the_local_stack_has_its_own_endpoint_and_keys(
    choice: Choice, environment: dict[str, str], tmp_path: Path
) -> None:
    # GIVEN a local stack
    local(tmp_path)
    # WHEN a command uses it
    target = resolve(choice, {**environment, "ORDERS_LOCAL_DIR": str(tmp_path)})
    # THEN the command uses the local endpoint and the local keys
    assert target.endpoint_url == "http://127.0.0.1:1"
    assert target.credentials is not None
    assert target.credentials.aws_access_key_id == "test"


def test_region_and_account_come_from_the_bus_if_there_is_one() -> None:
    # GIVEN outputs with a bus instead of a topic
    target = Target.from_outputs("prod", outputs(notifications_topic_arn=None, notifications_bus_arn=BUS))
    # WHEN region and account are read
    # THEN they are those in the bus's ARN
    assert (target.region, target.account, target.events_arn) == ("eu-west-1", "123456789012", BUS)


def test_the_stack_includes_functions_that_this_version_does_not_know() -> None:
    # GIVEN a stack with a function that this version of the program does not know
    target = Target.from_outputs("prod", outputs(delete_order_function="orders-prod-delete-order"))
    # WHEN / THEN
    assert target.functions == tuple(f"orders-prod-{each}-order" for each in ("create", "delete", "get", "process"))


def test_outputs_in_a_file_are_read_without_pulumi(tmp_path: Path) -> None:
    # GIVEN saved outputs in a file
    path = tmp_path / "prod.json"
    path.write_text(json.dumps(outputs()))
    # WHEN a command gets the file
    target = resolve(Choice(outputs=path), {})
    # THEN it uses the outputs in the file
    assert target.orders_table == "orders-prod-orders"


def test_no_stack_is_guessed_if_none_is_named() -> None:
    # GIVEN no stack on the command line and none in the environment
    # WHEN a command needs a stack
    # THEN the error says how to name one
    with pytest.raises(NoStackError, match="export ORDERS_STACK=prod"):
        resolve(Choice(), {})


def test_the_error_names_the_option_for_a_file_if_there_is_no_pulumi_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # GIVEN a machine without the `pulumi` command
    monkeypatch.setenv("PATH", str(tmp_path))
    # WHEN a command needs the outputs
    # THEN the error names the option for a file
    with pytest.raises(NoStackError, match=r"--outputs prod\.json"):
        resolve(Choice(stack="prod"), {})


def test_the_error_quotes_what_a_failing_pulumi_command_wrote(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # GIVEN a `pulumi` command that does not find the stack
    command = tmp_path / "pulumi"
    command.write_text("#!/bin/sh\necho 'error: no stack named prod found' >&2\nexit 255\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    # WHEN a command needs the outputs
    # THEN the error quotes what `pulumi` wrote
    with pytest.raises(NoStackError, match="no stack named prod found"):
        resolve(Choice(stack="prod"), {})


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[]", "is not a JSON object"),
        ("{", "is not a JSON object"),
        pytest.param("[" * 100_000, "is not a JSON object", id="nested too deeply"),
        ("{}", "of an orders stack are missing"),
        (json.dumps(outputs(notifications_topic_arn="x")), "notifications_topic_arn"),
        (json.dumps(outputs(notifications_topic_arn=None)), "one of notifications_topic_arn and notifications_bus_arn"),
        (json.dumps(outputs(notifications_bus_arn=BUS)), "one of notifications_topic_arn and notifications_bus_arn"),
    ],
)
def test_invalid_outputs_are_refused(content: str, expected: str, tmp_path: Path) -> None:
    # GIVEN a file with invalid outputs
    path = tmp_path / "outputs.json"
    path.write_text(content)
    # WHEN a command reads it
    # THEN the error says what is wrong with it
    with pytest.raises(NoStackError, match=expected):
        resolve(Choice(outputs=path), {})


def test_the_error_says_how_to_start_a_local_stack_if_none_is_running(tmp_path: Path) -> None:
    # GIVEN a folder without a running stack
    # WHEN a command needs the local stack
    # THEN the error says how to start one
    with pytest.raises(NoStackError, match="python -m local up --detach"):
        resolve(Choice(local=True, state_dir=tmp_path), {})
