"""Tests what `status` reads of a stack, what it shows, and how it reports what it could not read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import boto3
import pytest

from ops.gateway.alarms import alarms_of
from ops.gateway.subscribers import PENDING, of_bus, of_topic, waiting
from ops.gateway.telemetry import Query, Telemetry, Value
from runtime.metric import MetricName
from tests.ops.mock_stack import GIVEN, REGION, MockStack

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PAGE_TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders-prod-alarms-page"


def status(stack: MockStack, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the JSON document."""
    capsys.readouterr()
    code = stack.run("status", "--json")
    return code, json.loads(capsys.readouterr().out)


def described(name: str, topic: str = "", state: str = "ALARM", members: str = "") -> dict[str, Any]:
    """Return an alarm as CloudWatch describes it."""
    return {
        "AlarmName": name,
        "AlarmActions": [topic] if topic else [],
        "AlarmDescription": "[page] It fails. Why. Runbook: docs/runbooks/api.md#it",
        "AlarmRule": members,
        "StateValue": state,
        "StateUpdatedTimestamp": NOW,
        "StateTransitionedTimestamp": NOW - timedelta(hours=1),
    }


def test_only_the_stacks_own_alarms_are_found() -> None:
    # GIVEN alarms of stack prod and of stack prod-eu; the names of both begin with orders-prod
    foreign = "arn:aws:sns:eu-west-1:123456789012:orders-prod-eu-alarms-page"
    page = {
        "MetricAlarms": [
            described("orders-prod-5xx"),
            described("orders-prod-age", PAGE_TOPIC),
            described("orders-prod-eu-5xx"),
            described("orders-prod-eu-age", foreign),
        ],
        "CompositeAlarms": [
            described(
                "orders-prod-failing", PAGE_TOPIC, members='ALARM("orders-prod-5xx") OR ALARM("orders-prod-gone")'
            ),
            described("orders-prod-eu-failing", foreign, members='ALARM("orders-prod-eu-5xx")'),
        ],
    }
    client: Any = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [page]))
    # WHEN the alarms of stack prod are read
    found = alarms_of(client, "orders-prod", {"page": PAGE_TOPIC})
    # THEN these alarms of prod are found: first those that notify, then the member of the composite alarm
    assert [(each.name, each.notifies) for each in found] == [
        ("orders-prod-failing", True),
        ("orders-prod-age", True),
        ("orders-prod-5xx", False),
    ]
    assert {(each.tier, each.title, each.runbook, each.since) for each in found} == {
        ("page", "It fails", "docs/runbooks/api.md#it", NOW - timedelta(hours=1))
    }


