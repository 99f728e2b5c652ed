"""Tests the roles: the services that may assume them, one role for each function, and the permission to send traces."""

import pytest

from lab.recording.recording import STACKS
from lab.recording.stacks import recorded, recorded_with
from pipeline.functions import FUNCTIONS

ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"


@pytest.mark.parametrize("stack", STACKS)
class TestEveryStack:
    def test_only_lambda_and_codedeploy_may_assume_roles_and_each_role_has_one_policy(self, stack: str) -> None:
        # GIVEN
        recording = recorded(stack)

        # WHEN
        roles = recording.of_type("aws:iam/role:Role")
        attached = sorted(each.inputs["role"] for each in recording.of_type(ROLE_POLICY))

        # THEN
        trust = {each.name: each.document("assumeRolePolicy")["Statement"] for each in roles}
        # CodeDeploy assumes the role that shifts traffic (test_gradual_deploy.py).
        assert trust == {
            name: [
                {
                    "Action": "sts:AssumeRole",
                    "Effect": "Allow",
                    "Principal": {"Service": f"{'codedeploy' if name == 'deploy-role' else 'lambda'}.amazonaws.com"},
                }
            ]
            for name in trust
        }
        assert attached == sorted(each.inputs["name"] for each in roles)
        assert not recording.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")

    def test_each_function_has_its_own_role(self, stack: str) -> None:
        # GIVEN
        functions = recorded(stack).of_type("aws:lambda/function:Function")

        # WHEN
        roles = {each.inputs["role"] for each in functions}

        # THEN
        assert len(roles) == len(functions) == len(FUNCTIONS)


def test_each_function_may_send_its_traces_if_tracing_is_on() -> None:
    # GIVEN / WHEN
    policies = recorded_with("dev", {"orders:tracing": "true"}).of_type(ROLE_POLICY)

    # THEN
    granted = [
        each["Action"] for one in policies for each in one.document("policy")["Statement"] if each["Sid"] == "XRay"
    ]
    assert granted == [["xray:PutTelemetryRecords", "xray:PutTraceSegments"]] * len(FUNCTIONS)
