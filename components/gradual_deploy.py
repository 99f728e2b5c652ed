"""Moves callers to a function's new version step by step, and back when an alarm fires."""

from collections.abc import Mapping
from typing import ClassVar

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.alarms.component import metric_queries
from components.alarms.model import Alarm
from components.component import Args, Component, Scope, Text
from components.function import ALIAS, Function
from components.iam import Grant, identity_policy, service_trust


class ShiftedFunction(Args):
    """A function, and the alarm that shows that its new version is bad."""

    function: Function = Field(description="A function whose alias CodeDeploy moves; `pulumi up` must not move it.")
    key: str = Field(pattern=r"^[a-z_]+$", description="The function's name in the outputs.")
    rollback: Alarm = Field(description="If this alarm is raised, the deployment stops and the alias moves back.")


class GradualDeployArgs(Args):
    """Settings of a gradual deployment: which functions are shifted, how, and which alarms stop it."""

    functions: tuple[ShiftedFunction, ...] = Field(
        min_length=1, description="The functions; each gets a deployment group."
    )
    shift: str = Field(description="CodeDeploy's configuration, without its prefix, e.g. `Canary10Percent5Minutes`.")
    watched: Mapping[str, Text] = Field(
        description="Names and ids of the resources that the alarms watch. `Ref(key)` in an "
        "alarm stands for `watched[key]`."
    )


class GradualDeploy(Component):
    """The CodeDeploy application, with a deployment group and its alarm for each function.

    Outputs: `application` and `groups`. For each function's key, `groups` has the names of the
    `function`, its `alias` and its deployment `group`.
    """

    kind: ClassVar[str] = "GradualDeploy"

    def __init__(
        self, name: str, scope: Scope, args: GradualDeployArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, scope, opts)
        self._application = aws.codedeploy.Application(
            name,
            aws.codedeploy.ApplicationArgs(name=scope.name(name), compute_platform="Lambda", tags=scope.tags),
            self.child(),
        )
        role, policy = self._role(args.functions)
        self.application = self._application.name
        self.groups = {each.key: self._group(each, args, role, policy) for each in args.functions}
        self.register_outputs({"application": self.application, "groups": self.groups})

    def _role(self, functions: tuple[ShiftedFunction, ...]) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        name = f"{self.logical_name}-role"
        role = aws.iam.Role(
            name,
            aws.iam.RoleArgs(
                name=self.scope.name(self.logical_name),
                assume_role_policy=service_trust("codedeploy.amazonaws.com"),
                permissions_boundary=self.scope.boundary_arn,
                tags=self.scope.tags,
            ),
            self.child(),
        )
        grants = (
            Grant(
                sid="ShiftTraffic",
                actions=("lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"),
                resources=tuple(arn for each in functions for arn in (each.function.arn, each.function.alias_arn)),
            ),
            Grant(
                sid="ReadAlarms",
                actions=("cloudwatch:DescribeAlarms",),
                resources=("*",),
                reason="CodeDeploy asks for composite alarms too; CloudWatch returns them only with permission on *",
            ),
        )
        policy = aws.iam.RolePolicy(
            f"{self.logical_name}-policy",
            aws.iam.RolePolicyArgs(
                name=self.scope.name(self.logical_name), role=role.name, policy=identity_policy(grants)
            ),
            self.child(),
        )
        return role, policy

    def _group(
        self, shifted: ShiftedFunction, args: GradualDeployArgs, role: aws.iam.Role, policy: aws.iam.RolePolicy
    ) -> dict[str, pulumi.Output[str]]:
        function = shifted.function
        group = aws.codedeploy.DeploymentGroup(
            f"{self.logical_name}-{function.logical_name}",
            aws.codedeploy.DeploymentGroupArgs(
                app_name=self._application.name,
                deployment_group_name=self.scope.name(function.logical_name),
                service_role_arn=role.arn,
                deployment_config_name=f"CodeDeployDefault.Lambda{args.shift}",
                deployment_style=aws.codedeploy.DeploymentGroupDeploymentStyleArgs(
                    deployment_type="BLUE_GREEN", deployment_option="WITH_TRAFFIC_CONTROL"
                ),
                alarm_configuration=aws.codedeploy.DeploymentGroupAlarmConfigurationArgs(
                    alarms=[self._alarm(shifted.rollback, args.watched).name],
                    enabled=True,
                    # A deployment stops if its alarm cannot be read.
                    ignore_poll_alarm_failure=False,
                ),
                auto_rollback_configuration=aws.codedeploy.DeploymentGroupAutoRollbackConfigurationArgs(
                    enabled=True,
                    events=["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
                ),
                tags=self.scope.tags,
            ),
            self.child(depends_on=[policy]),
        )
        return {
            "function": function.function_name,
            "alias": pulumi.Output.from_input(ALIAS),
            "group": group.deployment_group_name,
        }

    def _alarm(self, row: Alarm, watched: Mapping[str, Text]) -> aws.cloudwatch.MetricAlarm:
        # The alarm notifies nobody. It stops the deployment, so callers move back and `ops deploy shift` fails.
        return aws.cloudwatch.MetricAlarm(
            f"{self.logical_name}-{row.name}",
            name=self.scope.name(row.name),
            alarm_description=f"{row.title}. {row.why}",
            comparison_operator=f"{row.threshold.comparison}",
            threshold=row.threshold.value,
            evaluation_periods=row.periods,
            datapoints_to_alarm=row.to_alarm,
            treat_missing_data=row.missing,
            metric_queries=metric_queries(row, watched),
            tags=self.scope.tags,
            opts=self.child(),
        )
