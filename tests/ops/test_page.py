"""Tests who hears of alarms, and a page for a test. Whole commands on moto."""

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
    """The URL of a queue that hears pages."""
    topic = json.loads(stack.outputs.read_text())["alarm_topic_arns"]["page"]
    url = str(stack.sqs.create_queue(QueueName="pager")["QueueUrl"])
    stack.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=stack.arn_of(url))
    return url


def pages(stack: MockStack, pager: str) -> list[dict[str, Any]]:
    """Return what the pager has heard."""
    found = stack.sqs.receive_message(QueueUrl=pager, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(json.loads(message["Body"])["Message"]) for message in found]


@pytest.mark.parametrize("arguments", [[], ["--test"]], ids=["a look", "a dry run"])
def test_without_yes_nobody_is_paged(
    stack: MockStack, pager: str, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    # GIVEN somebody who hears pages
    # WHEN one looks
    code = stack.run("page", *arguments, "--json")
    # THEN they are shown, and nothing is sent
    document = json.loads(capsys.readouterr().out)
    assert (code, document["receivers"], document["sent"]) == (0, [{"protocol": "sqs", "confirmed": True}], [])
    assert pages(stack, pager) == []


def test_a_test_arrives_as_an_alarm_does_says_what_it_is_and_is_over(stack: MockStack, pager: str) -> None:
    # GIVEN / WHEN
    code = stack.run("page", "--test", "--yes")
    # THEN a pager hears that it begins and ends, and whoever reads it sees that it is a test
    heard = pages(stack, pager)
    assert code == 0
    assert sorted(page["NewStateValue"] for page in heard) == ["ALARM", "OK"]
    assert all(page["AlarmName"].startswith("TEST-") and "TEST" in page["AlarmDescription"] for page in heard)


def test_nobody_to_hear_is_said(stack: MockStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a topic without subscribers
    # WHEN one looks
    stack.run("page")
    # THEN
    assert "Nobody hears of page" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "code"), [(["--yes"], 2), (["--tier", "ticket"], 5)])
def test_what_cannot_be_done_is_refused(stack: MockStack, arguments: list[str], code: int) -> None:
    # GIVEN a stack with a topic for pages only
    # WHEN / THEN
    assert stack.run("page", *arguments) == code
