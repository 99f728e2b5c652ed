"""Tests what the deploy role may do to roles, and what bounds the roles that it makes."""

import json
import re
from pathlib import Path

import pytest

from lab.permissions.grants import VARIANTS, granted, granted_in, recording_of
from lab.permissions.iam import Statements, allows, listed
from lab.permissions.provider_calls import requests
from lab.permissions.template import ACCOUNT, boundary, boundary_arn, resources, statements
from pipeline.config.loader import MAX_PREFIX
from tests.infra.test_option_combinations import recorded_combinations

OPS = Path(__file__).resolve().parents[2] / "docs" / "ops.md"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/orders-prod-create-order"
KEY = "iam:PermissionsBoundary"
GIVING_RIGHTS = ("iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary")


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


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_boundary_lets_every_role_do_all_that_it_is_granted(variant: str) -> None:
    # GIVEN the boundary of the variant's stack; a key is used by other services in the role's name
    bound = boundary(variant.partition(",")[0])
    context = {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}
    everything = list(granted(variant))

    # WHEN
    cut_off = [each for each in everything if not allows(bound, each.action, each.resource, context)]

    # THEN
    assert len(everything) > 20
    assert cut_off == []


@pytest.mark.long
def test_the_boundary_lets_them_do_it_whatever_is_on() -> None:
    # GIVEN
    bound = boundary("test")
    context = {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}

    # WHEN
    cut_off = {
        (each.action, each.resource)
        for _, recording in recorded_combinations()
        for each in granted_in(recording)
        if not allows(bound, each.action, each.resource, context)
    }

    # THEN
    assert cut_off == set()


def test_the_boundary_has_nothing_that_no_role_is_granted() -> None:
    # GIVEN
    bounded = {action for statement in boundary("prod") for action in statement["Action"]}

    # WHEN
    needed = {each.action for variant in VARIANTS for each in granted(variant)}

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


@pytest.mark.parametrize("alias", ["alias/orders-dev-key", "alias/orders-prod-eu-key", "alias/pulumi-orders-prod"])
def test_within_the_boundary_a_role_uses_no_key_that_has_somebody_else_s_alias(alias: str) -> None:
    # GIVEN
    key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/theirs"
    through = {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}

    # WHEN / THEN
    assert not allows(boundary("prod"), "kms:Decrypt", key, {**through, "kms:ResourceAliases": alias})
    assert allows(boundary("prod"), "kms:Decrypt", key, {**through, "kms:ResourceAliases": "alias/orders-prod-key"})


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


GROUP = f"arn:aws:codedeploy:eu-west-1:{ACCOUNT}:deploymentgroup:orders-prod-deploy/orders-prod-create-order"
CREATE_ORDER = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:orders-prod-create-order"


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("codedeploy:CreateDeployment", GROUP),
        ("codedeploy:GetDeployment", GROUP),
        ("codedeploy:UpdateDeploymentGroup", GROUP),
        # AWS's own, which carries no name of the stack: whoever starts a deployment has to read it.
        (
            "codedeploy:GetDeploymentConfig",
            f"arn:aws:codedeploy:eu-west-1:{ACCOUNT}:deploymentconfig:CodeDeployDefault.LambdaCanary10Percent5Minutes",
        ),
        (
            "codedeploy:RegisterApplicationRevision",
            f"arn:aws:codedeploy:eu-west-1:{ACCOUNT}:application:orders-prod-deploy",
        ),
        ("codedeploy:StopDeployment", "*"),
        ("lambda:GetAlias", CREATE_ORDER),
        ("lambda:GetFunctionConfiguration", f"{CREATE_ORDER}:7"),
        ("lambda:ListAliases", CREATE_ORDER),
        ("lambda:ListVersionsByFunction", CREATE_ORDER),
        ("lambda:DeleteFunction", f"{CREATE_ORDER}:7"),
    ],
)
def test_the_deploy_role_may_shift_traffic_and_delete_old_versions(action: str, resource: str) -> None:
    # GIVEN / WHEN / THEN what `ops deploy` calls
    assert allows(deploy_role("prod"), action, resource)


@pytest.mark.parametrize("role", ["PreviewRole", "DeployRole"])
def test_a_role_fits_into_what_iam_takes(role: str) -> None:
    # GIVEN all its own policies without white space, at the longest name that a stack may have
    longest = "x" * (MAX_PREFIX - len("orders-"))
    documents = [policy["PolicyDocument"] for policy in resources(longest)[role]["Properties"]["Policies"]]
    text = json.dumps(documents, separators=(",", ":"))
    # THEN they are within IAM's 10,240 characters for one role
    assert len(text) < 10_240


@pytest.mark.parametrize("role", ["pulumi-orders-prod-deploy", "pulumi-orders-prod-preview"])
@pytest.mark.parametrize(
    "action", ["iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:AttachRolePolicy", "sts:AssumeRole"]
)
def test_the_deploy_role_cannot_change_or_take_the_roles_that_deploy(role: str, action: str) -> None:
    # GIVEN it and all that could be in its favour
    everything = [*deploy_role("prod"), {"Effect": "Allow", "Action": "*", "Resource": "*"}]

    # WHEN / THEN
    assert not allows(everything, action, f"arn:aws:iam::{ACCOUNT}:role/{role}", {KEY: boundary_arn("prod")})


def documented(command: str) -> list[str]:
    """The actions that docs/ops.md says a command of `ops` needs, those of one service after its first."""
    (row,) = [line for line in OPS.read_text().splitlines() if line.startswith(f"| `{command}` |")]
    found, service = [], ""
    for name in re.findall(r"`([\w-]*:?[A-Z][a-z]+[A-Z]\w+)`", row.partition("|")[2].partition("|")[2]):
        service = name.partition(":")[0] if ":" in name else service
        found.append(name if ":" in name else f"{service}:{name}")
    return found


@pytest.mark.parametrize("command", ["preflight", "smoke", "deploy"])
def test_the_deploy_role_may_do_what_the_commands_of_the_workflow_ask_for(command: str) -> None:
    # GIVEN something of the stack's own for every service, and what has no resource
    own = {each.resource for each in requests(recording_of("prod"), boundary_arn("prod"))}
    state = {"arn:of:StateBucket", "arn:of:StateBucket/*"}
    role = deploy_role("prod")

    # WHEN
    refused = [
        action
        for action in documented(command)
        if not any(allows(role, action, on) for on in {*own, *state, boundary_arn("prod"), "*"})
    ]

    # THEN
    assert len(documented(command)) > 0
    assert refused == []
