"""Tests what the template's roles must not reach: resources of other stacks and of other people in the same account."""

from collections.abc import Iterator
from functools import cache

import pytest

from lab.permissions.grants import VARIANTS, granted
from lab.permissions.iam import Statements, allows
from lab.permissions.provider_calls import Request, table, unnarrowed
from lab.permissions.reach import NEIGHBOURS, neighbour, reached
from lab.permissions.template import ACCOUNT, boundary, statements

ROLES = ("DeployRole", "PreviewRole")
# Whose role, whose resources in the same account, and whether they have tags. Stacks tag all they make.
# The name prod-eu begins with the other's.
OTHERS = [("dev", "prod", True), ("dev", "prod", False), ("prod", "dev", True), ("prod", "prod-eu", True)]
READS = (":Get", ":List", ":Describe", ":GET")
# Their answers hold variables, code, credentials and headers.
SECRETS = {
    "cloudfront:GetDistribution",
    "cognito-idp:DescribeUserPoolClient",
    "lambda:GetFunction",
    "lambda:GetFunctionConfiguration",
    "lambda:ListVersionsByFunction",
}
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/somebodys"
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
MANGLED: list[tuple[str, str, dict[str, str]]] = [
    ("iam:CreateRole", f"{ROLE}/orders-dev-create-order", {}),
    ("iam:PassRole", f"{ROLE}/orders-dev-create-order", {"iam:PassedToService": "ec2.amazonaws.com"}),
    (
        "iam:CreateServiceLinkedRole",
        f"{ROLE}/aws-service-role/ops.apigateway.amazonaws.com/x",
        {"iam:AWSServiceName": "ec2.amazonaws.com"},
    ),
    # Not through DynamoDB, of a key that says nothing of whose it is.
    ("kms:Decrypt", KEY, {}),
]
"""Calls that no other resource stands for, and that the deploy role of dev is refused."""


def role_of(role: str, stack: str) -> Statements:
    return statements(role, stack, {"HostedZoneId": "ZOWN"})


def reached_of_all(
    given: Statements, stack: str, other: str, *, tagged: bool = True, project: str = "orders"
) -> Iterator[Request]:
    for kind in NEIGHBOURS:
        yield from reached(given, stack, neighbour(other, kind), tagged=tagged, project=project)


def test_the_neighbours_have_something_of_everything() -> None:
    # GIVEN / WHEN
    made = {each.type for kind in NEIGHBOURS for each in neighbour("prod", kind)}

    # THEN
    assert set(table()) - made == set()


@pytest.mark.parametrize(("stack", "other", "tagged"), OTHERS)
def test_the_deploy_role_reaches_of_others_what_aws_cannot_narrow_and_nothing_else(
    stack: str, other: str, *, tagged: bool
) -> None:
    # GIVEN
    role, known = role_of("DeployRole", stack), unnarrowed(tagged=tagged)

    # WHEN
    found = list(reached_of_all(role, stack, other, tagged=tagged))

    # THEN
    assert [str(each) for each in found if each.action not in known] == []


def test_what_is_said_to_be_out_of_aws_s_reach_is_reached_indeed() -> None:
    # GIVEN
    role = role_of("DeployRole", "dev")

    # WHEN
    found = {
        tagged: {each.action for each in reached_of_all(role, "dev", "prod", tagged=tagged)} for tagged in (True, False)
    }

    # THEN
    assert set(unnarrowed(tagged=True)) == found[True]
    assert set(unnarrowed(tagged=False)) == found[False]


@pytest.mark.parametrize(("stack", "other", "tagged"), OTHERS)
def test_the_preview_role_reads_no_secret_of_others_and_changes_nothing(
    stack: str, other: str, *, tagged: bool
) -> None:
    # GIVEN / WHEN
    found = {each.action for each in reached_of_all(role_of("PreviewRole", stack), stack, other, tagged=tagged)}

    # THEN
    assert found
    assert {each for each in found if not any(verb in each for verb in READS)} == set()
    assert found & SECRETS == set()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("lambda:ListFunctions", "*"),
        ("cloudfront:ListDistributions", "*"),
        ("apigateway:GET", "arn:aws:apigateway:eu-west-1::/apikeys"),
        ("secretsmanager:GetSecretValue", "*"),
        ("ssm:GetParameters", "*"),
    ],
)
def test_no_role_reads_the_secrets_of_a_whole_account(role: str, action: str, resource: str) -> None:
    # GIVEN / WHEN / THEN
    assert not allows(role_of(role, "dev"), action, resource)


