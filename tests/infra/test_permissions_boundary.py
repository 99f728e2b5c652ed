"""The permissions boundary on recorded resources: on every role, or nowhere."""

import pytest

from lab.recording.recording import STACKS
from lab.recording.stacks import recorded, recorded_with
from pipeline.functions import FUNCTIONS

ROLE = "aws:iam/role:Role"
BOUNDARY = "arn:aws:iam::123456789012:policy/pulumi-orders-prod-boundary"


@pytest.mark.parametrize("stack", STACKS)
def test_without_it_there_is_no_trace_of_it(stack: str) -> None:
    # GIVEN / WHEN / THEN
    assert not [each.name for each in recorded(stack).of_type(ROLE) if "permissionsBoundary" in each.inputs]


def test_with_it_every_role_is_bounded_codedeploy_s_too() -> None:
    # GIVEN / WHEN
    roles = recorded_with("prod", {"orders:permissions_boundary_arn": BOUNDARY}).of_type(ROLE)

    # THEN
    assert {each.name: each.inputs["permissionsBoundary"] for each in roles} == dict.fromkeys(
        ("deploy-role", *(f"{each.name}-role" for each in FUNCTIONS)), BOUNDARY
    )
