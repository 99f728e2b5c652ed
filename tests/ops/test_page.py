"""Tests `page` on moto: the command lists who receives pages, and sends test pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.ops.mock_stack import MockStack, account


@pytest.fixture
def stack(tmp_path: Any) -> Iterator[MockStack]:
    with account(tmp_path) as made:
        yield made


@pytest.fixture
def pager(stack: MockStack) -> str:
    """Subscribe a queue to pages, and return its URL."""
    topic = json.loads(stack.outputs.read_text())["alarm_topic_arns"]["page"]
    url = str(stack.sqs.create_queue(QueueName="pager")["QueueUrl"])
    stack.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=stack.arn_of(url))
    return url


def pages(stack: MockStack, pager: str) -> list[dict[str, Any]]:
    """Return the pages that the queue has received."""
    found = stack.sqs.receive_message(QueueUrl=pager, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(json.loads(message["Body"])["Message"]) for message in found]


@pytest.mark.parametrize("arguments", [[], ["--test"]], ids=["list", "dry run"])
def test_nobody_is_paged_without_yes(
    stack: MockStack, pager: str, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    # GIVEN somebody who receives pages
    # WHEN the command runs without --yes
    code = stack.run("page", *arguments, "--json")
    # THEN the subscription is shown, and nothing is sent
    document = json.loads(capsys.readouterr().out)
    assert (code, document["receivers"], document["sent"]) == (0, [{"protocol": "sqs", "confirmed": True}], [])
    assert pages(stack, pager) == []


def test_a_test_page_arrives_like_an_alarm_and_is_marked_as_a_test(stack: MockStack, pager: str) -> None:
    # GIVEN / WHEN
    code = stack.run("page", "--test", "--yes")
    # THEN a notification for ALARM and one for OK are received, and both are marked as a test
    received = pages(stack, pager)
    assert code == 0
    assert sorted(page["NewStateValue"] for page in received) == ["ALARM", "OK"]
    assert all(page["AlarmName"].startswith("TEST-") and "TEST" in page["AlarmDescription"] for page in received)


def test_a_topic_without_subscribers_is_reported(stack: MockStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a topic without subscribers
    # WHEN the command runs
    stack.run("page")
    # THEN
    assert "Nobody receives page alarms" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--tier", "notify"]], ids=["pages", "another tier"])
def test_the_printed_command_tests_the_tier_that_was_listed(
    stack: MockStack, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    # GIVEN a stack with topics for two tiers
    found = json.loads(stack.outputs.read_text())
    topics = {"notify": stack.sns.create_topic(Name="orders-prod-alarms-notify")["TopicArn"]}
    stack.outputs.write_text(json.dumps({**found, "alarm_topic_arns": {**found["alarm_topic_arns"], **topics}}))
    # WHEN the receivers of a tier are listed
    assert stack.run("page", *arguments) == 0
    # THEN the printed command would test the same tier
    assert stack.advised(capsys.readouterr().err) == [" ".join(["page", *arguments, "--test"])]


@pytest.mark.parametrize(("arguments", "code"), [(["--yes"], 2), (["--tier", "ticket"], 5)])
def test_the_command_is_refused_if_the_tier_has_no_topic_or_yes_is_given_without_test(
    stack: MockStack, arguments: list[str], code: int
) -> None:
    # GIVEN a stack whose only alarm topic is the one for pages
    # WHEN / THEN
    assert stack.run("page", *arguments) == code
