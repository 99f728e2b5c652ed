"""A customer managed key on recorded resources: what it encrypts, and who may use it."""

from functools import cache
from typing import Any

import pytest

from lab.recording.fake_outputs import ACCOUNT, arn
from lab.recording.recording import STACKS, Recording, record_stack
from lab.recording.stacks import recorded
from local.engine.aws_inputs import findings

KEY = "aws:kms/key:Key"


@cache
def with_key() -> Recording:
    return record_stack("prod", {"orders:encryption": "customer"})


def key_arn() -> str:
    return str(with_key().state(KEY, "key")["arn"])


def statements() -> dict[str, Any]:
    return {each["Sid"]: each for each in with_key().one(KEY, "key").document("policy")["Statement"]}


@pytest.mark.parametrize("stack", STACKS)
def test_without_it_there_is_no_trace_of_a_key(stack: str) -> None:
    # GIVEN / WHEN
    recording = recorded(stack)

    # THEN
    assert not [each.urn for each in recording.resources if ":kms/" in each.type or "kms:" in repr(each.inputs)]


def test_the_key_is_rotated_guarded_and_has_a_name() -> None:
    # GIVEN / WHEN
    key = with_key().one(KEY, "key")
    alias = with_key().one("aws:kms/alias:Alias", "key-alias")

    # THEN
    assert key.inputs["enableKeyRotation"] is True
    assert key.inputs["deletionWindowInDays"] == 30
    assert key.protect
    assert alias.inputs["name"] == "alias/orders-prod-key"
    assert alias.inputs["targetKeyId"] == with_key().state(KEY, "key")["id"]


@pytest.mark.parametrize(
    ("token", "key"),
    [
        ("aws:sqs/queue:Queue", "kmsMasterKeyId"),
        ("aws:sns/topic:Topic", "kmsMasterKeyId"),
        ("aws:cloudwatch/logGroup:LogGroup", "kmsKeyId"),
    ],
)
def test_everything_that_keeps_data_is_encrypted_with_it(token: str, key: str) -> None:
    # GIVEN / WHEN
    resources = with_key().of_type(token)

    # THEN
    assert resources
    assert {each.inputs[key] for each in resources} == {key_arn()}
    assert not [each.name for each in resources if "sqsManagedSseEnabled" in each.inputs]


def test_every_table_is_encrypted_with_it() -> None:
    # GIVEN / WHEN
    tables = with_key().of_type("aws:dynamodb/table:Table")

    # THEN
    assert len(tables) == 4
    assert [each.inputs["serverSideEncryption"] for each in tables] == [{"enabled": True, "kmsKeyArn": key_arn()}] * 4


@pytest.mark.parametrize(
    ("function", "actions"),
    [
        ("create-order", {"kms:Decrypt", "kms:GenerateDataKey"}),
        ("get-order", {"kms:Decrypt"}),
        ("process-order", {"kms:Decrypt", "kms:GenerateDataKey"}),
    ],
)
def test_a_function_may_use_the_key_for_what_it_does_and_no_more(function: str, actions: set[str]) -> None:
    # GIVEN / WHEN
    policy = with_key().one("aws:iam/rolePolicy:RolePolicy", f"{function}-policy").document("policy")

    # THEN
    (statement,) = [each for each in policy["Statement"] if any(action.startswith("kms:") for action in each["Action"])]
    assert set(statement["Action"]) == actions
    assert statement["Resource"] == [key_arn()]


@pytest.mark.parametrize(
    ("sid", "service", "source"),
    [
        ("TopicsIntoQueues", "sns", arn("sns", "orders-prod-*")),
        ("AlarmsToTopics", "cloudwatch", arn("cloudwatch", "alarm:orders-prod-*")),
    ],
)
def test_sns_and_cloudwatch_use_it_for_this_stack_only(sid: str, service: str, source: str) -> None:
    # GIVEN / WHEN
    statement = statements()[sid]

    # THEN
    assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": source},
    }


def test_logs_use_it_for_every_group_of_this_stack_and_no_other() -> None:
    # GIVEN
    groups = {each.inputs["name"] for each in with_key().of_type("aws:cloudwatch/logGroup:LogGroup")}

    # WHEN
    statement = statements()["LogGroups"]
    patterns = statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]

    # THEN
    prefixes = tuple(each.removesuffix("*") for each in patterns)
    assert statement["Principal"] == {"Service": "logs.eu-west-1.amazonaws.com"}
    assert all(arn("logs", f"log-group:{name}").startswith(prefixes) for name in groups)
    assert all("orders-prod-" in each for each in prefixes)


def test_nobody_else_is_named_in_the_policy() -> None:
    # GIVEN / WHEN
    others = set(statements()) - {"TopicsIntoQueues", "AlarmsToTopics", "LogGroups"}

    # THEN
    assert others == {"AccountDecidesByIam"}
    assert statements()["AccountDecidesByIam"]["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def test_every_input_is_one_the_provider_knows() -> None:
    # GIVEN
    resources = [each for each in with_key().resources if each.custom]

    # WHEN
    wrong = [finding for each in resources for finding in findings(each.type, each.inputs)]

    # THEN
    assert wrong == []
