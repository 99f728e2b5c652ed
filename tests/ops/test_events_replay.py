"""Tests `events replay` on moto: one queue gets events again in the form in which the topic or the bus sends them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from ops.errors import RefusedError
from ops.gateway.mailbox import Mailbox, TopicMailbox
from ops.logic.filter_policy import check, passes
from runtime.logic.event import Event
from tests.ops.factories import DECISION, ORDER_ID, OTHER_ID, good_row
from tests.ops.mock_stack import GIVEN, MockStack, account
from tests.ops.test_without_yes import settled_orders

IDS = [f"{number:08x}-307d-56d4-8339-4dc839c7313d" for number in range(1, 151)]
SETTLED_IDS = IDS[:20]
REPLAY = ("events", "replay", "--since", "2026-01-01T00:00:00Z", "--until", "2026-01-02T00:00:00Z")


@pytest.fixture
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MockStack]:
    """A stack with settled orders of one day (two of them rejected), an open order, and an order of the next day."""
    with account(tmp_path) as made:
        settled_orders(made)
        made.log("process_order", {"at": 1_767_225_600.0, "text": "START"})
        rows = [
            good_row(
                order_id,
                status={"S": "REJECTED" if number < 2 else "CONFIRMED"},
                settled_at={"S": f"2026-01-01T00:{number // 60:02}:{number % 60:02}.000Z"},
            )
            for number, order_id in enumerate(getattr(request, "param", SETTLED_IDS))
        ]
        for first in range(0, len(rows), 25):
            puts = [{"PutRequest": {"Item": row}} for row in rows[first : first + 25]]
            made.dynamodb.batch_write_item(RequestItems={GIVEN["orders_table"]: puts})
        made.put_order(good_row(ORDER_ID))
        later = {"S": "2026-01-02T00:00:00.000Z"}
        made.put_order(good_row(OTHER_ID, status={"S": "CONFIRMED"}, settled_at=later))
        yield made


def subscribe(stack: MockStack, name: str, **attributes: str) -> str:
    url = str(stack.sqs.create_queue(QueueName=f"orders-prod-notifications-{name}-queue")["QueueUrl"])
    stack.sns.subscribe(TopicArn=stack.topic, Protocol="sqs", Endpoint=stack.arn_of(url), Attributes=attributes)
    return url


@pytest.fixture
def bus_stack(stack: MockStack) -> MockStack:
    """The same stack with a bus in place of the topic."""
    found = json.loads(stack.outputs.read_text())
    bus = stack.events.create_event_bus(Name="orders-prod-events")["EventBusArn"]
    del found["notifications_topic_arn"]
    stack.outputs.write_text(json.dumps({**found, "notifications_bus_arn": bus}))
    return stack


def rule(stack: MockStack, name: str, types: list[str], **target: str) -> str:
    """Create a rule for these types of event, or for all types, and return the URL of its queue."""
    url = str(stack.sqs.create_queue(QueueName=f"orders-prod-events-{name}-queue")["QueueUrl"])
    pattern = json.dumps({"source": ["/orders-prod"], **({"detail-type": types} if types else {})})
    bus = {"EventBusName": "orders-prod-events"}
    stack.events.put_rule(Name=name, EventPattern=pattern, **bus)
    stack.events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": stack.arn_of(url), **target}], **bus)
    return url


def drain(stack: MockStack, url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while messages := stack.sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        for message in messages:
            stack.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        found += messages
    return found


@pytest.mark.parametrize("raw", ["true", "false"])
def test_a_replayed_event_equals_the_one_that_the_topic_delivers(
    stack: MockStack, raw: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN two subscribers, and an event as the topic delivers it to the first
    url = subscribe(stack, "billing", RawMessageDelivery=raw)
    assert stack.run("order", "replay-events", IDS[5], "--yes") == 0
    (original,) = drain(stack, url)
    other = subscribe(stack, "shipping")

    # WHEN the events of the day are sent again to the first subscriber
    assert stack.run(*REPLAY, "--to", "billing", *DECISION, "--yes") == 0

    # THEN its queue has the event of each order once, with the same content, and the other subscriber's queue has none
    assert ("SNS's envelope without the signature" in capsys.readouterr().err) == (raw == "false")
    found = drain(stack, url)
    assert sorted(subject(message) for message in found) == SETTLED_IDS
    assert comparable(original) in [comparable(message) for message in found]
    assert drain(stack, other) == []


def test_a_fifo_queue_accepts_an_event_twice_within_five_minutes() -> None:
    # GIVEN a subscriber's FIFO queue, and an event
    sqs = Mock(**{"send_message_batch.return_value": {"Successful": [{"Id": "0"}]}})
    mailbox = TopicMailbox(sqs, "arn:topic", "https://sqs/billing.fifo", raw=True, pattern={})
    event = Event("event-1", "order.confirmed", "EUR", "{}", "caller-1", "/orders-prod", "2026-01-01T00:00:00Z")

    # WHEN it is sent twice
    sent = [mailbox.send([event], "now") for _ in range(2)]

    # THEN both messages are in the caller's group. Their deduplication ids differ, so SQS drops neither
    assert sent == [{"event-1"}] * 2
    entries = [call.kwargs["Entries"][0] for call in sqs.send_message_batch.call_args_list]
    assert [entry["MessageGroupId"] for entry in entries] == ["caller-1"] * 2
    assert len({entry["MessageDeduplicationId"] for entry in entries}) == 2


def document(message: dict[str, Any]) -> str:
    body = json.loads(message["Body"])
    if "detail" in body:
        return json.dumps(body["detail"])
    return str(body["Message"]) if "TopicArn" in body else str(message["Body"])


def subject(message: dict[str, Any]) -> str:
    return str(json.loads(document(message))["subject"])


def comparable(message: dict[str, Any]) -> object:
    """Return the message without the fields that differ at each delivery, and without SNS's signature."""
    body = json.loads(message["Body"])
    own = {"MessageId", "Timestamp", "Signature", "SignatureVersion", "SigningCertURL", "UnsubscribeURL"}
    shown = {name: value for name, value in body.items() if name not in own} if "TopicArn" in body else message["Body"]
    return shown, message.get("MessageAttributes")


