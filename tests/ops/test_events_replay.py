"""One subscriber's queue gets settled orders' events again, as the topic gives them, and nobody else does. On moto."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.errors import RefusedError
from ops.gateway.mailbox import Mailbox
from ops.logic.filter_policy import check, passes
from tests.ops.factories import DECISION, ORDER_ID, OTHER_ID
from tests.ops.mock_stack import GIVEN, MockStack, account
from tests.ops.test_strange_records import good_row
from tests.ops.test_without_yes import settled_orders

IDS = [f"{number:08x}-307d-56d4-8339-4dc839c7313d" for number in range(1, 151)]
FEW = IDS[:20]
REPLAY = ("events", "replay", "--since", "2026-01-01T00:00:00Z", "--until", "2026-01-02T00:00:00Z")


@pytest.fixture
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MockStack]:
    """Orders of one day, a few or as the test says, two of them rejected, one of another day."""
    with account(tmp_path) as made:
        settled_orders(made)
        made.log("process_order", {"at": 1_767_225_600.0, "text": "START"})
        rows = [
            good_row(
                order_id,
                status={"S": "REJECTED" if number < 2 else "CONFIRMED"},
                settled_at={"S": f"2026-01-01T00:{number // 60:02}:{number % 60:02}.000Z"},
            )
            for number, order_id in enumerate(getattr(request, "param", FEW))
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
    """The same with a bus in place of the topic."""
    found = json.loads(stack.outputs.read_text())
    bus = stack.events.create_event_bus(Name="orders-prod-events")["EventBusArn"]
    del found["notifications_topic_arn"]
    stack.outputs.write_text(json.dumps({**found, "notifications_bus_arn": bus}))
    return stack


def rule(stack: MockStack, name: str, types: list[str], **target: str) -> str:
    """A rule for these types of event, or for all, and its queue."""
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
def test_the_queue_gets_what_the_topic_would_give_it(
    stack: MockStack, raw: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a subscriber, another one, and what the topic gives the first of one order
    url = subscribe(stack, "billing", RawMessageDelivery=raw)
    assert stack.run("order", "replay-events", IDS[5], "--yes") == 0
    (original,) = drain(stack, url)
    other = subscribe(stack, "shipping")

    # WHEN the day is sent again
    assert stack.run(*REPLAY, "--to", "billing", *DECISION, "--yes") == 0

    # THEN each order's event is there once, in the same bytes but for an envelope's, and the other got nothing
    assert ("SNS's envelope, without its signature" in capsys.readouterr().err) == (raw == "false")
    found = drain(stack, url)
    assert sorted(subject(message) for message in found) == FEW
    assert comparable(original) in [comparable(message) for message in found]
    assert drain(stack, other) == []


def document(message: dict[str, Any]) -> str:
    body = json.loads(message["Body"])
    if "detail" in body:
        return json.dumps(body["detail"])
    return str(body["Message"]) if "TopicArn" in body else str(message["Body"])


def subject(message: dict[str, Any]) -> str:
    return str(json.loads(document(message))["subject"])


def comparable(message: dict[str, Any]) -> object:
    """Without what each delivery has of its own, and SNS's signature."""
    body = json.loads(message["Body"])
    own = {"MessageId", "Timestamp", "Signature", "SignatureVersion", "SigningCertURL", "UnsubscribeURL"}
    shown = {name: value for name, value in body.items() if name not in own} if "TopicArn" in body else message["Body"]
    return shown, message.get("MessageAttributes")