def test_503_answers_without_an_alarm_are_reported(stack: MockStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN ten answers with status 503. A metric of the functions counts them, but no alarm is raised
    stack.cloudwatch.put_metric_data(
        Namespace="orders-prod",
        MetricData=[
            {
                "MetricName": "DependencyFailure",
                "Dimensions": [{"Name": "service", "Value": "api"}],
                "Timestamp": datetime.now(UTC) - timedelta(seconds=90),
                "Value": 10,
            }
        ],
    )
    # WHEN somebody looks at status
    _, document = status(stack, capsys)
    # THEN it reports them
    assert "answered with 503 (the callers do not know the outcome): 10 requests " in " ".join(
        each["text"] for each in document["findings"]
    )


def queue_with(stack: MockStack, name: str, messages: int) -> str:
    """Create a queue with messages, and return its ARN."""
    url = stack.sqs.create_queue(QueueName=name)["QueueUrl"]
    for number in range(messages):
        stack.sqs.send_message(QueueUrl=url, MessageBody=str(number))
    return stack.arn_of(url)


def test_dead_letters_of_subscribers_are_reported(stack: MockStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a subscriber with two events in its dead-letter queue, and a subscriber without a dead-letter queue
    kept, billing, audit = (
        queue_with(stack, name, count) for name, count in (("kept", 2), ("billing", 0), ("audit", 0))
    )
    policy = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": kept})}
    stack.sns.subscribe(TopicArn=stack.topic, Protocol="sqs", Endpoint=billing, Attributes=policy)
    stack.sns.subscribe(TopicArn=stack.topic, Protocol="sqs", Endpoint=audit)
    # WHEN somebody looks at status
    _, document = status(stack, capsys)
    # THEN it names the subscriber whose events wait
    assert document["subscribers"] == {"billing": 2, "audit": None}
    why = "they were not delivered, or the subscriber did not process them"
    assert f"events in the dead-letter queue of billing: 2; {why}" in texts(document)


def test_targets_of_a_bus_are_listed_as_its_subscribers(stack: MockStack) -> None:
    # GIVEN a bus with a rule whose target has a dead-letter queue
    events: Any = boto3.client("events", region_name=REGION)
    events.create_event_bus(Name="orders-prod-events")
    events.put_rule(Name="billing", EventBusName="orders-prod-events", EventPattern="{}")
    target = {
        "Id": "1",
        "Arn": queue_with(stack, "invoices", 0),
        "DeadLetterConfig": {"Arn": queue_with(stack, "late", 1)},
    }
    events.put_targets(Rule="billing", EventBusName="orders-prod-events", Targets=[target])
    # WHEN the bus's subscribers are read
    (subscriber,) = of_bus(events, "orders-prod-events")
    # THEN the target is listed, and its dead letters are counted
    assert (subscriber.name, subscriber.rule, subscriber.confirmed) == ("invoices", "billing", True)
    assert waiting(stack.sqs, subscriber.dead_letters or "") == 1


@pytest.mark.parametrize(
    ("state", "delivers"),
    [("ENABLED", True), ("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", True), ("DISABLED", False)],
)
def test_a_rule_delivers_unless_it_is_disabled(state: str, delivers: bool) -> None:
    # GIVEN a bus with a rule in this state
    target = {"Id": "1", "Arn": "arn:aws:sqs:eu-west-1:123456789012:invoices"}
    pages = {"list_rules": [{"Rules": [{"Name": "billing", "State": state}]}]}
    pages["list_targets_by_rule"] = [{"Targets": [target]}]
    events = Mock()
    events.get_paginator = lambda operation: Mock(paginate=Mock(return_value=pages[operation]))
    # WHEN / THEN
    assert [each.confirmed for each in of_bus(events, "orders-prod-events")] == [delivers]


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:sqs:eu-west-1:123456789012:invoices", "invoices"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:bill", "bill"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:bill:live", "bill:live"),
    ],
)
def test_a_subscriber_is_named_by_its_queue_or_function(arn: str, name: str) -> None:
    # GIVEN a topic with this subscriber
    topic = Mock()
    subscription = {"Protocol": arn.split(":")[2], "Endpoint": arn, "SubscriptionArn": PENDING}
    topic.get_paginator.return_value.paginate.return_value = [{"Subscriptions": [subscription]}]
    # WHEN / THEN
    assert [each.name for each in of_topic(topic, "arn:aws:sns:eu-west-1:123456789012:orders-prod")] == [name]


def texts(document: dict[str, Any]) -> list[str]:
    """Return the texts of all findings."""
    return [each["text"] for each in document["findings"]]


def test_watching_reads_status_again_until_ctrl_c(
    stack: MockStack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN somebody who presses Ctrl-C during the second pause
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) > 1:
            raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", sleep)
    # WHEN they watch status
    code = stack.run("status", "--watch", "3s")
    # THEN it was read twice, and the exit code is 0
    assert slept == [3, 3]
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line for line in lines if "worker:" in line] == [["worker:", "Enabled"]] * 2
    assert code == 0


@pytest.mark.parametrize("options", [("--watch", "1s"), ("--watch", "soon"), ("--watch", "--json")])
def test_invalid_options_of_a_watch_are_refused(stack: MockStack, options: tuple[str, ...]) -> None:
    # GIVEN a watch interval that is too short, an interval that is no duration, or JSON output
    # WHEN somebody watches status
    # THEN the exit code is that of wrong usage
    assert stack.run("status", *options) == 2


