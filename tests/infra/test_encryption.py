"""Tests the customer managed key: its protection, and who may use it."""

from functools import cache
from typing import Any

import pytest

from lab.recording.fake_outputs import ACCOUNT, arn
from lab.recording.recording import Recording, record_stack

KEY = "aws:kms/key:Key"


@cache
def with_key() -> Recording:
    return record_stack("prod", {"orders:encryption": "customer"})


def statements() -> dict[str, Any]:
    return {each["Sid"]: each for each in with_key().one(KEY, "key").document("policy")["Statement"]}


def test_the_key_is_rotated_and_protected_and_has_an_alias() -> None:
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
    ("sid", "service", "source"),
    [
        ("TopicsIntoQueues", "sns", arn("sns", "orders-prod-*")),
        ("AlarmsToTopics", "cloudwatch", arn("cloudwatch", "alarm:orders-prod-*")),
    ],
)
def test_sns_and_cloudwatch_may_use_the_key_for_this_stack_only(sid: str, service: str, source: str) -> None:
    # GIVEN / WHEN
    statement = statements()[sid]

    # THEN
    assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": source},
    }


def test_cloudwatch_logs_may_use_the_key_for_this_stack_s_log_groups_only() -> None:
    # GIVEN
    groups = {each.inputs["name"] for each in with_key().of_type("aws:cloudwatch/logGroup:LogGroup")}

    # WHEN
    statement = statements()["LogGroups"]
    patterns = statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]

    # THEN
    prefixes = tuple(each.removesuffix("*") for each in patterns)
    assert statement["Principal"] == {"Service": "logs.eu-west-1.amazonaws.com"}
    assert statement["Action"] == [
        f"kms:{each}" for each in ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey*", "ReEncrypt*")
    ]
    assert all(arn("logs", f"log-group:{name}").startswith(prefixes) for name in groups)
    assert all("orders-prod-" in each for each in prefixes)


def test_the_key_policy_names_only_the_account_and_aws_services() -> None:
    # GIVEN / WHEN
    others = set(statements()) - {"TopicsIntoQueues", "AlarmsToTopics", "LogGroups"}

    # THEN
    assert others == {"AccountDecidesByIam"}
    assert statements()["AccountDecidesByIam"]["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
