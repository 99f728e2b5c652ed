"""Tests functions, and the resources that call them, on the emulator: create, change in place, delete."""

import json

import pulumi
import pytest

from local.services.aws import Aws
from tests.local.factories import HELLO, function_inputs
from tests.local.made import POLICY, TRUST, Made

pytestmark = pytest.mark.e2e


def test_a_function_with_an_alias_a_mapping_and_a_route_can_be_changed_and_deleted(emulated: Aws) -> None:
    # GIVEN a function with role, log group, alias, mapping and a route to it
    role = Made(emulated, "Role", "r", name="greet", assumeRolePolicy=TRUST, tags={"a": "b"})
    inline = Made(emulated, "RolePolicy", "rp", name="inline", role="greet", policy=POLICY)
    logs = Made(emulated, "LogGroup", "l", name="/aws/lambda/greet", retentionInDays=7)
    function = Made(
        emulated,
        "Function",
        "f",
        **function_inputs(
            role=role.state["arn"],
            environment={"variables": {"GREETING": "hi"}},
            loggingConfig={"logFormat": "Text", "logGroup": logs.id},
            tracingConfig={"mode": "PassThrough"},
            architectures=["x86_64"],
        ),
    )
    alias = Made(
        emulated, "Alias", "a", name="live", functionName=function.id, functionVersion=function.state["version"]
    )
    queue = Made(emulated, "Queue", "q", name="greet-queue")
    mapping = Made(
        emulated,
        "EventSourceMapping",
        "m",
        eventSourceArn=queue.state["arn"],
        functionName=alias.id,
        functionResponseTypes=["ReportBatchItemFailures"],
        scalingConfig={"maximumConcurrency": 2},
    )
    api = Made(emulated, "Api", "api", name="api", protocolType="HTTP", corsConfiguration={"allowOrigins": ["*"]})
    integration = Made(
        emulated,
        "Integration",
        "i",
        apiId=api.id,
        integrationType="AWS_PROXY",
        integrationUri=alias.state["invokeArn"],
        payloadFormatVersion="2.0",
    )
    permission = Made(
        emulated,
        "Permission",
        "p",
        action="lambda:InvokeFunction",
        function=function.id,
        qualifier="live",
        principal="apigateway.amazonaws.com",
    )
    route = Made(emulated, "Route", "rt", apiId=api.id, routeKey="GET /greet", target=f"integrations/{integration.id}")
    stage = Made(
        emulated,
        "Stage",
        "s",
        apiId=api.id,
        name="$default",
        autoDeploy=True,
        defaultRouteSettings={"throttlingRateLimit": 10, "throttlingBurstLimit": 5},
        accessLogSettings={"destinationArn": logs.state["arn"], "format": "$context.requestId"},
    )
    first = json.loads(emulated.lambda_.invoke(FunctionName=alias.id, Payload=b"{}")["Payload"].read())

    # WHEN the function's code changes, the alias is moved to the new version, and most other resources change too
    code = pulumi.AssetArchive({"app.py": pulumi.StringAsset(HELLO.replace("hello", "welcome"))})
    outputs = function.change(code=code, timeout=9, tags={"c": "d"})
    alias.change(functionVersion=outputs["version"])
    mapping.change(batchSize=5)
    api.change(description="greets")
    integration.change(timeoutMilliseconds=5000)
    route.change(operationName="greet")
    stage.change(description="the only one")
    role.change(description="for greeting")
    inline.change(policy=POLICY)
    logs.change(retentionInDays=14)

    # THEN the alias runs the new code, which has a new version, and the new batch size and tags are stored
    second = json.loads(emulated.lambda_.invoke(FunctionName=alias.id, Payload=b"{}")["Payload"].read())
    assert (first, second) == ({"hello": "nobody"}, {"welcome": "nobody"})
    assert outputs["version"] != function.state["version"]
    assert emulated.lambda_.get_event_source_mapping(UUID=mapping.id)["BatchSize"] == 5
    assert emulated.lambda_.list_tags(Resource=outputs["arn"])["Tags"] == {"c": "d"}
    assert stage.state["invokeUrl"] == f"{emulated.endpoint_url}/_aws/execute-api/{api.id}/"

    # WHEN all resources are deleted twice
    for _ in range(2):
        for each in (stage, route, permission, integration, api, mapping, queue, alias, function, logs):
            each.delete()
        for each in (inline, role):
            each.delete()

    # THEN no function, role or API is left
    assert emulated.lambda_.list_functions()["Functions"] == []
    assert emulated.iam.list_roles()["Roles"] == []
    assert emulated.apigatewayv2.get_apis()["Items"] == []


