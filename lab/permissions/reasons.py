"""Permissions that no call of the code asks for, each with who does, and where AWS or the library says so."""

from dataclasses import dataclass
from typing import Final

from pipeline import functions

FUNCTIONS: Final = tuple(each.name for each in functions.FUNCTIONS)


@dataclass(frozen=True)
class Uncalled:
    """Actions that are granted though the handlers never call them.

    Attributes:
        roles: Logical names of the roles it stands for.
        resources: Names as in `Allowed.resource`; `{role}` stands for the role's own name.
        who: Who needs them, and when.
        source: Where that is documented.
    """

    roles: tuple[str, ...]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    who: str
    source: str

    def covers(self, role: str, action: str, resource: str) -> bool:
        """Return whether this permission of this role is what the entry is about."""
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
        "Lambda, which writes the function's logs in its name",
        "Lambda Developer Guide, Defining Lambda function permissions with an execution role (basic execution role)",
    ),
    Uncalled(
        FUNCTIONS,
        ("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
        ("*",),
        "Lambda's X-Ray daemon, where tracing is on; there is no resource to narrow them to",
        "Lambda Developer Guide, Visualize Lambda function invocations using AWS X-Ray (execution role permissions); "
        "Service Authorization Reference, AWS X-Ray (no resource types)",
    ),
    Uncalled(
        ("process-order",),
        ("sqs:ReceiveMessage", "sqs:GetQueueAttributes"),
        ("orders-queue",),
        "the event source mapping, which polls the queue in the function's name",
        "Lambda Developer Guide, Using Lambda with Amazon SQS (execution role permissions)",
    ),
    Uncalled(
        ("create-order",),
        ("dynamodb:GetItem",),
        ("api-idempotency-table",),
        "Powertools as a fallback, when a refused put does not bring the record along",
        "Powertools for AWS Lambda (Python), Idempotency, Required resources (IAM permissions)",
    ),
    Uncalled(
        FUNCTIONS,
        ("kms:Decrypt",),
        ("key",),
        "DynamoDB, SQS and SNS in the caller's name, with `encryption: customer`",
        "DynamoDB Developer Guide, Encryption at rest: Authorizing use of the KMS key; "
        "SQS Developer Guide, Key management (KMS permissions of consumers and producers)",
    ),
    Uncalled(
        ("create-order", "process-order"),
        ("kms:GenerateDataKey",),
        ("key",),
        "SQS and SNS in the sender's name, with `encryption: customer`",
        "SQS Developer Guide, Key management; SNS Developer Guide, Key management (permissions of producers)",
    ),
    Uncalled(
        ("deploy",),
        ("lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"),
        tuple(f"function:{function}{alias}" for function in FUNCTIONS for alias in ("", ":live")),
        "CodeDeploy, which moves callers to a new version, with `gradual_deploy`",
        "CodeDeploy User Guide, AWS managed policy AWSCodeDeployRoleForLambdaLimited",
    ),
    Uncalled(
        ("deploy",),
        ("cloudwatch:DescribeAlarms",),
        ("*",),
        "CodeDeploy, which asks for the alarms of a deployment by their names",
        "Service Authorization Reference, Amazon CloudWatch; CloudWatch API Reference, DescribeAlarms",
    ),
)
