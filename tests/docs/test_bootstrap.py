"""Tests the deploy role's rights, and the permissions boundary of the roles that it creates. Also tests that the
preview role changes nothing."""

import json
import re
from pathlib import Path

import pytest

from lab.permissions.grants import VARIANTS, granted, granted_in, recording_of, stack_of
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
    """Return all statements of the deploy role's own policies."""
    return statements("DeployRole", stack)


@pytest.mark.parametrize("action", GIVING_RIGHTS)
def test_the_deploy_role_may_give_rights_only_to_roles_of_its_stack_that_have_the_boundary(action: str) -> None:
    # GIVEN
    bounded = {KEY: boundary_arn("prod")}

    # WHEN / THEN
    assert allows(deploy_role("prod"), action, ROLE, bounded)
    for name in ("somebody-else", "orders-dev-create-order"):
        assert not allows(deploy_role("prod"), action, f"arn:aws:iam::{ACCOUNT}:role/{name}", bounded)


@pytest.mark.parametrize("action", GIVING_RIGHTS)
@pytest.mark.parametrize(
    "context",
    [{}, {KEY: "arn:aws:iam::aws:policy/AdministratorAccess"}, {KEY: boundary_arn("dev")}],
    ids=["no boundary", "another policy", "another stack's boundary"],
)
def test_the_deploy_role_gives_no_rights_without_the_boundary(action: str, context: dict[str, str]) -> None:
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
def test_the_deploy_role_cannot_bypass_the_boundary(action: str, resource: str) -> None:
    # GIVEN a request context with every value that could allow the call
    context = {KEY: boundary_arn("prod"), "iam:PassedToService": "lambda.amazonaws.com"}

    # WHEN / THEN
    assert not allows(deploy_role("prod"), action, resource, context)


def test_the_deploy_role_may_delete_the_stacks_roles_and_pass_them_to_lambda() -> None:
    # GIVEN / WHEN / THEN
    assert allows(deploy_role("prod"), "iam:PassRole", ROLE, {"iam:PassedToService": "lambda.amazonaws.com"})
    assert allows(deploy_role("prod"), "iam:DeleteRole", ROLE)
    assert allows(deploy_role("prod"), "iam:DeleteRolePolicy", ROLE)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_boundary_allows_every_grant_of_every_role(variant: str) -> None:
    # GIVEN the boundary of the variant's stack, and the condition of a KMS call that SQS makes on a role's behalf
    bound = boundary(stack_of(variant))
    context = {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}
    everything = list(granted(variant))

    # WHEN
    cut_off = [each for each in everything if not allows(bound, each.action, each.resource, context)]

    # THEN
    assert len(everything) > 20
    assert cut_off == []


@pytest.mark.long
def test_the_boundary_allows_every_grant_with_any_options() -> None:
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


def test_the_boundary_has_exactly_the_actions_that_roles_are_granted() -> None:
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
def test_the_boundary_denies_calls_that_the_program_does_not_need_even_if_a_role_allows_them(
    action: str, resource: str
) -> None:
    # GIVEN / WHEN / THEN
    assert not allows(boundary("prod"), action, resource)


@pytest.mark.parametrize("alias", ["alias/orders-dev-key", "alias/orders-prod-eu-key", "alias/pulumi-orders-prod"])
def test_the_boundary_denies_keys_with_an_alias_of_another_owner(alias: str) -> None:
    # GIVEN
    key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/theirs"
    via = {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}

    # WHEN / THEN
    assert not allows(boundary("prod"), "kms:Decrypt", key, {**via, "kms:ResourceAliases": alias})
    assert allows(boundary("prod"), "kms:Decrypt", key, {**via, "kms:ResourceAliases": "alias/orders-prod-key"})


def test_the_boundary_fits_into_a_managed_policy() -> None:
    # GIVEN
    text = json.dumps({"Version": "2012-10-17", "Statement": boundary("prod")}, separators=(",", ":"))

    # WHEN / THEN the policy leaves room for longer project names: IAM's limit is 6,144 characters
    assert len(text) < 5_000


