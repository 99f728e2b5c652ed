"""What the deploy role may do to roles, and what bounds the roles that it makes."""

import json
import re
from collections.abc import Iterator

import pytest

from lab.permissions.grants import VARIANTS, recording_of
from lab.permissions.iam import Statements, allows, listed
from lab.permissions.template import ACCOUNT, boundary, boundary_arn, resources, statements
from pipeline.config.loader import MAX_PREFIX

ROLE = f"arn:aws:iam::{ACCOUNT}:role/orders-prod-create-order"
KEY = "iam:PermissionsBoundary"
GIVING_RIGHTS = ("iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary")
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"


def deploy_role(stack: str) -> Statements:
    """All statements of the deploy role's own policies."""
    return statements("DeployRole", stack)


@pytest.mark.parametrize("action", GIVING_RIGHTS)
def test_the_deploy_role_gives_rights_to_bounded_roles_of_its_stack(action: str) -> None:
    # GIVEN
    bounded = {KEY: boundary_arn("prod")}

    # WHEN / THEN
    assert allows(deploy_role("prod"), action, ROLE, bounded)
    assert not allows(deploy_role("prod"), action, f"arn:aws:iam::{ACCOUNT}:role/somebody-else", bounded)


@pytest.mark.parametrize("action", GIVING_RIGHTS)
@pytest.mark.parametrize(
    "context",
    [{}, {KEY: "arn:aws:iam::aws:policy/AdministratorAccess"}, {KEY: boundary_arn("dev")}],
    ids=["no boundary", "another policy", "another stack's"],
)
def test_without_the_boundary_it_gives_none(action: str, context: dict[str, str]) -> None:
    # GIVEN / WHEN / THEN
    assert not allows(deploy_role("prod"), action, ROLE, context)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:DeleteRolePermissionsBoundary", ROLE),
        ("iam:CreatePolicyVersion", boundary_arn("prod")),
        ("iam:SetDefaultPolicyVersion", boundary_arn("prod")),
        ("iam:DeletePolicy", boundary_arn("prod")),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/pulumi-orders-prod-deploy"),
        ("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/pulumi-orders-prod-deploy"),
    ],
)
def test_it_gets_around_the_boundary_in_no_other_way(action: str, resource: str) -> None:
    # GIVEN all that could be in its favour
    context = {KEY: boundary_arn("prod"), "iam:PassedToService": "lambda.amazonaws.com"}

    # WHEN / THEN
    assert not allows(deploy_role("prod"), action, resource, context)


def test_it_still_passes_the_stack_s_roles_to_lambda_and_takes_them_away() -> None:
    # GIVEN / WHEN / THEN
    assert allows(deploy_role("prod"), "iam:PassRole", ROLE, {"iam:PassedToService": "lambda.amazonaws.com"})
    assert allows(deploy_role("prod"), "iam:DeleteRole", ROLE)
    assert allows(deploy_role("prod"), "iam:DeleteRolePolicy", ROLE)


