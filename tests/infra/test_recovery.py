"""Tests that what holds data can be restored and is not deleted by mistake: exactly these resources, named one by one.

A resource that begins to hold data has to be put here, or its absence would never be missed.
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
REMEMBERED = {
    name: f"pipeline:components:IdempotencyTable$pipeline:components:Table$aws:dynamodb/table:Table::{name}-table"
    for name in ("api-idempotency", "worker-idempotency")
}
KEY = "pipeline:components:EncryptionKey$aws:kms/key:Key::key"
POOL = "pipeline:components:TokenIssuer$aws:cognito/userPool:UserPool::callers-pool"
OUTCOMES = "pipeline:components:Topic$aws:sns/topic:Topic::notifications"
CLIENT = "pipeline:components:TokenIssuer$aws:cognito/userPoolClient:UserPoolClient::callers-client-shop"


def urns(paths: Mapping[str, str] | set[str]) -> set[str]:
    """The URNs in stack prod."""
    return {f"urn:pulumi:prod::orders::{path}" for path in (paths.values() if isinstance(paths, Mapping) else paths)}


def everything_on() -> Recording:
    return recorded_with("prod", ALL_ON)


def test_pulumi_refuses_to_delete_or_replace_exactly_what_cannot_be_made_again() -> None:
    # GIVEN / WHEN
    protected = {each.urn for each in everything_on().resources if each.protect}

    # THEN
    assert protected == urns(TABLES) | urns(REMEMBERED) | urns(QUEUES) | urns({KEY, POOL, CLIENT, OUTCOMES})


@pytest.mark.parametrize("target", ["topic", "bus"])
def test_nobody_deletes_outcomes_that_wait_for_subscribers_by_the_way(target: str) -> None:
    # GIVEN / WHEN
    options = {"orders:events_target": target, "orders:subscriptions": '["{name: own, protocol: sqs}"]'}
    recording = recorded_with("prod", {**ALL_ON, **options})

    # THEN every queue there is, and what fills them
    unprotected = [each.urn for each in recording.of_type("aws:sqs/queue:Queue") if not each.protect]
    outlets = [*recording.of_type("aws:sns/topic:Topic"), *recording.of_type("aws:cloudwatch/eventBus:EventBus")]
    assert unprotected == []
    assert [each.protect for each in outlets if "alarms" not in each.name] == [True]


def test_orders_and_stock_can_be_restored_to_any_second() -> None:
    # GIVEN / WHEN
    restorable = {
        each.urn for each in everything_on().of_type(TABLE) if each.inputs["pointInTimeRecovery"] == {"enabled": True}
    }

    # THEN what is only remembered for a while is not worth it
    assert restorable == urns(TABLES)


def test_aws_refuses_to_delete_every_table_and_the_pool() -> None:
    # GIVEN / WHEN
    guarded = {
        each.urn
        for each in everything_on().resources
        if each.inputs.get("deletionProtectionEnabled") is True or each.inputs.get("deletionProtection") == "ACTIVE"
    }

    # THEN
    assert guarded == urns(TABLES) | urns(REMEMBERED) | urns({POOL})


def test_a_switch_of_the_ordering_would_be_refused_instead_of_losing_messages() -> None:
    # GIVEN the queues before and after
    before, after = everything_on(), recorded_with("prod", {**ALL_ON, **ORDERED})

    # WHEN
    names = [{each.inputs["name"] for each in one.resources if each.urn in urns(QUEUES)} for one in (before, after)]

    # THEN another name is a replacement, and those before it are protected
    assert not names[0] & names[1]
    assert all(each.protect for one in (before, after) for each in one.resources if each.urn in urns(QUEUES))


@pytest.mark.parametrize("stack", ["dev", "local"])
def test_a_stack_to_throw_away_has_none_of_it(stack: str) -> None:
    # GIVEN / WHEN
    recording = recorded(stack)

    # THEN
    assert [each.urn for each in recording.resources if each.protect] == []
    tables = recording.of_type(TABLE)
    assert {each.inputs["deletionProtectionEnabled"] for each in tables} == {False}
    assert {each.inputs["pointInTimeRecovery"]["enabled"] for each in tables} == {False}