def allowed_actions(role: str) -> list[str]:
    """Return the actions in all `Allow` statements of a role. Some are patterns."""
    allowing = [each for each in statements(role, "prod") if each["Effect"] == "Allow"]
    return [action for each in allowing for action in listed(each["Action"])]


def test_the_preview_role_changes_nothing() -> None:
    # GIVEN every action of the role
    reading = re.compile(r":(Get|List|Describe|Decrypt|GET)")
    # THEN no action changes a resource, the state or its locks
    assert [action for action in allowed_actions("PreviewRole") if not reading.search(action)] == []


GROUP = f"arn:aws:codedeploy:eu-west-1:{ACCOUNT}:deploymentgroup:orders-prod-deploy/orders-prod-create-order"
CREATE_ORDER = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:orders-prod-create-order"


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("codedeploy:CreateDeployment", GROUP),
        ("codedeploy:GetDeployment", GROUP),
        ("codedeploy:UpdateDeploymentGroup", GROUP),
        # To start a deployment, the role must read the deployment configuration. AWS owns it, so its name does not
        # contain the stack's name.
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
    # GIVEN / WHEN / THEN the role allows the call. Pulumi needs UpdateDeploymentGroup; `ops deploy` needs the others
    assert allows(deploy_role("prod"), action, resource)


@pytest.mark.parametrize("role", ["PreviewRole", "DeployRole"])
def test_a_roles_policies_fit_into_iams_limit(role: str) -> None:
    # GIVEN all policies of the role without white space, for a stack with the longest allowed name
    longest = "x" * (MAX_PREFIX - len("orders-"))
    documents = [policy["PolicyDocument"] for policy in resources(longest)[role]["Properties"]["Policies"]]
    text = json.dumps(documents, separators=(",", ":"))
    # THEN they stay below IAM's limit of 10,240 characters per role
    assert len(text) < 10_240


@pytest.mark.parametrize("role", ["pulumi-orders-prod-deploy", "pulumi-orders-prod-preview"])
@pytest.mark.parametrize(
    "action", ["iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:AttachRolePolicy", "sts:AssumeRole"]
)
def test_the_deploy_role_cannot_change_or_assume_the_bootstrap_roles(role: str, action: str) -> None:
    # GIVEN the deploy role's statements, another statement that allows everything, and the boundary
    everything = [*deploy_role("prod"), {"Effect": "Allow", "Action": "*", "Resource": "*"}]

    # WHEN / THEN
    assert not allows(everything, action, f"arn:aws:iam::{ACCOUNT}:role/{role}", {KEY: boundary_arn("prod")})


def documented(command: str) -> list[str]:
    """Return the actions that a command of `ops` needs, according to docs/ops.md."""
    (row,) = [line for line in OPS.read_text().splitlines() if line.startswith(f"| `{command}` |")]
    found, service = [], ""
    for name in re.findall(r"`([\w-]*:?[A-Z][a-z]+[A-Z]\w+)`", row.partition("|")[2].partition("|")[2]):
        service = name.partition(":")[0] if ":" in name else service
        found.append(name if ":" in name else f"{service}:{name}")
    return found


@pytest.mark.parametrize("command", ["preflight", "smoke", "deploy"])
def test_the_deploy_role_allows_the_documented_calls_of_the_commands_that_workflows_run(command: str) -> None:
    # GIVEN the stack's own resources of every service, the state, and `*`
    own = {each.resource for each in requests(recording_of("prod"), boundary_arn("prod"))}
    state = {"arn:of:StateBucket", "arn:of:StateBucket/*"}
    role = deploy_role("prod")

    # WHEN
    refused = [
        action
        for action in documented(command)
        # `GetAccountSettings` has no resource, so a grant on functions does not allow it.
        if not any(
            allows(role, action, on)
            for on in ({"*"} if action == "lambda:GetAccountSettings" else {*own, *state, boundary_arn("prod"), "*"})
        )
    ]

    # THEN
    assert len(documented(command)) > 0
    assert refused == []
