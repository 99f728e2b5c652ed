"""Tests which resources with data can be restored, and which are protected against deletion by mistake.

Add each new resource that stores data to these tests by hand. If you forget a resource, the tests
fail only if it has protection or backups.
"""

from collections.abc import Mapping

import pytest

from lab.recording.recording import Recording
from lab.recording.stacks import recorded, recorded_with

TABLE = "aws:dynamodb/table:Table"
ALL_ON = {
    "orders:encryption": "customer",
    "orders:point_in_time_recovery": "true",
    "orders:deletion_protection": "true",
    "orders:protect": "true",
}
ORDERED = {"orders:strict_ordering": "true", "orders:batch_size": "1"}
QUEUES = {
    "orders-queue": "pipeline:components:Queue$aws:sqs/queue:Queue::orders-queue",
    "orders-queue-dlq": "pipeline:components:Queue$aws:sqs/queue:Queue::orders-queue-dlq",
}
TABLES = {
    "orders": "pipeline:components:Table$aws:dynamodb/table:Table::orders",
    "stock": "pipeline:components:Table$aws:dynamodb/table:Table::stock",
}
IDEMPOTENCY_TABLES = {
    name: f"pipeline:components:IdempotencyTable$pipeline:components:Table$aws:dynamodb/table:Table::{name}-table"
    for name in ("api-idempotency", "worker-idempotency")
}
KEY = "pipeline:components:EncryptionKey$aws:kms/key:Key::key"
POOL = "pipeline:components:TokenIssuer$aws:cognito/userPool:UserPool::callers-pool"
TOPIC = "pipeline:components:Topic$aws:sns/topic:Topic::notifications"
CLIENT = "pipeline:components:TokenIssuer$aws:cognito/userPoolClient:UserPoolClient::callers-client-shop"


def urns(paths: Mapping[str, str] | set[str]) -> set[str]:
    """Return the URNs of these paths in stack prod."""
    return {f"urn:pulumi:prod::orders::{path}" for path in (paths.values() if isinstance(paths, Mapping) else paths)}


def everything_on() -> Recording:
    return recorded_with("prod", ALL_ON)


def test_pulumi_protects_exactly_the_listed_resources() -> None:
    # GIVEN / WHEN
    protected = {each.urn for each in everything_on().resources if each.protect}

    # THEN they are the tables, the queues, the key, the user pool, its client and the topic
    assert protected == urns(TABLES) | urns(IDEMPOTENCY_TABLES) | urns(QUEUES) | urns({KEY, POOL, CLIENT, TOPIC})


@pytest.mark.parametrize("target", ["topic", "bus"])
def test_pulumi_protects_the_queues_of_subscribers_and_their_topic_or_bus(target: str) -> None:
    # GIVEN / WHEN
    options = {"orders:events_target": target, "orders:subscriptions": '["{name: own, protocol: sqs}"]'}
    recording = recorded_with("prod", {**ALL_ON, **options})

    # THEN every queue is protected, and so is the topic or bus that sends to them
    unprotected = [each.urn for each in recording.of_type("aws:sqs/queue:Queue") if not each.protect]
    outlets = [*recording.of_type("aws:sns/topic:Topic"), *recording.of_type("aws:cloudwatch/eventBus:EventBus")]
    assert unprotected == []
    assert [each.protect for each in outlets if "alarms" not in each.name] == [True]


def test_only_orders_and_stock_have_point_in_time_recovery() -> None:
    # GIVEN / WHEN
    restorable = {
        each.urn for each in everything_on().of_type(TABLE) if each.inputs["pointInTimeRecovery"] == {"enabled": True}
    }

    # THEN only these two tables can be restored; idempotency tables need no backups, because their records expire
    assert restorable == urns(TABLES)


def test_aws_refuses_to_delete_any_table_or_the_user_pool() -> None:
    # GIVEN / WHEN
    guarded = {
        each.urn
        for each in everything_on().resources
        if each.inputs.get("deletionProtectionEnabled") is True or each.inputs.get("deletionProtection") == "ACTIVE"
    }

    # THEN
    assert guarded == urns(TABLES) | urns(IDEMPOTENCY_TABLES) | urns({POOL})


def test_pulumi_refuses_to_change_strict_ordering() -> None:
    # GIVEN the queues before and after the change
    before, after = everything_on(), recorded_with("prod", {**ALL_ON, **ORDERED})

    # WHEN
    names = [{each.inputs["name"] for each in one.resources if each.urn in urns(QUEUES)} for one in (before, after)]

    # THEN the names differ, so the change would replace the queues. Pulumi refuses, because the queues are protected
    assert not names[0] & names[1]
    assert all(each.protect for one in (before, after) for each in one.resources if each.urn in urns(QUEUES))


@pytest.mark.parametrize("stack", ["dev", "local"])
def test_a_disposable_stack_has_no_protection_and_no_backups(stack: str) -> None:
    # GIVEN / WHEN
    recording = recorded(stack)

    # THEN
    assert [each.urn for each in recording.resources if each.protect] == []
    tables = recording.of_type(TABLE)
    assert {each.inputs["deletionProtectionEnabled"] for each in tables} == {False}
    assert {each.inputs["pointInTimeRecovery"]["enabled"] for each in tables} == {False}