def granted(variant: str) -> Iterator[tuple[str, str, str]]:
    """Role, action and resource of all that the roles of a variant may do."""
    for policy in recording_of(variant).of_type(ROLE_POLICY):
        for statement in policy.document("policy")["Statement"]:
            for action in statement["Action"]:
                yield from ((policy.name, action, resource) for resource in statement["Resource"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_boundary_lets_every_role_do_all_that_it_is_granted(variant: str) -> None:
    # GIVEN the boundary of the variant's stack; a key is used by other services in the role's name
    bound = boundary(variant.partition(",")[0])
    context = {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}
    everything = list(granted(variant))

    # WHEN
    cut_off = [each for each in everything if not allows(bound, each[1], each[2], context)]

    # THEN
    assert len(everything) > 20
    assert cut_off == []


def test_the_boundary_has_nothing_that_no_role_is_granted() -> None:
    # GIVEN
    bounded = {action for statement in boundary("prod") for action in statement["Action"]}

    # WHEN
    needed = {action for variant in VARIANTS for _, action, _ in granted(variant)}

    # THEN
    assert bounded == needed


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:CreateRole", ROLE),
        ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/administrator"),
        ("s3:GetObject", "arn:aws:s3:::state/orders"),
        ("dynamodb:Scan", f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/orders-prod-orders"),
        ("dynamodb:GetItem", f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/payroll"),
        ("sqs:ReceiveMessage", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:orders-dev-orders-queue"),
        ("lambda:UpdateFunctionCode", f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:orders-prod-create-order"),
        ("kms:Decrypt", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/state"),
    ],
)
def test_within_the_boundary_a_role_reaches_nothing_else_whatever_it_is_granted(action: str, resource: str) -> None:
    # GIVEN / WHEN / THEN
    assert not allows(boundary("prod"), action, resource)


def test_the_boundary_fits_into_a_managed_policy() -> None:
    # GIVEN
    text = json.dumps({"Version": "2012-10-17", "Statement": boundary("prod")}, separators=(",", ":"))

    # WHEN / THEN IAM takes 6,144 characters; names are longer in practice
    assert len(text) < 5_000


def allowed_actions(role: str) -> list[str]:
    """Every action, or pattern of actions, that an `Allow` names."""
    allowing = [each for each in statements(role, "prod") if each["Effect"] == "Allow"]
    return [action for each in allowing for action in listed(each["Action"])]


def test_the_preview_role_changes_nothing() -> None:
    # GIVEN every action of the role
    reading = re.compile(r":(Get|List|Describe|Decrypt|GET)")
    # THEN none changes anything, the state and its locks included
    assert [action for action in allowed_actions("PreviewRole") if not reading.search(action)] == []


@pytest.mark.parametrize(
    "action",
    [
        "acm:DescribeCertificate",
        "cloudfront:GetDistribution",
        "route53:ListResourceRecordSets",
        "wafv2:GetLoggingConfiguration",
        "xray:GetGroup",
        "xray:ListTagsForResource",
    ],
)
def test_the_preview_role_reads_what_options_add(action: str) -> None:
    assert action in allowed_actions("PreviewRole")


def test_the_deploy_role_may_start_and_stop_a_gradual_deployment() -> None:
    # GIVEN CodeDeploy's configurations, which are AWS's and carry no name of the stack
    anywhere = [
        action for statement in deploy_role("prod") if statement["Resource"] == "*" for action in statement["Action"]
    ]
    # THEN
    assert {"codedeploy:GetDeploymentConfig", "codedeploy:StopDeployment"} <= set(anywhere)


def test_the_deploy_role_may_make_the_log_of_the_firewall() -> None:
    # GIVEN its name, which begins as WAF wants it to
    resources = [resource for statement in deploy_role("prod") for resource in statement["Resource"]]
    # THEN
    assert any("log-group:aws-waf-logs-orders-prod-*" in resource for resource in resources)


@pytest.mark.parametrize("role", ["PreviewRole", "DeployRole"])
def test_a_role_fits_into_what_iam_takes(role: str) -> None:
    # GIVEN all its own policies without white space, at the longest name that a stack may have
    longest = "x" * (MAX_PREFIX - len("orders-"))
    documents = [policy["PolicyDocument"] for policy in resources(longest)[role]["Properties"]["Policies"]]
    text = json.dumps(documents, separators=(",", ":"))
    # THEN they are within IAM's 10,240 characters for one role
    assert len(text) < 10_240


def test_the_deploy_role_cannot_change_the_roles_that_deploy() -> None:
    # GIVEN
    denied = [statement for statement in deploy_role("prod") if statement["Effect"] == "Deny"]
    # THEN nor the boundary of the roles that it makes
    assert [(statement["Action"], len(statement["Resource"])) for statement in denied] == [("iam:*", 3)]