@pytest.mark.parametrize("tags", [{}, {"aws:ResourceTag/Project": "orders", "aws:ResourceTag/Stack": "dev"}])
@pytest.mark.parametrize(
    "action", ["kms:ScheduleKeyDeletion", "kms:PutKeyPolicy", "kms:TagResource", "kms:CreateAlias", "kms:CreateGrant"]
)
def test_no_deploy_role_takes_the_state_s_key(action: str, tags: dict[str, str]) -> None:
    # GIVEN the key, that of its own stack too, and all that could be in its favour
    favour = {
        "kms:ResourceAliases": "alias/pulumi-orders-dev",
        "kms:ViaService": "dynamodb.eu-west-1.amazonaws.com",
        "aws:RequestTag/Project": "orders",
        "aws:RequestTag/Stack": "dev",
    }

    # WHEN / THEN
    assert not allows(role_of("DeployRole", "dev"), action, KEY, favour | tags)


def conditions() -> list[tuple[str, str, str]]:
    """Every condition of the roles' statements: role, statement, operator."""
    return [
        (role, each["Sid"], operator)
        for role in ROLES
        for each in role_of(role, "dev")
        for operator in each.get("Condition", {})
        # It only says that the other operator of its statement finds a tag.
        if operator != "Null"
    ]


def without(role: str, sid: str, operator: str) -> Statements:
    """The role's statements with that condition taken out of that statement; a denial goes with it."""
    found: Statements = []
    for each in role_of(role, "dev"):
        if each["Sid"] != sid:
            found.append(each)
        elif each["Effect"] == "Allow":
            kept = {name: keys for name, keys in each["Condition"].items() if name != operator}
            found.append({**each, "Condition": kept})
    return found


def reach_of_dev(given: Statements) -> set[str]:
    """Return whatever the statements let a role of dev do to others, told apart."""
    prod = {str(each) for each in reached_of_all(given, "dev", "prod")}
    untagged = {f"{each}, untagged" for each in reached_of_all(given, "dev", "prod", tagged=False)}
    billing = {f"{each} of billing" for each in reached_of_all(given, "dev", "dev", project="billing")}
    mangled = {f"{action} {context}" for action, on, context in MANGLED if allows(given, action, on, context)}
    return prod | untagged | billing | mangled


@pytest.mark.parametrize("role", ROLES)
def test_a_role_makes_no_mangled_call(role: str) -> None:
    # GIVEN / WHEN
    found = [(action, on) for action, on, context in MANGLED if allows(role_of(role, "dev"), action, on, context)]

    # THEN
    assert found == []


@cache
def reach_of_whole(role: str) -> frozenset[str]:
    return frozenset(reach_of_dev(role_of(role, "dev")))


@pytest.mark.parametrize(("role", "sid", "operator"), conditions())
def test_every_condition_keeps_something_out(role: str, sid: str, operator: str) -> None:
    # GIVEN / WHEN the condition is taken away
    after = reach_of_dev(without(role, sid, operator))

    # THEN
    assert after - reach_of_whole(role)


@pytest.mark.parametrize("variant", [each for each in VARIANTS if each != "local"])
def test_the_boundary_of_a_stack_reaches_no_stack_whose_name_begins_alike(variant: str) -> None:
    # GIVEN what the roles of a stack are granted, and the same of one with a longer name
    bound = boundary("prod")
    context = {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}
    theirs = {
        (each.action, each.resource.replace("orders-prod", "orders-prod-eu").replace("orders-dev", "orders-prod-eu"))
        for each in granted(variant)
        # A key is told by its alias (test_bootstrap.py).
        if each.resource != "*" and not each.action.startswith("kms:")
    }

    # WHEN
    found = [each for each in theirs if allows(bound, *each, context)]

    # THEN
    assert len(theirs) > 20
    assert found == []
