"""A Lambda function with everything it needs to be operated: role, exact policy, log group, `live` alias."""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import pulumi
import pulumi_aws as aws
from pydantic import Field, model_validator

from components.component import Args, Component, Scope, Text
from components.iam import LAMBDA_TRUST, TRACING, Grant, identity_policy

ALIAS = "live"
SHIFT_TAGS = ['tags["LiveBefore"]', 'tags["RolledBack"]']
"""Tags with the alias's earlier versions. `ops deploy` writes them, and `pulumi up` must not remove them."""


class FunctionCode(Args):
    """The zip that functions run."""

    path: str = Field(
        description="Path of the zip, relative to the program's folder, so that it is the same on every machine."
    )
    sha256: str = Field(description="Base64 of the zip's SHA-256: a function is updated when this changes.")


class FunctionPlatform(Args):
    """Settings that all functions of a stack share."""

    code: FunctionCode = Field(description="The one zip for all functions.")
    runtime: Literal["python3.11", "python3.12", "python3.13", "python3.14"] = Field(
        description="Interpreter that Lambda runs."
    )
    architecture: Literal["arm64", "x86_64"] = Field(description="CPU that Lambda runs on; arm64 costs a fifth less.")
    tracing: bool = Field(description="Samples invocations for X-Ray, and grants the two actions that tracing needs.")
    log_retention_days: int = Field(description="How long CloudWatch keeps the functions' logs.")
    environment: Mapping[str, str] = Field(description="Variables that every function gets.")
    codedeploy_moves_aliases: bool = Field(
        default=False, description="Leaves existing aliases unchanged, because CodeDeploy moves them."
    )


