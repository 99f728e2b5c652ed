"""Tests the worker as Lambda calls it: its environment, metrics, and the remaining time."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.retries.standard import ExponentialBackoff

from runtime import settings
from runtime.handlers import process_order
from runtime.observability import metrics
from runtime.store import clients
from runtime.store.call_budget import OutOfTimeError
from runtime.store.call_times import BRIEF_ATTEMPT_SECONDS, FIRST_PAUSE_SECONDS, LEAST_MARGIN_SECONDS, REPORT_SECONDS
from tests.unit.worker.conftest import WorkerAccount
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
def deployed(world: WorkerAccount, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerAccount]:
    """Yield an account, with the function's environment set for it."""
    for name, value in world.settings.model_dump().items():
        monkeypatch.setenv(name.upper(), str(value))
    for cached in CACHES:
        cached.cache_clear()
    metrics.clear_metrics()
    yield world
    for cached in CACHES:
        cached.cache_clear()


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the metrics that were written, by name."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    return {
        metric["Name"]: line[metric["Name"]]
        for line in lines
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }


def test_the_function_processes_a_batch_and_writes_its_metrics(
    deployed: WorkerAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN stock for one of two orders
    deployed.stock(SKU_1=2)
    # WHEN Lambda calls the function with the messages of both
    response = process_order.handler(event(record(content(1)), record(content(2), receives=2)), context())
    # THEN both are settled, and each outcome is counted once
    assert response == {"batchItemFailures": []}
    assert {deployed.status(1), deployed.status(2)} == {"CONFIRMED", "REJECTED"}
    written = counted(capsys)
    assert {name: written[name] for name in ("OrderConfirmed", "OrderRejected", "BatchIsolated")} == {
        "OrderConfirmed": [1.0],
        "OrderRejected": [1.0],
        "BatchIsolated": [1.0],
    }
    assert len(written["AcceptedToSettledLatency"]) == 2


def test_an_invocation_that_did_nothing_writes_no_metrics(
    deployed: WorkerAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an order that was processed before
    deployed.stock(SKU_1=2)
    process_order.handler(event(record()), context())
    capsys.readouterr()
    # WHEN its message is received again
    process_order.handler(event(record()), context())
    # THEN there is nothing to count
    assert counted(capsys) == {}


def test_an_attempt_that_takes_too_long_fails_before_the_timeout(
    deployed: WorkerAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a message whose attempt starts with enough time. Immediately afterwards, less time is left than the margin
    deployed.stock(SKU_1=2)
    left = iter([60_000, 60_000])
    invocation = context()
    invocation.get_remaining_time_in_millis = lambda: next(left, 1_999)  # type: ignore[method-assign] # a clock
    # WHEN Lambda calls the function with it
    sent = record()
    response = process_order.handler(event(sent), invocation)
    # THEN the message is reported as failed. The worker started no call that could last longer than
    # the invocation
    assert response == {"batchItemFailures": [{"itemIdentifier": sent["messageId"]}]}
    assert deployed.status() is None
    assert "AttemptFailed" in counted(capsys)


def test_metrics_are_written_even_if_the_event_is_refused(
    deployed: WorkerAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a metric that was added in this invocation
    metrics.add_metric("OrderConfirmed", "Count", 1)
    # WHEN the event is not from SQS
    with pytest.raises(ValueError, match="no SQS event"):
        process_order.handler({}, context())
    # THEN the metric is written, and not carried over into the next invocation
    assert counted(capsys) == {"OrderConfirmed": [1.0]}
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
    # THEN init fails, before the first order, and names the setting
    assert init.returncode != 0
    assert "dead_letter_queue_url" in init.stderr


class SlowestCalls:
    """A Lambda context: `left` milliseconds remain.

    Each attempt of a call fails as late as possible, and each pause is as long as possible.
    """

    def __init__(self, left: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left, self.attempts = left, 0
        monkeypatch.setattr("botocore.endpoint.time.sleep", self.wait)
        # Each pause is the longest that botocore can choose at random after throttling.
        monkeypatch.setattr(
            ExponentialBackoff, "delay_amount", lambda _, made: FIRST_PAUSE_SECONDS * 2 ** (made.attempt_number - 1)
        )

    def get_remaining_time_in_millis(self) -> int:
        return int(self.left)

    def wait(self, seconds: float) -> None:
        self.left -= seconds * 1000

    def slow(self, client: Any) -> None:
        def attempt(**_: Any) -> None:
            self.attempts += 1
            self.wait(client.meta.config.connect_timeout + client.meta.config.read_timeout)
            raise ReadTimeoutError(endpoint_url="")

        client.meta.events.register("before-send", attempt)


@pytest.mark.parametrize("more", [0, 1, 3_999, 4_000, 4_999, 5_000, 9_000])
def test_the_slowest_call_leaves_time_to_return_the_message_and_to_report_the_batch(
    deployed: WorkerAccount, monkeypatch: pytest.MonkeyPatch, more: int
) -> None:
    # GIVEN the least margin that the configuration allows, and a call that starts with at least that much time left
    monkeypatch.setenv("TIME_MARGIN_SECONDS", str(LEAST_MARGIN_SECONDS))
    time = SlowestCalls(LEAST_MARGIN_SECONDS * 1000 + more, monkeypatch)
    process_order.worker().budget.begin(time)
    for client in (clients.dynamodb(), clients.brief_sqs()):
        time.slow(client)
    # WHEN every try of this call fails, and both tries to return the message to the queue fail too
    with pytest.raises((ReadTimeoutError, OutOfTimeError)):
        clients.dynamodb().get_item(TableName="orders", Key={"order_id": {"S": "1"}})
    time.attempts = 0
    with pytest.raises(ReadTimeoutError):
        clients.brief_sqs().change_message_visibility(QueueUrl="http://q", ReceiptHandle="r", VisibilityTimeout=0)
    # THEN both tries to return the message were made, and there is time to report the batch
    assert time.attempts == 2
    assert time.left >= REPORT_SECONDS * 1000


def test_no_call_is_repeated_and_no_further_call_starts_in_the_last_seconds_of_an_invocation(
    deployed: WorkerAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN time for one attempt but not for a second one
    time = SlowestCalls(BRIEF_ATTEMPT_SECONDS * 2000 + REPORT_SECONDS * 1000 - 1, monkeypatch)
    process_order.worker().budget.begin(time)
    brief = clients.brief_sqs()
    time.slow(brief)
    # WHEN the client is called twice
    for error in (ReadTimeoutError, OutOfTimeError):
        with pytest.raises(error):
            brief.change_message_visibility(QueueUrl="http://q", ReceiptHandle="r", VisibilityTimeout=0)
    # THEN there was one attempt and no pause, and the second call was refused before it was sent
    assert time.attempts == 1
    assert time.left == BRIEF_ATTEMPT_SECONDS * 1000 + REPORT_SECONDS * 1000 - 1


def test_the_user_agent_is_not_computed_again_for_each_call(deployed: WorkerAccount) -> None:
    # GIVEN the clients
    made: Any = (clients.dynamodb(), clients.sqs(), clients.brief_sqs(), clients.sns(), clients.events())
    # WHEN their user agents are read
    agents = [client.meta.config.user_agent for client in made]
    # THEN each begins with the configured text. None contains `ua/`, which is in every text that botocore computes
    assert not [agent for agent in agents if not agent.startswith(f"Boto3/{boto3.__version__}") or "ua/" in agent]
