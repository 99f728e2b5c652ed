"""Tests the local stack after the engine has deployed it into the embedded AWS."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.preview.programs import copy_program
from local.engine.provider.embedded import EmbeddedAccount
from local.engine.provider.server import serving
from local.engine.workspace import Workspace
from local.instance import ROOT
from local.services.aws import Aws
from pipeline.config.stack_file import load_settings
from tests.emulated import emulated_aws

pytestmark = pytest.mark.engine

SETTLE_SECONDS = 60
ORDER = {"currency": "EUR", "lines": [{"sku": "SKU-1", "quantity": 2, "unit_price": "19.90"}]}


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Aws]:
    """Start an embedded AWS without resources."""
    with emulated_aws(tmp_path / "local", load_settings(ROOT, "local", {}).region) as aws:
        yield aws


@pytest.fixture
def local_stack(aws: Aws, tools: Path, tmp_path: Path) -> Iterator[Workspace]:
    """Deploy the local stack."""
    program = copy_program(tmp_path / "program")
    with serving(EmbeddedAccount(aws, program)) as port:
        workspace = Workspace(
            tools,
            program,
            tmp_path / "state",
            port,
            "local",
            overrides={"local_endpoint": aws.endpoint_url},
        )
        workspace.create()
        done = workspace.up()
        assert done.code == 0, done.output
        yield workspace


def call(url: str, body: Any = None, key: str = "") -> tuple[int, dict[str, Any]]:
    """Send a POST if there is a body, else a GET. Return the status and the JSON of the answer."""
    headers = {"Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, headers)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
            return answer.status, json.loads(answer.read() or "{}")
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read() or "{}")


def settled(url: str) -> dict[str, Any]:
    """Wait until the order is no longer ACCEPTED, but at most a minute. Return the order."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while (order := call(url)[1]).get("status") == "ACCEPTED" and time.monotonic() < deadline:
        time.sleep(0.2)
    return order


def everything(aws: Aws) -> dict[str, list[Any]]:
    """Return the account's resources by kind. Roles and log groups are listed only if their names have `orders`."""
    return {
        "tables": aws.dynamodb.list_tables()["TableNames"],
        "queues": aws.sqs.list_queues().get("QueueUrls", []),
        "topics": aws.sns.list_topics()["Topics"],
        "functions": [each["FunctionName"] for each in aws.lambda_.list_functions()["Functions"]],
        "mappings": aws.lambda_.list_event_source_mappings()["EventSourceMappings"],
        "apis": [each["Name"] for each in aws.apigatewayv2.get_apis()["Items"]],
        "roles": [each["RoleName"] for each in aws.iam.list_roles()["Roles"] if "orders" in each["RoleName"]],
        "logs": [
            each["logGroupName"]
            for each in aws.logs.describe_log_groups()["logGroups"]
            if "orders" in each["logGroupName"]
        ],
    }


def test_a_stack_that_the_engine_deployed_processes_orders(local_stack: Workspace, aws: Aws) -> None:
    # GIVEN the stack, deployed by the engine, with an article in stock
    outputs = local_stack.outputs()
    aws.dynamodb.put_item(TableName=outputs["stock_table"], Item={"sku": {"S": "SKU-1"}, "available": {"N": "2"}})
    url = f"{outputs['api_url']}/orders"
    # WHEN an order is posted twice, another body is posted with the same key, and a second order exceeds the stock
    accepted, replayed = (call(url, ORDER, "first") for _ in range(2))
    changed = call(url, {**ORDER, "currency": "USD"}, "first")
    confirmed = settled(f"{url}/{accepted[1]['order_id']}")
    rejected = settled(f"{url}/{call(url, ORDER, 'second')[1]['order_id']}")
    # THEN the HTTP contract holds, from the API through the queue to the worker
    assert accepted[0] == 202
    assert replayed == accepted
    assert changed[0] == 422
    assert (confirmed["status"], rejected["status"]) == ("CONFIRMED", "REJECTED")


def test_a_code_change_reaches_the_embedded_aws(local_stack: Workspace, aws: Aws) -> None:
    # GIVEN the deployed stack, and a change of the answer to POST
    url = f"{local_stack.outputs()['api_url']}/orders"
    before = call(url, ORDER)[1]
    handlers = local_stack.program / "runtime" / "handlers" / "create_order.py"
    handlers.write_text(f"{handlers.read_text()}\n\ndef handler(event, context):\n    return {{'statusCode': 418}}\n")
    # WHEN it is deployed
    done = local_stack.up()
    # THEN the functions and their aliases are updated in place
    assert done.code == 0, done.output
    assert set(done.aws_changes.values()) == {"update"}
    assert {name.rsplit("-", 1)[1] for name in done.aws_changes} == {"function", "live"}
    # AND the new code answers
    assert before["status"] == 400
    assert call(url, ORDER)[0] == 418


def test_destroy_leaves_nothing_in_the_embedded_aws(local_stack: Workspace, aws: Aws) -> None:
    # GIVEN the deployed stack
    before = everything(aws)
    # WHEN it is destroyed
    done = local_stack.destroy()
    # THEN the account lists no resource of the stack
    assert done.code == 0, done.output
    assert all(before.values())
    assert not any(everything(aws).values())


def test_a_running_instance_can_be_previewed_and_deployed(tmp_path: Path, tools: Path) -> None:
    # GIVEN an instance that was started with the engine
    def local(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "local", arguments[0], "--state-dir", str(tmp_path), *arguments[1:]]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    started = local("up", "--engine", "--detach", "--warm", "0")
    assert started.returncode == 0, started.stderr
    try:
        # WHEN the stack is previewed unchanged, and with another configuration
        same = local("pulumi", "preview", "--expect-no-changes", "--non-interactive")
        changed = local("pulumi", "preview", "--config", "throttle_rate=7", "--non-interactive")
        # AND the stack is deployed while its file of outputs is wrong
        file = tmp_path / "outputs.json"
        known = file.read_text()
        file.write_text(json.dumps({**json.loads(known), "orders_queue_url": "gone"}))
        deployed = local("pulumi", "up", "--yes", "--skip-preview", "--non-interactive")
        renewed = file.read_text()
    finally:
        local("down")
    # THEN the first preview shows no change, and the second shows the changed option
    assert same.returncode == 0, same.stdout
    assert "1 to update" in changed.stdout
    # AND the file has the stack's outputs again
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    assert json.loads(renewed) == json.loads(known)
