"""Tests gradual deployments: what shifts traffic, what stops a shift, and what `pulumi up` leaves unchanged."""

import pytest

from lab.recording.fake_outputs import arn
from lab.recording.recording import STACKS, record_stack
from lab.recording.stacks import environment_of, recorded
from ops.deploy.fitness import NAMES_A_RESOURCE, SCHEMA_VARIABLE
from ops.deploy.history import LIVE_BEFORE, ROLLED_BACK
from ops.target import Target
from pipeline.functions import FUNCTIONS
from runtime.models.fields import OLDEST_SCHEMA_VERSION, SCHEMA_VERSION

FUNCTION = "aws:lambda/function:Function"
ALIAS = "aws:lambda/alias:Alias"
GROUP = "aws:codedeploy/deploymentGroup:DeploymentGroup"
APPLICATION = "aws:codedeploy/application:Application"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
NAMES = tuple(each.name for each in FUNCTIONS)


@pytest.mark.parametrize("stack", [stack for stack in STACKS if stack != "prod"])
def test_pulumi_moves_aliases_without_codedeploy_if_deployments_are_not_gradual(stack: str) -> None:
    # GIVEN / WHEN
    recording = recorded(stack)

    # THEN
    assert not [each.urn for each in recording.resources if "codedeploy" in each.type or "GradualDeploy" in each.type]
    assert not [each.name for each in recording.of_type(ALARM) if each.name.endswith("-rollback")]
    assert {each.ignore_changes for each in recording.of_type(ALIAS)} == {()}
    assert "gradual_deploy" not in recording.outputs


def test_the_program_never_moves_an_alias_if_deployments_are_gradual() -> None:
    # GIVEN / WHEN
    aliases = recorded("prod").of_type(ALIAS)

    # THEN
    assert len(aliases) == len(NAMES)
    assert {each.ignore_changes for each in aliases} == {("functionVersion", "routingConfig")}


def test_if_deployments_are_gradual_the_program_does_not_change_the_tags_that_ops_deploy_sets() -> None:
    # GIVEN / WHEN
    functions = recorded("prod").of_type(FUNCTION)

    # THEN
    tags = {f'tags["{LIVE_BEFORE}"]', f'tags["{ROLLED_BACK}"]'}
    assert len(functions) == len(NAMES)
    assert all(set(each.ignore_changes) == tags for each in functions)


@pytest.mark.parametrize("stack", STACKS)
def test_every_function_has_a_variable_with_the_schema_versions_that_its_code_supports(stack: str) -> None:
    # GIVEN / WHEN
    versions = [environment_of(stack, name)[SCHEMA_VARIABLE] for name in NAMES]

    # THEN
    assert versions == [f"{OLDEST_SCHEMA_VERSION}-{SCHEMA_VERSION}"] * len(NAMES)


@pytest.mark.parametrize(
    "options",
    [{}, {"events_target": "bus"}, {"strict_ordering": "true", "batch_size": "1"}],
    ids=["plain", "bus", "strict ordering"],
)
def test_a_rollback_recognises_exactly_the_variables_that_refer_to_a_resource(options: dict[str, str]) -> None:
    # GIVEN a stack, and the resources that a rollback finds in its outputs
    recording = record_stack("dev", {f"orders:{name}": value for name, value in options.items()})
    known = Target.from_outputs("the stack", recording.outputs).resources

    # WHEN a rollback examines each variable
    for name in NAMES:
        variables = recording.one(FUNCTION, f"{name}-function").inputs["environment"]["variables"]
        for variable, value in variables.items():
            # THEN the variable counts as one that refers to a resource if and only if its value is the name, URL or ARN
            # of a resource in the outputs
            assert bool(NAMES_A_RESOURCE.fullmatch(variable)) == (value in known), variable


@pytest.mark.parametrize("name", NAMES)
def test_codedeploy_shifts_traffic_as_configured_and_rolls_back_if_the_functions_alarm_is_raised(name: str) -> None:
    # GIVEN
    recording = recorded("prod")

    # WHEN
    group = recording.one(GROUP, f"deploy-{name}").inputs
    alarm = recording.one(ALARM, f"deploy-{name}-rollback").inputs

    # THEN
    assert group["deploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    assert group["deploymentStyle"] == {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
    assert group["alarmConfiguration"] == {
        "alarms": [alarm["name"]],
        "enabled": True,
        "ignorePollAlarmFailure": False,
    }
    assert group["autoRollbackConfiguration"]["enabled"]
    assert {"DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_FAILURE"} <= set(group["autoRollbackConfiguration"]["events"])
    assert group["serviceRoleArn"] == recording.state("aws:iam/role:Role", "deploy-role")["arn"]
    assert group["appName"] == recording.one(APPLICATION, "deploy").inputs["name"]


@pytest.mark.parametrize("name", NAMES)
def test_a_rollback_alarm_can_be_raised_before_the_shortest_canary_phase_ends(name: str) -> None:
    # GIVEN
    alarm = recorded("prod").one(ALARM, f"deploy-{name}-rollback").inputs

    # WHEN
    metrics = [each["metric"] for each in alarm["metricQueries"] if "metric" in each]

    # THEN
    assert {each["period"] for each in metrics} == {60}
    # One bad minute is enough, even if its metrics arrive two minutes late.
    assert (alarm["evaluationPeriods"], alarm["datapointsToAlarm"]) == (3, 1)
    # A canary gets a tenth of the traffic. If all its requests fail, the error rate is 10 %, so the threshold must be
    # well below 10 %.
    assert alarm["threshold"] <= 5
    watched = {each["metricName"] for each in metrics}
    assert watched >= ({"Errors", "AttemptFailed"} if name == "process-order" else {"5xx", "Count"})


def test_codedeploy_may_only_read_alarms_and_shift_the_stacks_traffic() -> None:
    # GIVEN
    recording = recorded("prod")

    # WHEN
    statements = recording.one("aws:iam/rolePolicy:RolePolicy", "deploy-policy").document("policy")["Statement"]
    trust = recording.one("aws:iam/role:Role", "deploy-role").document("assumeRolePolicy")["Statement"]

    # THEN
    functions = [arn("lambda", f"function:orders-prod-{name}") for name in NAMES]
    assert {each["Sid"]: (set(each["Action"]), set(each["Resource"])) for each in statements} == {
        "ShiftTraffic": (
            {"lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"},
            {*functions, *(f"{each}:live" for each in functions)},
        ),
        "ReadAlarms": ({"cloudwatch:DescribeAlarms"}, {"*"}),
    }
    assert [each["Principal"] for each in trust] == [{"Service": "codedeploy.amazonaws.com"}]


def test_the_outputs_contain_the_names_that_the_deployment_tool_needs() -> None:
    # GIVEN / WHEN
    outputs = recorded("prod").outputs["gradual_deploy"]

    # THEN
    assert outputs == {
        "application": "orders-prod-deploy",
        "functions": {
            name.replace("-", "_"): {"function": f"orders-prod-{name}", "alias": "live", "group": f"orders-prod-{name}"}
            for name in NAMES
        },
    }
