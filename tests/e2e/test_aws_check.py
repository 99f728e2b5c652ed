"""Tests `make aws-check` on the embedded AWS, with the same steps as on AWS."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.client import LocalStack
from local.demo.account import wait_for
from local.instance import ROOT
from ops.errors import ExitCode
from tests.e2e.deployed import STOCK_PREFIX

pytestmark = [pytest.mark.e2e, pytest.mark.long]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Yield a separate stack that verifies its callers, like most stacks that people share."""
    config = {"authorizer": "cognito", "token_clients": '["check"]'}
    with LocalStack.started(tmp_path_factory.mktemp("check"), iam=True, warm_workers=2, config=config) as stack:
        yield stack


def command(stack: LocalStack, *options: str) -> list[str]:
    return [sys.executable, "-m", "tests.e2e.aws_check", str(stack.state.outputs), *options]


def left_behind(stack: LocalStack) -> list[str]:
    """Return the queues, subscriptions and articles that runs have created and not removed."""
    queues = stack.aws.sqs.list_queues(QueueNamePrefix="orders-local-aws-check-").get("QueueUrls", [])
    topic = stack.outputs["notifications_topic_arn"]
    subscriptions = stack.aws.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    rows = stack.aws.dynamodb.scan(TableName=stack.outputs["stock_table"])["Items"]
    return [
        *queues,
        *(each["Endpoint"] for each in subscriptions if "aws-check" in each["Endpoint"]),
        *(row["sku"]["S"] for row in rows if row["sku"]["S"].startswith(STOCK_PREFIX)),
    ]


@contextmanager
def tagged(stack: LocalStack, environment: str) -> Iterator[None]:
    """Give the stack's worker the tag of another environment for the time of this context."""
    arn = stack.aws.arn("lambda", f"function:{stack.outputs['process_order_function']}")
    before = stack.aws.lambda_.list_tags(Resource=arn)["Tags"]
    stack.aws.lambda_.tag_resource(Resource=arn, Tags={"Environment": environment})
    try:
        yield
    finally:
        stack.aws.lambda_.tag_resource(Resource=arn, Tags=before)


def test_the_suite_passes_and_leaves_only_its_orders(stack: LocalStack, tmp_path: Path) -> None:
    # GIVEN a file with the stack's outputs, which `make aws-check` reads
    report = tmp_path / "report.json"
    make = ["make", "aws-check", f"OUTPUTS={stack.state.outputs}", f"AWS_CHECK_OPTIONS=--report {report}"]

    # WHEN
    done = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)

    # THEN every test marked `deployed` has passed, and the report shows this
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(report.read_text())
    assert (document["complete"], document["failed"], document["events"]) == (True, 0, "checked")
    assert document["passed"] == len(document["tests"]) > 30
    assert left_behind(stack) == []


def test_a_production_stack_is_refused_before_anything_is_made(stack: LocalStack) -> None:
    # GIVEN a stack whose worker has the tag "production", and then an empty tag
    for environment in ("production", ""):
        with tagged(stack, environment):
            # WHEN
            done = subprocess.run(
                command(stack, "--yes"), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
            )
        # THEN
        assert done.returncode == ExitCode.REFUSED
        assert "python -m ops smoke" in done.stderr
    assert left_behind(stack) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_the_queue_and_subscription_and_article_of_a_killed_run_are_removed(
    stack: LocalStack, tmp_path: Path, how: signal.Signals
) -> None:
    # GIVEN a run that has made a queue, its subscription and an article
    options = ("--yes", "--report", str(tmp_path / "report.json"))
    with subprocess.Popen(
        command(stack, *options), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as run:
        wait_for("a queue, its subscription and an article", lambda: len(left_behind(stack)) >= 3)

        # WHEN it is killed
        os.kill(run.pid, how)
        code = run.wait(60)

    # THEN all three are removed: by the run itself after SIGTERM, by the next run after SIGKILL
    if how is signal.SIGKILL:
        assert left_behind(stack)
        with subprocess.Popen(
            command(stack, *options), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as following:
            time.sleep(6)
            following.terminate()
    else:
        assert code == ExitCode.INTERRUPTED
        assert not json.loads((tmp_path / "report.json").read_text())["complete"]
    assert left_behind(stack) == []


def test_a_run_without_yes_only_shows_its_costs_and_effects(stack: LocalStack) -> None:
    # GIVEN
    # WHEN
    done = subprocess.run(command(stack), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    # THEN
    assert done.returncode == ExitCode.OK
    assert "costs less than a cent" in done.stderr
    assert left_behind(stack) == []
