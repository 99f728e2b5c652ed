"""Tests that each role has the permissions for the recorded calls of its function, and that every
other permission has a reason."""

import json
from dataclasses import replace

import pytest

from lab.permissions import grants, page
from lab.permissions.calls import NeededPermission, needed_permissions, needed_permissions_with, permissions_of
from lab.permissions.grants import BUS, CUSTOMER_KEY, VARIANTS, Allowed, allowed
from lab.permissions.reasons import FUNCTIONS, UNCALLED, Uncalled
from lab.recording.recording import Recorded, Recording
from lab.simulation.fakes import Call

pytestmark = pytest.mark.long


def needed(variant: str = "prod") -> frozenset[Allowed]:
    """Return the permissions that the functions need for their calls, on all paths, in this variant of the stack."""
    calls = needed_permissions_with(bus=variant == BUS)
    return frozenset(Allowed(each.function, each.action, each.resource) for each in calls)


def missing(permissions: frozenset[Allowed], variant: str = "prod") -> list[Allowed]:
    """Return the needed permissions that are missing."""
    return sorted(needed(variant) - permissions)


def idle(permissions: frozenset[Allowed], variant: str = "prod") -> list[Allowed]:
    """Return the permissions that no call needs and that no reason explains."""
    uncalled = permissions - needed(variant)
    return sorted(
        each for each in uncalled if not any(one.covers(each.role, each.action, each.resource) for one in UNCALLED)
    )


@pytest.mark.parametrize("variant", VARIANTS)
class TestEveryStack:
    def test_a_role_is_allowed_every_call_of_its_handler(self, variant: str) -> None:
        assert missing(allowed(variant), variant) == []

    def test_every_allowed_action_is_called_or_has_a_reason(self, variant: str) -> None:
        assert idle(allowed(variant), variant) == []

    def test_the_only_permissions_on_all_resources_are_to_send_traces_and_read_alarms(self, variant: str) -> None:
        # GIVEN / WHEN
        everywhere = {each.action for each in allowed(variant) if each.resource == "*"}

        # THEN
        assert everywhere <= {"xray:PutTraceSegments", "xray:PutTelemetryRecords", "cloudwatch:DescribeAlarms"}


def test_the_recorded_calls_include_calls_that_are_made_only_after_a_failure() -> None:
    # GIVEN / WHEN
    by_function = {name: {each.call for each in needed_permissions() if each.function == name} for name in FUNCTIONS}

    # THEN
    assert {"PutItem", "UpdateItem", "DeleteItem", "SendMessage"} <= by_function["create-order"]
    assert by_function["get-order"] == {"GetItem"}
    assert {"TransactWriteItems (Update)", "ChangeMessageVisibility", "Publish"} <= by_function["process-order"]
    assert (
        NeededPermission("process-order", "sqs:SendMessage", "orders-queue-dlq", "SendMessage") in needed_permissions()
    )


def test_a_missing_permission_is_found() -> None:
    # GIVEN
    without = frozenset(each for each in allowed("prod") if each.action != "sqs:ChangeMessageVisibility")

    # WHEN / THEN
    assert missing(without) == [Allowed("process-order", "sqs:ChangeMessageVisibility", "orders-queue")]


@pytest.mark.parametrize(
    "extra",
    [
        Allowed("create-order", "dynamodb:PutItem", "orders"),
        Allowed("get-order", "dynamodb:Query", "orders"),
        Allowed("process-order", "dynamodb:DeleteItem", "stock"),
        Allowed("process-order", "sqs:SendMessage", "orders-queue"),
        Allowed("create-order", "logs:PutLogEvents", "log-group:/aws/lambda/get-order:*"),
    ],
    ids=str,
)
def test_an_idle_permission_is_found(extra: Allowed) -> None:
    # GIVEN / WHEN / THEN
    assert idle(allowed("prod") | {extra}) == [extra]


