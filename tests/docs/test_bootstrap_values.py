"""Tests values in bootstrap/template.yaml: the bucket and key of Pulumi's state, policies, session durations and
outputs."""

from collections.abc import Iterator
from typing import Any

import pytest

from lab.permissions.template import ACCOUNT, document, resources
from lab.recording.recording import PROJECT
from tests.docs.test_workflows import FOLDER, steps_of

KEPT = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
TAGS = [{"Key": "Project", "Value": PROJECT}, {"Key": "Stack", "Value": "prod"}]


def parts(node: Any) -> Iterator[dict[str, Any]]:
    """Yield all mappings in a part of the template."""
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from parts(each)


def properties_of(name: str) -> dict[str, Any]:
    properties: dict[str, Any] = resources("prod")[name]["Properties"]
    return properties


@pytest.mark.parametrize("name", ["StateBucket", "StateKey"])
def test_cloudformation_keeps_the_state_and_its_key_at_deletion_and_replacement(name: str) -> None:
    # GIVEN / WHEN
    written = document()["Resources"][name]

    # THEN
    assert {key: written.get(key) for key in KEPT} == KEPT


def test_the_state_bucket_is_private_and_versioned_and_encrypted_with_the_state_key() -> None:
    # GIVEN / WHEN
    bucket = properties_of("StateBucket")

    # THEN
    rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:of:StateKey"}
    assert bucket == {
        "Tags": TAGS,
        "VersioningConfiguration": {"Status": "Enabled"},
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [{"BucketKeyEnabled": True, "ServerSideEncryptionByDefault": rule}]
        },
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "LifecycleConfiguration": {
            "Rules": [
                {"Id": "OldVersions", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 365}}
            ]
        },
    }


def test_the_state_bucket_requires_tls() -> None:
    # GIVEN / WHEN
    statements = properties_of("StateBucketPolicy")["PolicyDocument"]["Statement"]

    # THEN
    assert statements == [
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": ["arn:of:StateBucket", "arn:of:StateBucket/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]


def test_the_state_key_is_rotated_and_controlled_by_iam() -> None:
    # GIVEN / WHEN
    key, alias = properties_of("StateKey"), properties_of("StateKeyAlias")

    # THEN
    (statement,) = key["KeyPolicy"]["Statement"]
    assert key["EnableKeyRotation"] is True
    assert key["Tags"] == TAGS
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert (statement["Effect"], statement["Action"], statement["Resource"]) == ("Allow", "kms:*", "*")
    assert alias["AliasName"] == "alias/pulumi-orders-prod"


def test_every_policy_has_the_language_version_that_supports_variables() -> None:
    # GIVEN all policies of the template. If a policy has no version, AWS applies the policy language of 2008, which has
    # no variables
    policies = [each for each in parts(resources("prod")) if "Statement" in each]

    # THEN
    assert len(policies) > 5
    assert {each.get("Version") for each in policies} == {"2012-10-17"}


def test_a_roles_session_lasts_at_most_an_hour_and_the_deploy_workflow_requests_an_hour() -> None:
    # GIVEN / WHEN
    most = {name: properties_of(name)["MaxSessionDuration"] for name in ("DeployRole", "PreviewRole")}
    inputs = [step["with"] for step in steps_of(FOLDER / "deploy.yml") if "role-to-assume" in step.get("with", {})]

    # THEN
    assert most == {"DeployRole": 3600, "PreviewRole": 3600}
    assert [each["role-duration-seconds"] for each in inputs] == [3600]


# For each role, Pulumi's calls on the state's bucket, and those on the state's KMS key.
STATE = {
    "PreviewRole": ({"s3:GetObject", "s3:ListBucket"}, {"kms:Decrypt", "kms:DescribeKey"}),
    "DeployRole": (
        {"s3:GetBucketVersioning", "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"},
        {"kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"},
    ),
}


@pytest.mark.parametrize("role", STATE)
def test_a_role_may_use_the_state_and_its_key_only_for_calls_of_pulumi(role: str) -> None:
    # GIVEN / WHEN
    (document,) = (each["PolicyDocument"] for each in properties_of(role)["Policies"] if each["PolicyName"] == "state")
    found = [(each["Effect"], set(each["Action"]), each["Resource"]) for each in document["Statement"]]

    # THEN
    on_bucket, on_key = STATE[role]
    assert found == [
        ("Allow", on_bucket, ["arn:of:StateBucket", "arn:of:StateBucket/*"]),
        ("Allow", on_key, "arn:of:StateKey"),
    ]


@pytest.mark.parametrize("role", STATE)
def test_an_allow_statement_with_a_tag_condition_requires_the_project_tag_and_the_stack_tag(role: str) -> None:
    # GIVEN / WHEN
    statements = [each for policy in properties_of(role)["Policies"] for each in policy["PolicyDocument"]["Statement"]]
    equal = [
        each["Condition"].get("StringEquals", {})
        for each in statements
        if each["Effect"] == "Allow" and "Condition" in each
    ]
    tags = {tuple(sorted(keys)) for keys in equal if any("Tag/" in key for key in keys)}

    # THEN every condition on tags names both the project's and the stack's tag
    assert tags
    assert {tuple(key.partition("/")[2] for key in keys) for keys in tags} == {("Project", "Stack")}


def test_the_outputs_have_the_values_for_pulumi_and_the_workflows() -> None:
    # GIVEN / WHEN
    outputs = {name: each["Value"] for name, each in document()["Outputs"].items()}

    # THEN
    assert outputs == {
        "PermissionsBoundaryArn": {"Fn::Ref": "Boundary"},
        "BackendUrl": {"Fn::Sub": "s3://${StateBucket}?region=${AWS::Region}"},
        "SecretsProvider": {"Fn::Sub": "awskms://${StateKeyAlias}?region=${AWS::Region}"},
        "PreviewRoleArn": {"Fn::GetAtt": "PreviewRole.Arn"},
        "DeployRoleArn": {"Fn::GetAtt": "DeployRole.Arn"},
    }
