"""Tests the calls that the roles of bootstrap/template.yaml may make on resources of other stacks and owners.

On these resources, the deploy role may make only calls that AWS cannot restrict to the role's own
stack. The preview role may change none of these resources, and may read none of their secrets.
"""

from collections.abc import Iterator
from functools import cache

import pytest

from lab.permissions.grants import VARIANTS, granted
from lab.permissions.iam import Statements, allows
from lab.permissions.provider_calls import Request, table, unnarrowed
from lab.permissions.reach import NEIGHBOURS, neighbour, reached
from lab.permissions.template import ACCOUNT, boundary, statements

ROLES = ("DeployRole", "PreviewRole")
# The role's stack, the stack in the resources' names, and whether the resources have tags. Untagged resources belong
# to no stack, whatever their names. prod-eu is here because a pattern for prod's names could match prod-eu's names too.
OTHERS = [("dev", "prod", True), ("dev", "prod", False), ("prod", "dev", True), ("prod", "prod-eu", True)]
READS = (":Get", ":List", ":Describe", ":GET")
# The answers to these calls contain variables, code, credentials or headers.
SECRETS = {
    "cloudfront:GetDistribution",
    "cognito-idp:DescribeUserPoolClient",
    "lambda:GetFunction",
    "lambda:GetFunctionConfiguration",
    "lambda:ListVersionsByFunction",
}
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/somebodys"
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
FORBIDDEN: list[tuple[str, str, dict[str, str]]] = [
    ("iam:CreateRole", f"{ROLE}/orders-dev-create-order", {}),
    ("iam:PassRole", f"{ROLE}/orders-dev-create-order", {"iam:PassedToService": "ec2.amazonaws.com"}),
    (
        "iam:CreateServiceLinkedRole",
        f"{ROLE}/aws-service-role/ops.apigateway.amazonaws.com/x",
        {"iam:AWSServiceName": "ec2.amazonaws.com"},
    ),
    # A direct call, not through DynamoDB, to a key of unknown ownership.
    ("kms:Decrypt", KEY, {}),
]
"""No role of stack dev may allow these calls."""


def role_of(role: str, stack: str) -> Statements:
    return statements(role, stack, {"HostedZoneId": "ZOWN"})


def calls_on_neighbours(
    given: Statements, stack: str, other: str, *, tagged: bool = True, project: str = "orders"
) -> Iterator[Request]:
    for kind in NEIGHBOURS:
        yield from reached(given, stack, neighbour(other, kind), tagged=tagged, project=project)


def test_the_other_stacks_have_every_type_of_resource() -> None:
    # GIVEN / WHEN
    made = {each.type for kind in NEIGHBOURS for each in neighbour("prod", kind)}

    # THEN
    assert set(table()) - made == set()


@pytest.mark.parametrize(("stack", "other", "tagged"), OTHERS)
def test_the_deploy_role_reaches_resources_of_others_only_by_calls_that_aws_cannot_restrict(
    stack: str, other: str, *, tagged: bool
) -> None:
    # GIVEN
    role, known = role_of("DeployRole", stack), unnarrowed(tagged=tagged)

    # WHEN
    found = list(calls_on_neighbours(role, stack, other, tagged=tagged))

    # THEN
    assert [str(each) for each in found if each.action not in known] == []


def test_the_deploy_role_can_make_exactly_the_listed_calls_on_resources_of_other_stacks_and_owners() -> None:
    # GIVEN
    role = role_of("DeployRole", "dev")

    # WHEN
    found = {
        tagged: {each.action for each in calls_on_neighbours(role, "dev", "prod", tagged=tagged)}
        for tagged in (True, False)
    }

    # THEN
    assert set(unnarrowed(tagged=True)) == found[True]
    assert set(unnarrowed(tagged=False)) == found[False]