def test_provisioned_concurrency_can_be_changed_and_deleted(emulated: Aws) -> None:
    # GIVEN an alias with a provisioned concurrency of 2
    role = Made(emulated, "Role", "ready-role", name="ready", assumeRolePolicy=TRUST)
    function = Made(emulated, "Function", "ready", **function_inputs(name="ready", role=role.state["arn"]))
    alias = Made(
        emulated, "Alias", "ready", name="live", functionName=function.id, functionVersion=function.state["version"]
    )
    ready = Made(
        emulated,
        "ProvisionedConcurrencyConfig",
        "ready",
        functionName=function.id,
        qualifier="live",
        provisionedConcurrentExecutions=2,
    )

    # WHEN it is changed to 3
    ready.change(provisionedConcurrentExecutions=3)

    # THEN the emulator shows 3. After the deletion it shows no provisioned concurrency. A second deletion is no error
    shown = emulated.lambda_.get_provisioned_concurrency_config(FunctionName="ready", Qualifier="live")
    assert shown["RequestedProvisionedConcurrentExecutions"] == 3
    for _ in range(2):
        for each in (ready, alias, function, role):
            each.delete()
    with pytest.raises(emulated.lambda_.exceptions.ResourceNotFoundException):
        emulated.lambda_.get_provisioned_concurrency_config(FunctionName="ready", Qualifier="live")


@pytest.mark.parametrize("without", [None, -1], ids=["not given", "given as -1"])
def test_a_reserved_concurrency_that_is_no_longer_wanted_is_removed(emulated: Aws, without: int | None) -> None:
    # GIVEN a function with a reserved concurrency
    role = Made(emulated, "Role", "capped-role", name="capped", assumeRolePolicy=TRUST)
    inputs = function_inputs(name="capped", role=role.state["arn"])
    function = Made(emulated, "Function", "capped", **inputs, reservedConcurrentExecutions=2)
    before = emulated.lambda_.get_function_concurrency(FunctionName="capped")

    # WHEN its configuration no longer has a reserved concurrency
    function.change(reservedConcurrentExecutions=without)

    # THEN the function has no reserved concurrency
    after = emulated.lambda_.get_function_concurrency(FunctionName="capped")
    assert before["ReservedConcurrentExecutions"] == 2
    assert not after.get("ReservedConcurrentExecutions")
    for each in (function, role):
        each.delete()


def test_a_version_with_a_snapshot_can_be_called_after_its_deployment(emulated: Aws) -> None:
    # GIVEN a function with snapshots, and new code for it
    role = Made(emulated, "Role", "snap-role", name="snap", assumeRolePolicy=TRUST)
    snapshots = {"applyOn": "PublishedVersions"}
    function = Made(
        emulated, "Function", "snap", **function_inputs(name="snap", role=role.state["arn"], snapStart=snapshots)
    )
    code = pulumi.AssetArchive({"app.py": pulumi.StringAsset(HELLO.replace("hello", "welcome"))})

    # WHEN the code is deployed, the new version is called, and then snapshots are turned off
    outputs = function.change(code=code)
    answer = emulated.lambda_.invoke(FunctionName="snap", Qualifier=outputs["version"], Payload=b"{}")
    version = emulated.lambda_.get_function_configuration(FunctionName="snap", Qualifier=outputs["version"])
    function.inputs = {key: value for key, value in function.inputs.items() if key != "snapStart"}
    function.change(description="without")

    # THEN
    assert json.loads(answer["Payload"].read()) == {"welcome": "nobody"}
    assert version["SnapStart"]["ApplyOn"] == "PublishedVersions"
    assert emulated.lambda_.get_function_configuration(FunctionName="snap")["SnapStart"]["ApplyOn"] == "None"
    for each in (function, role):
        each.delete()


def test_a_roles_permissions_boundary_can_be_set_and_removed(emulated: Aws) -> None:
    # GIVEN a role without a boundary
    policy = emulated.iam.create_policy(PolicyName="bound", PolicyDocument=POLICY)["Policy"]["Arn"]
    role = Made(emulated, "Role", "bounded", name="bounded", assumeRolePolicy=TRUST)

    # WHEN the boundary is set
    role.change(permissionsBoundary=policy)

    # THEN the role has it, until it is removed
    shown = emulated.iam.get_role(RoleName="bounded")["Role"]
    assert shown["PermissionsBoundary"]["PermissionsBoundaryArn"] == policy
    role.change(permissionsBoundary=None)
    assert "PermissionsBoundary" not in emulated.iam.get_role(RoleName="bounded")["Role"]
    role.delete()
    emulated.iam.delete_policy(PolicyArn=policy)
