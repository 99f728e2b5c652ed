"""Permissions that only services or libraries need: no call of the handlers needs them.

Each entry names who needs them, and where this is documented.
"""

from dataclasses import dataclass
from typing import Final

from pipeline import functions

FUNCTIONS: Final = tuple(each.name for each in functions.FUNCTIONS)


@dataclass(frozen=True)
class Uncalled:
    """Actions that are granted although the handlers never call them.

    Attributes:
        roles: Logical names of the roles with these actions.
        resources: Names as in `Allowed.resource`; `{role}` stands for the role's own name.
        who: The service or library that needs the actions, and when.
        source: The documentation of this need.
    """

    roles: tuple[str, ...]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    who: str
    source: str

    def covers(self, role: str, action: str, resource: str) -> bool:
        """Return whether the entry explains this permission of this role."""
        return (
            role in self.roles
            and action in self.actions
            and resource in {name.format(role=role) for name in self.resources}
        )


UNCALLED: Final = (
    Uncalled(
        FUNCTIONS,
        ("logs:CreateLogStream", "logs:PutLogEvents"),
        ("log-group:/aws/lambda/{role}:*",),
        "Lambda, which writes the logs on the function's behalf",
        "Lambda Developer Guide, Defining Lambda function permissions with an execution role (basic execution role)",
    ),
    Uncalled(
        FUNCTIONS,
        ("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
        ("*",),
        "Lambda's X-Ray daemon, where tracing is on; these two actions cannot be limited to a resource",
        "Lambda Developer Guide, Visualize Lambda function invocations using AWS X-Ray (execution role permissions); "
        "Service Authorization Reference, AWS X-Ray (no resource types for these actions)",
    ),
    Uncalled(
        ("process-order",),
        ("sqs:ReceiveMessage", "sqs:GetQueueAttributes"),
        ("orders-queue",),
        "the event source mapping, which polls the queue on the function's behalf",
        "Lambda Developer Guide, Using Lambda with Amazon SQS (execution role permissions)",
    ),
    Uncalled(
        ("create-order",),
        ("dynamodb:GetItem",),
        ("api-idempotency-table",),
        "Powertools, which reads the record if a refused PutItem does not return it",
        "Powertools for AWS Lambda (Python), Idempotency, Required resources (IAM permissions)",
    ),
    Uncalled(
        FUNCTIONS,
        ("kms:Decrypt",),
        ("key",),
        "with `encryption: customer`: DynamoDB, SQS or SNS, which decrypt on the function's behalf",
        "DynamoDB Developer Guide, Encryption at rest: Authorizing use of the KMS key; "
        "SQS Developer Guide, Key management (KMS permissions of consumers and producers)",
    ),
    Uncalled(
        ("create-order", "process-order"),
        ("kms:GenerateDataKey",),
        ("key",),
        "with `encryption: customer`: SQS or SNS, which encrypt on the function's behalf",
        "SQS Developer Guide, Key management; SNS Developer Guide, Key management (permissions of producers)",
    ),
    Uncalled(
        ("deploy",),
        ("lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"),
        tuple(f"function:{function}{alias}" for function in FUNCTIONS for alias in ("", ":live")),
        "CodeDeploy, which shifts traffic to a new version, with `gradual_deploy`",
        "CodeDeploy User Guide, AWS managed policy AWSCodeDeployRoleForLambdaLimited",
    ),
    Uncalled(
        ("deploy",),
        ("cloudwatch:DescribeAlarms",),
        ("*",),
        "CodeDeploy, which reads the states of a deployment's alarms",
        "Service Authorization Reference, Amazon CloudWatch; CloudWatch API Reference, DescribeAlarms",
    ),
)
