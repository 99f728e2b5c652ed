"""Tests the functions as Lambda calls them: metrics, logs, imports and the remaining time."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from runtime import settings
from runtime.handlers import create_order, get_order
from runtime.observability import metrics
from runtime.store import clients
from runtime.store.call_budget import ATTEMPT_MILLISECONDS, CallBudget, OutOfTimeError
from tests.unit.api.conftest import IDEMPOTENCY, ORDERS, Api
from tests.unit.api.factories import context, document, get, order, post, problem

CACHES: Any = (
    clients._session,
    clients.dynamodb,
    clients.sqs,
    settings.intake_settings,
    settings.lookup_settings,
    create_order._endpoint,
    get_order._endpoint,
)


@pytest.fixture
def _deployed(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ORDERS_TABLE", ORDERS)
    monkeypatch.setenv("IDEMPOTENCY_TABLE", IDEMPOTENCY)
    monkeypatch.setenv("ORDERS_QUEUE_URL", api.settings.orders_queue_url)
    for cached in CACHES:
        cached.cache_clear()
    metrics.clear_metrics()  # Other tests call endpoints directly, which counts metrics but does not flush them.
    yield
    for cached in CACHES:
        cached.cache_clear()


def counted(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the names of the metrics that were written."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [metric["Name"] for line in lines for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]


@pytest.mark.usefixtures("_deployed")
def test_acceptances_replays_and_reused_keys_are_counted_but_malformed_requests_are_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # GIVEN
    events = [post(), post(), post(order(reference="r")), post(key=None)]

    # WHEN
    answers = [create_order.handler(event, context()) for event in events]

    # THEN
    assert [answer["statusCode"] for answer in answers] == [202, 202, 422, 400]
    assert counted(capsys) == ["OrderAccepted", "IdempotentReplay", "IdempotencyMismatch"]


@pytest.mark.usefixtures("_deployed")
def test_log_lines_contain_ids_but_neither_payload_nor_key_nor_caller(log: io.StringIO) -> None:
    # GIVEN
    event = post(order(reference="private"), key="secret-key", caller=("https://issuer", "alice"))

    # WHEN
    order_id = document(create_order.handler(event, context()))["order_id"]
    get_order.handler(get(order_id, caller=("https://issuer", "alice")), context())
    create_order.handler(post(key="a b"), context())

    # THEN
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert lines[0]["order_id"] == order_id
    assert all(line["correlation_id"] == "JKJaXmPLvHcESHA=" for line in lines)
    assert not any(word in json.dumps(lines) for word in ("private", "secret-key", "alice", "SKU-1"))
    assert lines[-1]["problem"] == "idempotency-key-malformed"
    assert "order_id" not in lines[-1]


@pytest.mark.usefixtures("_deployed")
@pytest.mark.parametrize("handler", [create_order.handler, get_order.handler])
def test_a_call_that_may_outlast_the_invocation_is_not_started(
    handler: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    event = {**post(), "pathParameters": {"order_id": "00000000-0000-5000-8000-000000000000"}}

    # WHEN
    response = handler(event, context(remaining=ATTEMPT_MILLISECONDS - 1))

    # THEN
    assert problem(response) == "outcome-unknown"
    assert counted(capsys) == ["DependencyFailure"]
    assert boto3.client("dynamodb").scan(TableName=IDEMPOTENCY)["Count"] == 0


def test_a_call_budget_refuses_an_attempt_and_the_client_does_not_retry_it(api: Api) -> None:
    # GIVEN
    attempts: list[str] = []
    budget = CallBudget()
    budget.watch(api.sqs)
    api.sqs.meta.events.register("request-created", lambda **_: attempts.append("attempt"))

    # WHEN
    api.sqs.list_queues()
    budget.begin(context(remaining=ATTEMPT_MILLISECONDS))
    api.sqs.list_queues()
    budget.begin(context(remaining=ATTEMPT_MILLISECONDS - 1))

    # THEN
    with pytest.raises(OutOfTimeError, match=f"may take {ATTEMPT_MILLISECONDS} ms"):
        api.sqs.list_queues()
    assert len(attempts) == 3


@pytest.mark.parametrize("module", ["create_order", "get_order"])
def test_init_names_a_missing_setting(module: str) -> None:
    # GIVEN
    environment = {name: value for name, value in os.environ.items() if name != "ORDERS_TABLE"}

    # WHEN
    init = subprocess.run(
        [sys.executable, "-c", f"import runtime.handlers.{module}"],
        env={**environment, "PYTHONPATH": os.pathsep.join(sys.path), "AWS_LAMBDA_FUNCTION_NAME": "f"},
        capture_output=True,
        text=True,
        check=False,
    )

    # THEN
    assert init.returncode == 1
    assert "orders_table" in init.stderr


# Modules that no function needs. Each would add milliseconds to every cold start.
UNWANTED = (
    "aws_lambda_powertools.event_handler",
    # Powertools' batch imports the parser if pydantic was imported before.
    "aws_lambda_powertools.utilities.parser",
    "aws_lambda_powertools.utilities.validation",
    "aws_lambda_powertools.utilities.parameters",
    "aws_xray_sdk",
    "components",
    "local",
    "openapi_pydantic",
    "ops",
    "pulumi",
    "tests",
    "lab",
    "yaml",
)
# For each function: modules that it must not import, because only other functions need them.
OF_OTHER_FUNCTIONS = {
    "create_order": (
        "aws_lambda_powertools.utilities.batch",
        "runtime.handlers.process_order",
        "runtime.store.order_lookup",
    ),
    "get_order": (
        "aws_lambda_powertools.utilities.batch",
        "aws_lambda_powertools.utilities.idempotency",
        "runtime.handlers.process_order",
        "runtime.logic.accept",
        "runtime.handlers.powertools.idempotency",
        "runtime.store.order_queue",
    ),
    "process_order": (
        "runtime.handlers.create_order",
        "runtime.http",
        "runtime.logic.accept",
        "runtime.store.order_queue",
    ),
}


@pytest.mark.parametrize("module", OF_OTHER_FUNCTIONS)
def test_an_entry_point_imports_only_what_it_needs(module: str) -> None:
    # GIVEN
    program = f"import sys, runtime.handlers.{module}; print(*sys.modules, sep='\\n')"

    # WHEN
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    # THEN
    imported = set(run.stdout.split())
    assert f"runtime.handlers.{module}" in imported
    assert imported & {*UNWANTED, *OF_OTHER_FUNCTIONS[module]} == set()