def test_a_replay_obeys_the_subscriptions_filter_and_the_status_option(
    stack: MockStack, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a subscriber whose filter accepts rejections only
    url = subscribe(stack, "rejections", RawMessageDelivery="true", FilterPolicy='{"event_type": ["order.rejected"]}')

    # WHEN all events are sent again, and then those of confirmed orders
    for more in ((), ("--status", "CONFIRMED")):
        assert stack.run(*REPLAY, "--to", "rejections", *more, *DECISION, "--yes") == 0

    # THEN its queue has the two rejections, and the events that the filter excludes are counted
    assert [subject(message) for message in drain(stack, url)] == IDS[:2]
    assert "excluded by the subscription's filter: 18" in capsys.readouterr().out


@pytest.mark.parametrize("path", [{}, {"InputPath": "$.detail"}], ids=["envelope", "raw"])
def test_the_queue_of_a_rule_gets_replayed_events_as_the_bus_sends_them(
    bus_stack: MockStack, path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a rule for rejections and a rule for all events, each with its own queue
    other = rule(bus_stack, "all", [])
    billing = rule(bus_stack, "billing", ["order.rejected"], **path)

    # WHEN the events of the day are sent again to the queue of the rule for rejections
    assert bus_stack.run(*REPLAY, "--to", "billing", *DECISION, "--yes") == 0

    # THEN this queue has the two rejections as the bus sends them (docs/events.md), the output counts the other 18
    # events, and the queue of the rule for all events is empty
    bodies = {subject(message): json.loads(message["Body"]) for message in drain(bus_stack, billing)}
    assert sorted(bodies) == IDS[:2]
    body = bodies[IDS[1]]
    envelope = {name: value for name, value in body.items() if name not in {"id", "detail"}}
    expected = {
        "version": "0",
        "source": "/orders-prod",
        "detail-type": "order.rejected",
        "account": "123456789012",
        "time": "2026-01-01T00:00:01Z",
        "region": "eu-west-1",
        "resources": [],
    }
    assert (body["id"] if path else body["detail"]["id"]) == f"{IDS[1]}:order.rejected"
    assert path or envelope == expected
    assert "excluded by the subscription's filter: 18" in capsys.readouterr().out
    assert drain(bus_stack, other) == []


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"Input": '"an order was settled"'}, "transforms each event"),
        ({"InputPath": "$.detail.data"}, "transforms each event"),
        (None, "Subscribed queues: none"),
    ],
)
def test_a_replay_is_refused_if_the_rule_is_missing_or_changes_the_event(
    bus_stack: MockStack, more: Any, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN no rule, or a rule that transforms each event
    if more is not None:
        rule(bus_stack, "billing", [], **more)
    # WHEN / THEN
    assert bus_stack.run(*REPLAY, "--to", "billing", *DECISION, "--yes") == 5
    assert reason in capsys.readouterr().err


EVENT = {"detail-type": "order.confirmed", "detail": {"data": {"lines": [{"sku": "A", "n": 1}, {"sku": "B", "n": 2}]}}}


@pytest.mark.parametrize(
    ("lines", "matches"),
    [
        ({"sku": ["B"]}, True),
        ({"sku": ["A"], "n": [2]}, False),
        ({"sku": ["B"], "n": [2]}, True),
        ({"n": [{"anything-but": [1, 2]}]}, False),
        ({"n": [{"anything-but": 1}]}, True),
        ({"n": [{"exists": True}]}, True),
        ({"colour": [{"exists": False}]}, True),
        ({"$or": [{"sku": ["C"]}, {"n": [1]}]}, True),
    ],
)
def test_a_pattern_matches_as_in_eventbridge(lines: Any, matches: bool) -> None:
    # GIVEN a pattern on the lines of an event
    pattern = {"detail": {"data": {"lines": lines}}}
    check(pattern)
    # WHEN / THEN the pattern matches if at least one line alone meets all conditions of the pattern
    assert passes(pattern, EVENT) is matches


# There are 150 events, because progress is recorded after every hundred.
@pytest.mark.parametrize("stack", [IDS], indirect=True, ids=["150"])
def test_a_replay_that_stopped_is_continued(
    stack: MockStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a queue that refuses every batch from the eleventh on
    url = subscribe(stack, "billing", RawMessageDelivery="true")
    real, calls = Mailbox.send, 0

    def send(box: Mailbox, events: Any, now: str) -> set[str]:
        nonlocal calls
        calls += 1
        return real(box, events, now) if calls <= 10 else set()

    monkeypatch.setattr(Mailbox, "send", send)
    assert stack.run(*REPLAY, "--to", "billing", *DECISION, "--rate", "1000", "--yes") == 6

    # WHEN the queue accepts batches again, and the same command is run
    monkeypatch.setattr(Mailbox, "send", real)
    assert stack.run(*REPLAY, "--to", "billing", *DECISION, "--rate", "1000", "--yes") == 0

    # THEN the queue has each event once, the history shows both runs, and a third run begins from the start
    assert stack.run("dlq", "history") == 0
    history = capsys.readouterr().out
    assert "events replay of at least 100 events, by Ada: a test" in history
    assert "events replay of 50 events, by Ada: a test" in history
    assert sorted(subject(message) for message in drain(stack, url)) == IDS
    assert stack.run(*REPLAY, "--to", "billing", *DECISION, "--rate", "1000", "--yes") == 0
    assert len(drain(stack, url)) == len(IDS)


def test_the_history_counts_a_replay_in_events_if_it_stopped_before_it_recorded_progress(
    stack: MockStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a replay to a queue that refuses every event
    subscribe(stack, "billing", RawMessageDelivery="true")
    monkeypatch.setattr(Mailbox, "send", lambda *_: set())
    assert stack.run(*REPLAY, "--to", "billing", *DECISION, "--rate", "1000", "--yes") == 6

    # WHEN the history is shown
    assert stack.run("dlq", "history") == 0

    # THEN the history counts the replay in events, not in dead letters. The text says "at least", because a
    # stopped replay may have sent events that it did not record
    assert "events replay of at least 0 events, by Ada: a test" in capsys.readouterr().out


@pytest.mark.parametrize("stack", [IDS[:3]], indirect=True, ids=["3"])
def test_a_replay_begins_from_the_start_if_the_one_before_sent_nothing(
    stack: MockStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a replay that sent every event, and then a run of the same command in which the queue refused every event
    url = subscribe(stack, "billing", RawMessageDelivery="true")
    command = (*REPLAY, "--to", "billing", *DECISION, "--yes")
    assert stack.run(*command) == 0
    assert len(drain(stack, url)) == 3
    with monkeypatch.context() as patch:
        patch.setattr(Mailbox, "send", lambda *_: set())
        assert stack.run(*command) == 6
    # WHEN the command is run a third time
    assert stack.run(*command) == 0
    # THEN the queue has each event
    assert sorted(subject(message) for message in drain(stack, url)) == IDS[:3]


@pytest.mark.parametrize("stack", [IDS[:4]], indirect=True, ids=["4"])
def test_a_replay_advises_commands_for_the_orders_whose_rows_give_no_event(
    stack: MockStack, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a row with an unreadable time, a row of a newer version, and a readable row that lacks a part of the event
    url = subscribe(stack, "billing", RawMessageDelivery="true")
    unreadable, newer, incomplete, _ = IDS[:4]
    stack.put_order({**stack.order(unreadable), "accepted_at": {"S": "yesterday"}})
    stack.put_order({**stack.order(newer), "accepted_at": {"S": "yesterday"}, "schema_version": {"N": "99"}})
    stack.put_order({name: value for name, value in stack.order(incomplete).items() if name != "total"})
    capsys.readouterr()
    # WHEN the events of the day are sent, first in a dry run
    command = (*REPLAY, "--to", "billing", *DECISION)
    codes = [stack.run(*command)]
    planned = stack.advised(capsys.readouterr().err)
    codes.append(stack.run(*command, "--yes"))
    output = capsys.readouterr().err
    # THEN only the fourth order's event is sent. The dry run advises two commands: the repair of
    # the first row, and the replay. The run with --yes advises the repair too, and
    # `order replay-events` for only the three missing events. It does not advise `events replay`:
    # that would send all events again, because the first replay has ended
    assert codes == [6, 6]
    assert [subject(message) for message in drain(stack, url)] == [IDS[3]]
    repair = f"order repair {unreadable}"
    assert (planned[0], planned[1].split()[:2], len(planned)) == (repair, ["events", "replay"], 2)
    assert stack.advised(output) == [repair, f"order replay-events {unreadable} {newer} {incomplete}"]
    assert "a new run would send all events again" in output


@pytest.mark.parametrize("to", ["nobody", "hook.example.com", "orders"])
def test_events_are_replayed_only_to_a_subscribed_queue(
    to: str, stack: MockStack, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a subscribed queue and a subscribed web address
    subscribe(stack, "billing")
    stack.sns.subscribe(TopicArn=stack.topic, Protocol="https", Endpoint="https://hook.example.com")

    # WHEN
    code = stack.run(*REPLAY, "--to", to, *DECISION, "--yes")

    # THEN
    assert code == 5
    assert "Subscribed queues: orders-prod-notifications-billing-queue" in capsys.readouterr().err


ATTRIBUTES = {"event_type": "order.rejected", "currency": "EUR"}


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ("order.rejected", True),
        ("order.confirmed", False),
        ({"prefix": "order."}, True),
        ({"suffix": "ed"}, True),
        ({"equals-ignore-case": "ORDER.REJECTED"}, True),
        ({"anything-but": ["order.rejected"]}, False),
        ({"anything-but": {"prefix": "order.c"}}, True),
        ({"exists": True}, True),
        ({"exists": False}, False),
        ({"wildcard": "order.*ed"}, True),
        (7, False),
        ({"numeric": ["=", 1]}, None),
        ({"cidr": "10.0.0.0/8"}, None),
        ({"sounds-like": "order"}, None),
    ],
)
def test_a_filter_matches_as_in_sns_or_is_refused(condition: object, matches: bool | None) -> None:
    # GIVEN
    policy = {"event_type": [condition], "currency": ["EUR"]}

    # WHEN / THEN
    if matches is None:
        with pytest.raises(RefusedError, match="not supported here"):
            check(policy)
    else:
        check(policy)
        assert passes(policy, ATTRIBUTES) is matches
        assert not passes({**policy, "currency": ["USD"]}, ATTRIBUTES)