class WarmStart(Args):
    """Ways to avoid cold starts: snapshots or ready instances. Lambda refuses both together."""

    snapshots: bool = Field(
        default=False,
        description="Starts each version once, when it is published, and resumes its instances from a snapshot.",
    )
    ready_instances: int = Field(default=0, ge=0, description="Instances that Lambda keeps started for the alias.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.snapshots and self.ready_instances:
            raise ValueError(f"given snapshots and {self.ready_instances} ready instances; allowed: one of the two")
        return self


class FunctionArgs(Args):
    """Settings of one function."""

    platform: FunctionPlatform
    handler: str = Field(description="Python path of the handler inside the zip.")
    description: str = Field(max_length=256, description="One line in the console about what the function is for.")
    memory_mb: int = Field(ge=128, le=10_240, description="Memory, and with it the share of a CPU.")
    timeout_seconds: int = Field(ge=1, le=900, description="Time after which Lambda stops the invocation.")
    reserved_concurrency: int = Field(
        default=-1,
        ge=-1,
        description="Reserved instances, also the maximum. -1: no reservation and no maximum; 0: the function stops.",
    )
    warm_start: WarmStart = Field(default=WarmStart(), description="Measures against cold starts.")
    environment: Mapping[str, Text] = Field(description="Variables of this function, on top of the platform's.")
    grants: tuple[Grant, ...] = Field(
        description="All permissions of the function except those for its logs and its traces."
    )


class Function(Component):
    """A function that is called only through its `live` alias, so that callers can be moved to another version.

    Outputs: `function_name`, `arn`, `role_arn`, `alias_arn`, `alias_invoke_arn`, `log_group_name`.
    """

    kind: ClassVar[str] = "Function"

    def __init__(self, name: str, scope: Scope, args: FunctionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, scope, opts)
        logs = self._log_group(args.platform.log_retention_days)
        role = aws.iam.Role(
            f"{name}-role",
            aws.iam.RoleArgs(
                name=scope.name(name),
                assume_role_policy=LAMBDA_TRUST,
                permissions_boundary=scope.boundary_arn,
                tags=scope.tags,
            ),
            self.child(),
        )
        policy = self._policy(role, logs, args)
        function = self._function(role, policy, logs, args)
        alias = aws.lambda_.Alias(
            f"{name}-{ALIAS}",
            aws.lambda_.AliasArgs(name=ALIAS, function_name=function.name, function_version=function.version),
            self.child(
                ignore_changes=["functionVersion", "routingConfig"] if args.platform.codedeploy_moves_aliases else None
            ),
        )
        self._keep_ready(alias, args.warm_start)
        self.alias = alias
        self.function_name, self.arn = function.name, function.arn
        self.role_arn = role.arn
        self.alias_arn = alias.arn
        self.alias_invoke_arn = alias.invoke_arn
        self.log_group_name = logs.name
        self.register_outputs(
            {
                "function_name": self.function_name,
                "arn": self.arn,
                "role_arn": self.role_arn,
                "alias_arn": self.alias_arn,
                "alias_invoke_arn": self.alias_invoke_arn,
                "log_group_name": self.log_group_name,
            }
        )

    def _log_group(self, retention_days: int) -> aws.cloudwatch.LogGroup:
        # Without this group, Lambda would create one at the first log line. Pulumi would not know that group, and its
        # logs would be kept for ever.
        return aws.cloudwatch.LogGroup(
            f"{self.logical_name}-logs",
            aws.cloudwatch.LogGroupArgs(
                name=f"/aws/lambda/{self.scope.name(self.logical_name)}",
                retention_in_days=retention_days,
                kms_key_id=self.scope.key_arn,
                tags=self.scope.tags,
            ),
            self.child(),
        )

    def _keep_ready(self, alias: aws.lambda_.Alias, warm_start: WarmStart) -> None:
        if not warm_start.ready_instances:
            return
        # The ready instances belong to the alias, not to a version, so they follow when the alias moves.
        aws.lambda_.ProvisionedConcurrencyConfig(
            f"{self.logical_name}-ready",
            aws.lambda_.ProvisionedConcurrencyConfigArgs(
                function_name=alias.function_name,
                qualifier=alias.name,
                provisioned_concurrent_executions=warm_start.ready_instances,
            ),
            self.child(),
        )

    def _policy(self, role: aws.iam.Role, logs: aws.cloudwatch.LogGroup, args: FunctionArgs) -> aws.iam.RolePolicy:
        logging = Grant(
            sid="Logs",
            actions=("logs:CreateLogStream", "logs:PutLogEvents"),
            # The part after the group is the stream. Lambda chooses its name, so the ARN cannot be narrower.
            resources=(pulumi.Output.concat(logs.arn, ":*"),),
        )
        tracing = (TRACING,) if args.platform.tracing else ()
        return aws.iam.RolePolicy(
            f"{self.logical_name}-policy",
            aws.iam.RolePolicyArgs(
                name=self.scope.name(self.logical_name),
                role=role.name,
                policy=identity_policy((logging, *tracing, *args.grants)),
            ),
            self.child(),
        )

    def _function(
        self, role: aws.iam.Role, policy: aws.iam.RolePolicy, logs: aws.cloudwatch.LogGroup, args: FunctionArgs
    ) -> aws.lambda_.Function:
        platform = args.platform
        return aws.lambda_.Function(
            f"{self.logical_name}-function",
            aws.lambda_.FunctionArgs(
                name=self.scope.name(self.logical_name),
                description=args.description,
                role=role.arn,
                handler=args.handler,
                runtime=platform.runtime,
                architectures=[platform.architecture],
                code=pulumi.FileArchive(platform.code.path),
                source_code_hash=platform.code.sha256,
                memory_size=args.memory_mb,
                timeout=args.timeout_seconds,
                reserved_concurrent_executions=args.reserved_concurrency,
                environment=aws.lambda_.FunctionEnvironmentArgs(variables={**platform.environment, **args.environment}),
                # `Text` leaves the logger's lines unchanged: they are JSON already. Lambda's JSON format adds a level
                # filter, which would drop the sampled debug lines. A filter at DEBUG would keep these lines, but
                # Powertools copies the filter's level, so every invocation would log at DEBUG.
                logging_config=aws.lambda_.FunctionLoggingConfigArgs(log_format="Text", log_group=logs.name),
                tracing_config=aws.lambda_.FunctionTracingConfigArgs(
                    mode="Active" if platform.tracing else "PassThrough"
                ),
                publish=True,
                snap_start=aws.lambda_.FunctionSnapStartArgs(apply_on="PublishedVersions")
                if args.warm_start.snapshots
                else None,
                tags=self.scope.tags,
            ),
            # The policy is created first. No event source may call the function before its role has all permissions.
            self.child(depends_on=[policy], ignore_changes=SHIFT_TAGS if platform.codedeploy_moves_aliases else None),
        )