def test_the_subscriptions_filter_and_the_status_are_kept(stack: MockStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a subscriber to rejections
    url = subscribe(stack, "rejections", RawMessageDelivery="true", FilterPolicy='{"event_type": ["order.rejected"]}')

    # WHEN everything is sent, and confirmed orders only
    for more in ((), ("--status", "CONFIRMED")):
        assert stack.run(*REPLAY, "--to", "rejections", *more, *DECISION, "--yes") == 0

    # THEN two came, the others are told
    assert [subject(message) for message in drain(stack, url)] == IDS[:2]
    assert "kept out by the subscription's filter: 18" in capsys.readouterr().out


@pytest.mark.parametrize("path", [{}, {"InputPath": "$.detail"}], ids=["envelope", "raw"])
def test_a_rules_queue_gets_what_the_bus_would_give_it(
    bus_stack: MockStack, path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a rule for rejections with a queue, behind another rule
    other = rule(bus_stack, "all", [])
    billing = rule(bus_stack, "billing", ["order.rejected"], **path)

    # WHEN the day is sent again
    assert bus_stack.run(*REPLAY, "--to", "billing", *DECISION, "--yes") == 0

    # THEN both rejections are there in EventBridge's form (docs/events.md), the rest is told, and the other got nothing
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
    assert "kept out by the subscription's filter: 18" in capsys.readouterr().out
    assert drain(bus_stack, other) == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"Input": '"an order was settled"'}, "makes a text of its own"),
        ({"InputPath": "$.detail.data"}, "makes a text of its own"),
        (None, "there are: none"),
    ],
)
def test_what_a_rule_makes_of_an_event_is_not_guessed(
    bus_stack: MockStack, more: Any, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a target that gets something else than the event, or none
    if more is not None:
        rule(bus_stack, "billing", [], **more)
    # WHEN / THEN
    assert bus_stack.run(*REPLAY, "--to", "billing", *DECISION, "--yes") == 5
    assert says in capsys.readouterr().err


EVENT = {"detail-type": "order.confirmed", "detail": {"data": {"lines": [{"sku": "A", "n": 1}, {"sku": "B", "n": 2}]}}}


@pytest.mark.parametrize(
    ("lines", "let"),
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
def test_a_pattern_is_held_against_the_event_as_eventbridge_does(lines: Any, let: bool) -> None:
    # GIVEN a pattern on what is deep in an event
    pattern = {"detail": {"data": {"lines": lines}}}
    check(pattern)
    # WHEN / THEN what is asked of a line, one line has to have all of
    assert passes(pattern, EVENT) is let


# Progress is noted at every hundred.
@pytest.mark.parametrize("stack", [IDS], indirect=True, ids=["150"])
def test_a_run_that_stops_is_gone_on_with(
    stack: MockStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN SQS, which refuses from the eleventh batch on
    url = subscribe(stack, "billing", RawMessageDelivery="true")
    real, calls = Mailbox.send, 0

    def send(box: Mailbox, events: Any, now: str) -> set[str]:
        nonlocal calls
        calls += 1
        return real(box, events, now) if calls <= 10 else set()

    monkeypatch.setattr(Mailbox, "send", send)
    assert stack.run(*REPLAY, "--to", "billing", *DECISION, "--rate", "1000", "--yes") == 6

    # WHEN it takes them again, and the same command is typed
    monkeypatch.setattr(Mailbox, "send", real)
    assert stack.run(*REPLAY, "--to", "billing", *DECISION, "--rate", "1000", "--yes") == 0

    # THEN each is there once, in both runs, which the history shows; a third run begins anew
    assert stack.run("dlq", "history") == 0
    history = capsys.readouterr().out
    assert "events replay of 100 events, by Ada: a test" in history
    assert "events replay of 50 events, by Ada: a test" in history
    assert sorted(subject(message) for message in drain(stack, url)) == IDS
    assert stack.run(*REPLAY, "--to", "billing", *DECISION, "--rate", "1000", "--yes") == 0
    assert len(drain(stack, url)) == len(IDS)


@pytest.mark.parametrize("to", ["nobody", "hook.example.com", "orders"])
def test_only_a_subscribed_queue_can_be_sent_to(to: str, stack: MockStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a queue and an address that are subscribed
    subscribe(stack, "billing")
    stack.sns.subscribe(TopicArn=stack.topic, Protocol="https", Endpoint="https://hook.example.com")

    # WHEN
    code = stack.run(*REPLAY, "--to", to, *DECISION, "--yes")

    # THEN
    assert code == 5
    assert "there are: orders-prod-notifications-billing-queue" in capsys.readouterr().err


ATTRIBUTES = {"event_type": "order.rejected", "currency": "EUR"}


@pytest.mark.parametrize(
    ("condition", "let"),
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
def test_a_filter_lets_through_what_sns_would_or_is_refused(condition: object, let: bool | None) -> None:
    # GIVEN
    policy = {"event_type": [condition], "currency": ["EUR"]}

    # WHEN / THEN
    if let is None:
        with pytest.raises(RefusedError, match="not known here"):
            check(policy)
    else:
        check(policy)
        assert passes(policy, ATTRIBUTES) is let
        assert not passes({**policy, "currency": ["USD"]}, ATTRIBUTES)
