"""Tests a running instance as its user sees it: commands, the file of outputs, workers that are killed."""

import json
from collections.abc import Callable

import pytest

from local.cli.main import main
from local.client import LocalStack
from local.demo.http import OrdersApi
from tests.e2e.deployed import UNKNOWN_SKU, order

pytestmark = pytest.mark.e2e


def test_killed_workers_are_replaced(stack: LocalStack, api: OrdersApi, keys: Callable[[], str]) -> None:
    # GIVEN workers of the function that answers POST
    function = stack.outputs["create_order_function"]
    assert api.post(order((UNKNOWN_SKU, 1)), keys()).status == 202

    # WHEN they are killed
    killed = stack.kill_workers(function)

    # THEN a new worker answers the client, which repeats its request after a 5xx
    assert killed >= 1
    answer, _ = api.submit(order((UNKNOWN_SKU, 1)), keys())
    assert answer.status == 202


def test_the_outputs_file_has_everything_that_a_script_needs(stack: LocalStack) -> None:
    # GIVEN the file of outputs
    outputs = json.loads(stack.state.outputs.read_text())

    # THEN it has the addresses and credentials of the embedded AWS, and the stack's outputs
    assert set(outputs) >= {
        *("endpoint_url", "region", "aws_access_key_id", "aws_secret_access_key", "account_id", "proxy_url"),
        *("api_url", "orders_queue_url", "dead_letter_queue_url", "notifications_topic_arn", "orders_table"),
        *("stock_table", "api_idempotency_table", "worker_idempotency_table"),
    }


def test_a_second_up_reports_that_the_instance_is_running(
    stack: LocalStack, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a running instance
    # WHEN it is started again
    code = main(["up", "--detach", "--state-dir", str(stack.state.path)])

    # THEN the message names the instance and the command to stop it, and the exit code is 3
    assert code == 3
    message = " ".join(capsys.readouterr().err.split())
    assert stack.instance.endpoint_url in message
    assert f"python -m local down --state-dir {stack.state.path}" in message


def test_status_and_logs_can_be_shown_as_json(
    stack: LocalStack, api: OrdersApi, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an instance that has answered a request
    api.get("00000000-0000-5000-8000-000000000000")

    # WHEN status and logs are shown as JSON
    main(["status", "--json", "--state-dir", str(stack.state.path)])
    status = json.loads(capsys.readouterr().out)
    main(["logs", "--json", "--function", "get-order", "--state-dir", str(stack.state.path)])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    # THEN both can be parsed
    assert (status["state"], status["endpoint_url"]) == ("ready", stack.outputs.endpoint_url)
    assert {line["function"] for line in lines} == {stack.outputs["get_order_function"]}
    assert any(line["message"].startswith("START") for line in lines)