@pytest.mark.parametrize(("stack", "other", "tagged"), OTHERS)
def test_the_preview_role_reads_no_secret_of_others_and_changes_nothing(
    stack: str, other: str, *, tagged: bool
) -> None:
    # GIVEN / WHEN
    found = {each.action for each in calls_on_neighbours(role_of("PreviewRole", stack), stack, other, tagged=tagged)}

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
def test_no_deploy_role_can_take_over_a_state_key(action: str, tags: dict[str, str]) -> None:
    # GIVEN the KMS key of a state, with or without its stack's tags, and every other value that could allow the call
    favourable = {
        "kms:ResourceAliases": "alias/pulumi-orders-dev",
        "kms:ViaService": "dynamodb.eu-west-1.amazonaws.com",
        "aws:RequestTag/Project": "orders",
        "aws:RequestTag/Stack": "dev",
    }

    # WHEN / THEN
    assert not allows(role_of("DeployRole", "dev"), action, KEY, favourable | tags)


def conditions() -> list[tuple[str, str, str]]:
    """Return every condition of the roles' statements: role, statement, operator."""
    return [
        (role, each["Sid"], operator)
        for role in ROLES
        for each in role_of(role, "dev")
        for operator in each.get("Condition", {})
        # `Null` is left out. It only limits a `Deny` to resources and requests that have the tag.
        if operator != "Null"
    ]


def without(role: str, sid: str, operator: str) -> Statements:
    """Return the role's statements. Statement `sid` loses one condition or, if it is a `Deny`, is left out."""
    found: Statements = []
    for each in role_of(role, "dev"):
        if each["Sid"] != sid:
            found.append(each)
        elif each["Effect"] == "Allow":
            kept = {name: keys for name, keys in each["Condition"].items() if name != operator}
            found.append({**each, "Condition": kept})
    return found


def reach_of_dev(given: Statements) -> set[str]:
    """Return the calls on resources of others, and the calls in `FORBIDDEN`, that the statements in `given` allow."""
    prod = {str(each) for each in calls_on_neighbours(given, "dev", "prod")}
    untagged = {f"{each}, untagged" for each in calls_on_neighbours(given, "dev", "prod", tagged=False)}
    billing = {f"{each} of billing" for each in calls_on_neighbours(given, "dev", "dev", project="billing")}
    forbidden = {f"{action} {context}" for action, on, context in FORBIDDEN if allows(given, action, on, context)}
    return prod | untagged | billing | forbidden


@pytest.mark.parametrize("role", ROLES)
def test_neither_role_allows_a_forbidden_call(role: str) -> None:
    # GIVEN / WHEN
    found = [(action, on) for action, on, context in FORBIDDEN if allows(role_of(role, "dev"), action, on, context)]

    # THEN
    assert found == []


@cache
def reach_with_all_conditions(role: str) -> frozenset[str]:
    return frozenset(reach_of_dev(role_of(role, "dev")))


@pytest.mark.parametrize(("role", "sid", "operator"), conditions())
def test_every_condition_of_a_role_is_needed(role: str, sid: str, operator: str) -> None:
    # GIVEN / WHEN the condition is removed
    after = reach_of_dev(without(role, sid, operator))

    # THEN the role allows more calls on resources of others, or a forbidden call
    assert after - reach_with_all_conditions(role)


@pytest.mark.parametrize("variant", [each for each in VARIANTS if each != "local"])
def test_the_boundary_of_prod_allows_no_call_on_resources_of_prod_eu(variant: str) -> None:
    # GIVEN the boundary of the stack `prod`, and the grants that the roles of a stack `prod-eu` would have
    bound = boundary("prod")
    context = {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}
    theirs = {
        (each.action, each.resource.replace("orders-prod", "orders-prod-eu").replace("orders-dev", "orders-prod-eu"))
        for each in granted(variant)
        # Calls on keys are left out, because the boundary limits keys by alias, not by ARN (test_bootstrap.py).
        if each.resource != "*" and not each.action.startswith("kms:")
    }

    # WHEN
    found = [each for each in theirs if allows(bound, *each, context)]

    # THEN
    assert len(theirs) > 20
    assert found == []