def test_a_missing_table_is_reported_and_the_rest_is_shown(
    stack: MockStack, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a stack without its stock table
    stack.dynamodb.delete_table(TableName=GIVEN["stock_table"])
    # WHEN somebody looks at status
    code, document = status(stack, capsys)
    # THEN the table is the most urgent finding, the rest is shown, and the exit code says that something was not read
    assert code == 6
    assert document["findings"][0]["text"].startswith("the stock table does not exist")
    assert document["severity"] == "urgent"
    assert document["orders_queue"]["visible"] == 0


@contextmanager
def _other_dead_letter_queue(stack: MockStack) -> Iterator[None]:
    before = stack.sqs.get_queue_attributes(QueueUrl=stack.orders, AttributeNames=["All"])["Attributes"][
        "RedrivePolicy"
    ]
    another = json.dumps({**json.loads(before), "deadLetterTargetArn": queue_with(stack, "another", 0)})
    stack.sqs.set_queue_attributes(QueueUrl=stack.orders, Attributes={"RedrivePolicy": another})
    yield
    stack.sqs.set_queue_attributes(QueueUrl=stack.orders, Attributes={"RedrivePolicy": before})


@contextmanager
def _second_mapping(stack: MockStack) -> Iterator[None]:
    function = stack.lambda_.get_function(FunctionName=GIVEN["process_order_function"])["Configuration"]["FunctionArn"]
    made = stack.lambda_.create_event_source_mapping(
        EventSourceArn=stack.arn_of(stack.orders), FunctionName=f"{function}:live"
    )
    yield
    stack.lambda_.delete_event_source_mapping(UUID=made["UUID"])


@pytest.mark.parametrize(
    ("mismatch", "text"),
    [
        (_other_dead_letter_queue, "the queues' redrive policy is wrong: "),
        (_second_mapping, "the worker's mapping is wrong: 2 event source mappings"),
    ],
)
def test_wrong_connections_of_existing_resources_are_reported_as_wrong_and_not_as_missing(
    stack: MockStack,
    capsys: pytest.CaptureFixture[str],
    mismatch: Callable[[MockStack], AbstractContextManager[None]],
    text: str,
) -> None:
    # GIVEN a stack whose resources all exist, but are connected wrongly
    with mismatch(stack):
        # WHEN somebody looks at status
        code, document = status(stack, capsys)
    # THEN an urgent finding says what is wrong
    assert (code, document["severity"]) == (6, "urgent")
    assert any(each.startswith(text) for each in texts(document))


def test_status_shows_who_paused_the_worker_and_when_and_why(
    stack: MockStack, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a worker that somebody paused. The reason contains characters that a tag cannot contain
    reason = "it's broken (ticket №7, 50 %)"
    assert stack.run("worker", "pause", "--by", "Zoë", "--reason", reason, "--yes") == 0
    # WHEN somebody else looks at status
    _, document = status(stack, capsys)
    # THEN status shows time, name and reason. `worker resume` shows name and reason once more, and removes them
    assert document["worker"] == "Disabled"
    assert document["paused"].endswith(f"by Zoë: {reason}")
    stack.run("status")
    shown = " ".join(capsys.readouterr().out.split())
    assert "Disabled, paused " in shown
    assert f"ago by Zoë: {reason}" in shown
    assert stack.run("worker", "resume", "--yes") == 0
    assert f"by Zoë: {reason}" in capsys.readouterr().err
    assert status(stack, capsys)[1]["paused"] is None


@pytest.mark.parametrize("reason", [" ", "é" * 100])
def test_a_pause_with_an_empty_or_too_long_reason_is_refused(stack: MockStack, reason: str) -> None:
    # GIVEN an empty reason, or one that is too long for a tag
    # WHEN somebody pauses the worker
    # THEN the exit code is that of wrong usage, and the worker keeps running
    assert stack.run("worker", "pause", "--by", "Ada", "--reason", reason, "--yes") == 2
    assert stack.lambda_.get_event_source_mapping(UUID=stack.mapping)["State"] == "Enabled"


@pytest.mark.parametrize(
    ("minutes", "of_a_sum", "of_a_percentile"), [(30, 60, 3_600), (90, 60, 7_200), (3_000, 300, 86_400)]
)
def test_the_cloudwatch_period_of_a_percentile_covers_the_whole_time_span_up_to_a_day(
    minutes: int, of_a_sum: int, of_a_percentile: int
) -> None:
    # GIVEN
    client = Mock()
    ask = client.get_paginator.return_value.paginate
    ask.return_value = []
    queries = [Query("latency", "namespace", "metric", {}, statistic) for statistic in ("Sum", "p95")]
    # WHEN
    Telemetry(client, client).values(queries, NOW - timedelta(minutes=minutes), NOW)
    # THEN the percentile's period is the time span rounded up to whole hours, but at most a day. The sum's period is
    # shorter
    periods = [each["MetricStat"]["Period"] for each in ask.call_args.kwargs["MetricDataQueries"]]
    assert periods == [of_a_sum, of_a_percentile]


def test_every_metric_except_two_is_read_and_shown(
    stack: MockStack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a stack for which CloudWatch has every metric
    def values(_: Telemetry, queries: Sequence[Query], *__: Any) -> dict[str, Value]:
        return {each.key: Value(1.0, NOW) for each in queries}

    monkeypatch.setattr(Telemetry, "values", values)
    # WHEN
    _, document = status(stack, capsys)
    # THEN the document has every metric except TRANSACTION_CONFLICT and BATCH_ISOLATED. It shows ACCEPTED_TO_SETTLED
    # under the name `settled_p95`
    assert document["orders_queue"]["oldest_seconds"] == document["dead_letter_queue"]["oldest_seconds"] == 1
    own = {each for each in document["counts"] if each in set(MetricName)}
    functions = {name for key, name in GIVEN.items() if key.endswith("_function")}
    assert set(document["counts"]) - own == {
        *("concurrency", "events_failed", "events_lost", "settled_p95"),
        *(f"{what} of {name}" for what in ("errors", "invocations", "throttles") for name in functions),
    }
    assert own == set(MetricName) - {
        MetricName.ACCEPTED_TO_SETTLED,
        MetricName.TRANSACTION_CONFLICT,
        MetricName.BATCH_ISOLATED,
    }