@pytest.mark.parametrize("reason", UNCALLED, ids=lambda each: f"{each.roles[0]}-{each.actions[0]}")
def test_a_reason_explains_only_permissions_that_are_granted_and_that_no_call_needs(reason: Uncalled) -> None:
    # GIVEN
    granted = frozenset[Allowed]().union(*(allowed(variant) for variant in VARIANTS))
    pairs = {
        Allowed(role, action, name.format(role=role))
        for role in reason.roles
        for action in reason.actions
        for name in reason.resources
    }

    # WHEN / THEN
    assert reason.source
    assert pairs <= granted, "a reason without a grant: remove the reason"
    assert pairs.isdisjoint(needed() | needed(BUS)), "the code makes this call: remove the reason"


def test_a_customer_managed_key_adds_only_permissions_on_the_key() -> None:
    # GIVEN / WHEN
    more = allowed(CUSTOMER_KEY) - allowed("prod")

    # THEN all additions are on the key, except those for tracing, because this variant also switches tracing on
    assert {each.resource for each in more if not each.action.startswith("xray:")} == {"key"}
    assert not allowed("prod") - allowed(CUSTOMER_KEY)


def test_a_bus_replaces_the_permission_on_the_topic_and_nothing_else() -> None:
    # GIVEN / WHEN
    with_topic, with_bus = allowed(CUSTOMER_KEY), allowed(BUS)

    # THEN
    assert with_topic - with_bus == {Allowed("process-order", "sns:Publish", "notifications")}
    assert with_bus - with_topic == {Allowed("process-order", "events:PutEvents", "event-bus/events")}


@pytest.mark.parametrize(
    ("item", "action"),
    [
        ("Put", "dynamodb:PutItem"),
        ("Update", "dynamodb:UpdateItem"),
        ("Delete", "dynamodb:DeleteItem"),
        ("ConditionCheck", "dynamodb:ConditionCheckItem"),
    ],
)
def test_a_transaction_needs_the_permissions_of_its_items(item: str, action: str) -> None:
    # GIVEN
    call = Call(0, "dynamodb", "TransactWriteItems", {"TransactItems": [{item: {"TableName": "t"}}]})

    # WHEN / THEN
    assert list(permissions_of(call)) == [(action, "t", f"TransactWriteItems ({item})")]


def test_a_call_with_several_messages_needs_the_permission_to_send_one_message() -> None:
    # GIVEN
    calls = [
        Call(0, "sqs", "SendMessageBatch", {"QueueUrl": "q"}),
        Call(0, "sns", "PublishBatch", {"TopicArn": "t"}),
        Call(0, "events", "PutEvents", {"Entries": [{"EventBusName": "b"}]}),
    ]

    # WHEN
    actions = [action for call in calls for action, _, _ in permissions_of(call)]

    # THEN
    assert actions == ["sqs:SendMessage", "sns:Publish", "events:PutEvents"]


def test_the_error_about_an_unknown_call_names_the_file_where_the_call_must_be_added() -> None:
    # GIVEN
    call = Call(0, "dynamodb", "ExecuteStatement", {})

    # WHEN / THEN
    with pytest.raises(LookupError, match=r"the call dynamodb ExecuteStatement is not known in .*calls\.py"):
        list(permissions_of(call))


def test_a_policy_with_a_deny_statement_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN
    policy = json.dumps({"Statement": [{"Effect": "Deny", "Action": ["sqs:SendMessage"], "Resource": ["*"]}]})
    denied = replace(_policy_of("prod"), inputs={"policy": policy})
    monkeypatch.setattr(grants, "recording_of", lambda _: Recording([denied]))

    # WHEN / THEN
    with pytest.raises(ValueError, match="Deny statement; only Allow statements"):
        allowed("prod")


def _policy_of(variant: str) -> Recorded:
    return grants.recording_of(variant).of_type("aws:iam/rolePolicy:RolePolicy")[0]


class TestPage:
    """Tests the program that writes docs/permissions.md."""

    def test_writing_the_page_fails_if_an_unneeded_permission_lacks_a_reason(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # GIVEN
        monkeypatch.setattr(page, "UNCALLED", ())

        # WHEN / THEN
        with pytest.raises(LookupError, match=r"is granted but not needed by a call; .*reasons\.py"):
            page.text()
