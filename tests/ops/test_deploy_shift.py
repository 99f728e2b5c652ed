"""`ops deploy shift`, with stand-ins for Lambda and CodeDeploy."""

import json
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from botocore.validate import validate_parameters

from ops.deploy import shift
from tests.ops.deploying import NAMES, DeployTarget, FakeCodeDeploy, FakeLambda
from tests.ops.test_target import outputs


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> DeployTarget:
    return DeployTarget(monkeypatch, tmp_path)


def test_every_function_with_a_newer_version_is_shifted_to_it(world: DeployTarget) -> None:
    # GIVEN
    world.lambda_ = FakeLambda(behind=("create-order", "process-order"))

    # WHEN
    code = world.run("shift", "--yes")

    # THEN
    assert code == 0
    made = list(world.codedeploy.made.values())
    assert [each["deploymentGroupName"] for each in made] == ["orders-prod-create-order", "orders-prod-process-order"]
    assert {each["applicationName"] for each in made} == {"orders-prod-deploy"}
    assert {each["revision"]["revisionType"] for each in made} == {"AppSpecContent"}
    content = json.loads(made[0]["revision"]["appSpecContent"]["content"])
    assert content["Resources"] == [
        {
            "create_order": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Name": "orders-prod-create-order",
                    "Alias": "live",
                    "CurrentVersion": "9",
                    "TargetVersion": "10",
                },
            }
        }
    ]
    assert world.slept


def test_the_command_fails_and_stops_the_other_deployments_if_one_function_is_rolled_back(
    world: DeployTarget, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    world.codedeploy = FakeCodeDeploy(bad=["orders-prod-create-order"])

    # WHEN
    code = world.run("shift", "--yes")

    # THEN
    assert code == 1
    assert world.codedeploy.stopped == ["d-2", "d-3"]
    assert "orders-prod-create-order-rollback fired" in capsys.readouterr().err


def test_a_rollback_is_advised_if_a_shift_fails_after_callers_of_some_functions_moved(
    world: DeployTarget, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a shift in which an alarm fires after the other functions' callers have moved
    world.codedeploy = FakeCodeDeploy(bad_later=["orders-prod-process-order"])

    # WHEN
    code = world.run("shift", "--yes", "--json")
    output = capsys.readouterr()

    # THEN the command fails, its JSON shows how each deployment ended, and the advised command moves callers back
    assert code == 1
    ended = {each["key"]: each["status"] for each in json.loads(output.out)["deployments"]}
    assert ended == {"create_order": "Succeeded", "get_order": "Succeeded", "process_order": "Failed"}
    assert "Callers of create_order, get_order already use the new version." in output.err
    assert "next: python -m ops deploy rollback" in output.err
    # AND the command has waited until CodeDeploy's automatic rollback has moved process_order's callers back. Before
    # that, the advised rollback would be refused
    assert world.codedeploy.looks["d-3-back"] == 2


def test_the_other_deployments_are_stopped_if_one_cannot_start(world: DeployTarget) -> None:
    # GIVEN
    world.codedeploy = FakeCodeDeploy(refused=["orders-prod-process-order"])

    # WHEN
    code = world.run("shift", "--yes")

    # THEN
    assert code == 1
    assert world.codedeploy.stopped == ["d-1", "d-2"]


def test_alarms_can_stop_a_shift_by_default(world: DeployTarget) -> None:
    # GIVEN / WHEN
    world.run("shift", "--yes")

    # THEN
    assert [each for each in world.codedeploy.made.values() if "overrideAlarmConfiguration" in each] == []


def test_a_shift_that_ignores_alarms_reports_this(world: DeployTarget, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN / WHEN
    code = world.run("shift", "--yes", "--ignore-alarms")

    # THEN
    assert code == 0
    overridden = [each["overrideAlarmConfiguration"] for each in world.codedeploy.made.values()]
    assert overridden == [{"enabled": False, "alarms": []}] * len(NAMES)
    assert "alarms are ignored" in capsys.readouterr().err


def test_the_requests_are_valid_for_aws(world: DeployTarget) -> None:
    # GIVEN the requests of a shift, and the service's model
    world.run("shift", "--yes", "--ignore-alarms")
    client = boto3.client("codedeploy", "eu-west-1")
    operation = client.meta.service_model.operation_model("CreateDeployment")

    # WHEN / THEN
    assert len(world.codedeploy.made) == len(NAMES)
    for request in world.codedeploy.made.values():
        validate_parameters(request, operation.input_shape)


def test_the_error_names_a_deployment_that_does_not_end_in_time(
    world: DeployTarget, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    world.lambda_ = FakeLambda(behind=("get-order",))
    world.codedeploy = FakeCodeDeploy(endless=True)
    monkeypatch.setattr(shift, "TIMEOUT_SECONDS", -1)

    # WHEN
    code = world.run("shift", "--yes")

    # THEN
    assert code == 1
    assert "deployments d-1 did not end" in capsys.readouterr().err


def test_a_dry_run_waits_until_the_new_versions_can_be_called(world: DeployTarget) -> None:
    # GIVEN / WHEN
    world.run("shift")

    # THEN
    assert world.lambda_.waited == [(f"orders-prod-{name}", "10") for name in NAMES]


def test_nothing_is_started_if_no_function_has_a_newer_version(
    world: DeployTarget, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    world.lambda_ = FakeLambda(behind=())

    # WHEN
    code = world.run("shift", "--yes")

    # THEN
    assert code == 0
    assert "already use the newest versions" in capsys.readouterr().out
    assert not world.codedeploy.made


def test_nothing_is_shifted_in_a_stack_without_gradual_deploy(
    world: DeployTarget, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    world.outputs = outputs()

    # WHEN
    code = world.run("shift", "--yes", "--json")

    # THEN
    assert code == 0
    assert json.loads(capsys.readouterr().out)["state"] == "off"
    assert not world.codedeploy.made


def test_a_dry_run_lists_the_planned_moves(world: DeployTarget, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN / WHEN
    code = world.run("shift", "--json")

    # THEN
    output = json.loads(capsys.readouterr().out)
    assert code == 0
    assert output["state"] == "planned"
    assert [(each["key"], each["current"], each["target"]) for each in output["moves"]] == [
        (name.replace("-", "_"), "9", "10") for name in NAMES
    ]
    assert not world.codedeploy.made


def never_ready(world: DeployTarget) -> None:
    world.lambda_ = FakeLambda(never_ready=True)


def under_way(world: DeployTarget) -> None:
    world.lambda_ = FakeLambda(weights={"10": 0.1})


def failed(world: DeployTarget) -> None:
    for each in world.lambda_.versions(10):
        each.state = "Failed"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (never_ready, "version 10 of orders-prod-create-order does not become ready"),
        (under_way, "being shifted right now"),
        (failed, "its start failed"),
    ],
)
def test_a_shift_that_cannot_succeed_is_refused(
    world: DeployTarget, make: Callable[[DeployTarget], None], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    make(world)

    # WHEN
    code = world.run("shift", "--yes")

    # THEN
    output = capsys.readouterr().err
    assert code == 5
    assert message in output
    assert make is not failed or "docs/delivery.md" in output
    assert not world.codedeploy.made


def test_the_live_version_is_recorded_before_callers_are_moved(world: DeployTarget) -> None:
    # GIVEN a process that dies when it starts the first deployment
    world.codedeploy.create_deployment = None

    # WHEN
    with pytest.raises(TypeError):
        world.run("shift", "--yes")

    # THEN
    assert [tag.split("@")[0] for tag in world.lambda_.tag("LiveBefore")] == ["9", "9", "9"]
