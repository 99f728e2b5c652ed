"""The worker as Lambda calls it: its environment, metrics, and the time that is left."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from runtime import settings
from runtime.handlers import process_order
from runtime.observability import metrics
from runtime.store import clients
from tests.unit.worker.conftest import World
from tests.unit.worker.factories import content, context, event, record

CACHES: Any = (
    clients._session,
    clients.dynamodb,
    clients.sqs,
    clients.brief_sqs,
    clients.sns,
    clients.events,
    settings.worker_settings,
    process_order.worker,
)


@pytest.fixture
def deployed(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The function with its environment."""
    for name, value in world.settings.model_dump().items():
        monkeypatch.setenv(name.upper(), str(value))
    for cached in CACHES:
        cached.cache_clear()
    metrics.clear_metrics()
    yield world
    for cached in CACHES:
        cached.cache_clear()


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The metrics that were written, by name."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    return {
        metric["Name"]: line[metric["Name"]]
        for line in lines
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }


def test_the_function_processes_a_batch_and_writes_its_metrics(
    deployed: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN stock for one of two orders
    deployed.stock(SKU_1=2)
    # WHEN Lambda calls with both
    response = process_order.handler(event(record(content(1)), record(content(2), receives=2)), context())
    # THEN both are settled, and what happened is counted once
    assert response == {"batchItemFailures": []}
    assert {deployed.status(1), deployed.status(2)} == {"CONFIRMED", "REJECTED"}
    written = counted(capsys)
    assert {name: written[name] for name in ("OrderConfirmed", "OrderRejected", "BatchIsolated")} == {
        "OrderConfirmed": [1.0],
        "OrderRejected": [1.0],
        "BatchIsolated": [1.0],
    }
    assert len(written["AcceptedToSettledLatency"]) == 2


def test_an_invocation_that_did_nothing_writes_no_metrics(deployed: World, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an order that was processed before
    deployed.stock(SKU_1=2)
    process_order.handler(event(record()), context())
    capsys.readouterr()
    # WHEN its message comes again
    process_order.handler(event(record()), context())
    # THEN there is nothing to count
    assert counted(capsys) == {}


def test_an_item_that_outlives_its_budget_fails_alone_and_in_time(
    deployed: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an item that was started in time, and then only the margin is left
    deployed.stock(SKU_1=2)
    left = iter([60_000, 60_000])
    invocation = context()
    invocation.get_remaining_time_in_millis = lambda: next(left, 1_999)  # type: ignore[method-assign] # a clock
    # WHEN Lambda calls
    sent = record()
    response = process_order.handler(event(sent), invocation)
    # THEN it is given back, nothing was begun that may be cut off, and the invocation ends by itself
    assert response == {"batchItemFailures": [{"itemIdentifier": sent["messageId"]}]}
    assert deployed.status() is None
    assert "AttemptFailed" in counted(capsys)


def test_metrics_are_written_even_if_the_event_is_refused(deployed: World) -> None:
    # GIVEN metrics of an invocation
    # WHEN the event is none of the queue's
    with pytest.raises(ValueError, match="no SQS event"):
        process_order.handler({}, context())
    # THEN nothing is carried over into the next one
    assert metrics.metric_set == {}


def test_init_names_a_missing_setting() -> None:
    # GIVEN the environment of a function without its settings
    environment = {**os.environ, "AWS_LAMBDA_FUNCTION_NAME": "worker"}
    # WHEN Lambda loads it
    init = subprocess.run(
        [sys.executable, "-c", "import runtime.handlers.process_order"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    # THEN the deploy fails, not an order
    assert init.returncode != 0
    assert "dead_letter_queue_url" in init.stderr


def test_calls_in_the_last_seconds_are_short_or_not_begun(deployed: World) -> None:
    # GIVEN the client that gives messages back
    brief = clients.brief_sqs()
    # THEN its one attempt ends within the time that has to be left for it, and well within the margin
    config: Any = brief.meta.config
    longest = (config.connect_timeout + config.read_timeout) * 1000
    assert config.retries["total_max_attempts"] == 1
    assert longest < process_order._BRIEF_MILLISECONDS < 5000
