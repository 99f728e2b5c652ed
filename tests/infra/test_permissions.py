"""What each role may do: exact actions on exact resources."""

from collections.abc import Callable, Mapping
from functools import partial

import pytest

from lab.recording.fake_outputs import arn as arn_of
from lab.recording.recording import STACKS, record_stack
from lab.recording.stacks import recorded
from pipeline.functions import FUNCTIONS

ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
IDEMPOTENCY = {f"dynamodb:{verb}Item" for verb in ("Get", "Put", "Update", "Delete")}
CONSUMER = {
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ChangeMessageVisibility",
}


def arn_in(stack: str) -> Callable[[str, str], str]:
    """ARNs where the stack is, of a service and a resource of it."""
    return partial(arn_of, region=recorded(stack).region)


def expected(stack: str) -> dict[str, dict[str, set[str]]]:
    """Role to resource to actions, without what every function gets (logs, tracing)."""
    prefix, arn = f"orders-{stack}", arn_in(stack)
    orders, stock = arn("dynamodb", f"table/{prefix}-orders"), arn("dynamodb", f"table/{prefix}-stock")
    return {
        "create-order": {
            orders: {"dynamodb:UpdateItem"},
            arn("dynamodb", f"table/{prefix}-api-idempotency-table"): IDEMPOTENCY,
            arn("sqs", f"{prefix}-orders-queue"): {"sqs:SendMessage"},
        },
        "get-order": {orders: {"dynamodb:GetItem"}},
        "process-order": {
            orders: {"dynamodb:GetItem", "dynamodb:UpdateItem"},
            stock: {"dynamodb:UpdateItem"},
            arn("dynamodb", f"table/{prefix}-worker-idempotency-table"): IDEMPOTENCY,
            arn("sqs", f"{prefix}-orders-queue"): CONSUMER,
            arn("sqs", f"{prefix}-orders-queue-dlq"): {"sqs:SendMessage"},
            arn("sns", f"{prefix}-notifications"): {"sns:Publish"},
        },
    }


def granted(stack: str, function: str) -> Mapping[str, set[str]]:
    """Resource to actions of one function's policy, all of it."""
    statements = recorded(stack).one(ROLE_POLICY, f"{function}-policy").document("policy")["Statement"]
    assert all(each["Effect"] == "Allow" for each in statements)
    return {resource: set(each["Action"]) for each in statements for resource in each["Resource"]}


@pytest.mark.parametrize("stack", STACKS)
class TestEveryStack:
    @pytest.mark.parametrize("function", ["create-order", "get-order", "process-order"])
    def test_a_role_may_do_exactly_what_is_listed(self, stack: str, function: str) -> None:
        # GIVEN
        logs = f"{arn_in(stack)('logs', f'log-group:/aws/lambda/orders-{stack}-{function}')}:*"
        everywhere = {} if stack == "local" else {"*": {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}}

        # WHEN
        actual = granted(stack, function)

        # THEN
        assert actual == {
            logs: {"logs:CreateLogStream", "logs:PutLogEvents"},
            **everywhere,
            **expected(stack)[function],
        }

    def test_roles_are_assumed_by_lambda_alone_and_each_has_one_policy(self, stack: str) -> None:
        # GIVEN
        recording = recorded(stack)

        # WHEN
        roles = recording.of_type("aws:iam/role:Role")
        attached = sorted(each.inputs["role"] for each in recording.of_type(ROLE_POLICY))

        # THEN
        trust = {each.name: each.document("assumeRolePolicy")["Statement"] for each in roles}
        # The role that shifts traffic is CodeDeploy's (test_gradual_deploy.py).
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

    def test_each_function_has_a_role_of_its_own(self, stack: str) -> None:
        # GIVEN
        functions = recorded(stack).of_type("aws:lambda/function:Function")

        # WHEN
        roles = {each.inputs["role"] for each in functions}

        # THEN
        assert len(roles) == len(functions) == len(FUNCTIONS)

    def test_no_allow_statement_has_a_wildcard_action(self, stack: str) -> None:
        # GIVEN
        recording = recorded(stack)
        policies = [each for each in recording.resources if "policy" in each.inputs]

        # WHEN
        loose = [
            (each.name, statement["Sid"])
            for each in policies
            for statement in each.document("policy")["Statement"]
            if statement["Effect"] == "Allow" and any("*" in action for action in statement["Action"])
        ]

        # THEN
        assert policies
        assert loose == []

    def test_an_open_principal_is_always_narrowed_by_a_condition(self, stack: str) -> None:
        # GIVEN
        policies = [each for each in recorded(stack).resources if "policy" in each.inputs]

        # WHEN
        open_ones = [
            (each.name, statement["Sid"])
            for each in policies
            for statement in each.document("policy")["Statement"]
            if statement["Effect"] == "Allow" and statement.get("Principal") == "*" and not statement.get("Condition")
        ]

        # THEN
        assert open_ones == []


def test_without_tracing_nothing_may_reach_x_ray() -> None:
    # GIVEN / WHEN
    recording = record_stack("prod", {"orders:tracing": "false", "orders:trace_group": "false"})

    # THEN
    assert all("xray" not in each.inputs["policy"] for each in recording.of_type(ROLE_POLICY))
    modes = {each.inputs["tracingConfig"]["mode"] for each in recording.of_type("aws:lambda/function:Function")}
    assert modes == {"PassThrough"}
