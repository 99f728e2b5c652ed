"""python -m tools.gradual_deploy, over stand-ins of Lambda and CodeDeploy: nothing else here has deployments."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tools import gradual_deploy

QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders-prod-orders-queue"
NAMES = ("create_order", "get_order", "process_order")
OUTPUTS = {
    "orders_queue_url": QUEUE_URL,
    "gradual_deploy": {
        "application": "orders-prod-deploy",
        "functions": {
            name: {"function": f"orders-prod-{name}", "alias": "live", "group": f"orders-prod-{name}"} for name in NAMES
        },
    },
}


class FakeLambda:
    """Versions 1 to `newest` of every function; `behind` are the keys whose alias is at an older one."""

    def __init__(self, newest: int = 10, behind: Sequence[str] = NAMES, weights: Mapping[str, float] = {}) -> None:
        self._newest = newest
        self._behind = behind
        self._weights = weights

    def get_alias(self, FunctionName: str, Name: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        assert Name == "live"
        behind = FunctionName.removeprefix("orders-prod-") in self._behind
        routing = {"RoutingConfig": {"AdditionalVersionWeights": self._weights}} if self._weights else {}
        return {"FunctionVersion": str(self._newest - 1 if behind else self._newest), **routing}

    def get_paginator(self, _operation: str) -> "FakeLambda":
        return self

    def paginate(self, FunctionName: str) -> list[dict[str, Any]]:  # noqa: N803 - boto3's names
        assert FunctionName
        # As text "9" is above "10".
        versions = [str(number) for number in range(1, self._newest + 1)]
        return [
            {"Versions": [{"Version": each} for each in part]} for part in (["$LATEST", *versions[:3]], versions[3:])
        ]


class FakeCodeDeploy:
    """Deployments that take two looks to end; `bad` are the groups that are rolled back at the first."""

    def __init__(self, bad: Sequence[str] = (), refused: Sequence[str] = ()) -> None:
        self.made: dict[str, dict[str, Any]] = {}
        self.stopped: list[str] = []
        self.looks: dict[str, int] = {}
        self._bad = bad
        self._refused = refused

    def create_deployment(self, **request: Any) -> dict[str, str]:
        if request["deploymentGroupName"] in self._refused:
            error: Any = {"Error": {"Code": "DeploymentLimitExceededException", "Message": "one is running"}}
            raise ClientError(error, "CreateDeployment")
        deployment = f"d-{len(self.made) + 1}"
        self.made[deployment] = request
        return {"deploymentId": deployment}

    def get_deployment(self, deploymentId: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        self.looks[deploymentId] = self.looks.get(deploymentId, 0) + 1
        if deploymentId in self.stopped:
            return {"deploymentInfo": {"status": "Stopped"}}
        if self.made[deploymentId]["deploymentGroupName"] in self._bad:
            message = {"rollbackMessage": "The alarm orders-prod-create-order-rollback fired."}
            return {"deploymentInfo": {"status": "Failed", "rollbackInfo": message}}
        return {"deploymentInfo": {"status": "InProgress" if self.looks[deploymentId] < 2 else "Succeeded"}}

    def stop_deployment(self, deploymentId: str, autoRollbackEnabled: bool) -> None:  # noqa: N803 - boto3's names
        assert autoRollbackEnabled
        self.stopped.append(deploymentId)


class World:
    """The command in front of the stand-ins."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lambda_: Any = FakeLambda()
        self.codedeploy: Any = FakeCodeDeploy()
        self.outputs: Mapping[str, Any] = OUTPUTS
        self.regions: list[str] = []
        self.slept: list[float] = []
        monkeypatch.setattr(gradual_deploy, "stack_outputs", lambda _stack: self.outputs)
        monkeypatch.setattr(boto3.session, "Session", self._session)
        monkeypatch.setattr(gradual_deploy.Deployer, "pause", self.slept.append)

    def _session(self, region_name: str) -> "World":
        self.regions.append(region_name)
        return self

    def client(self, service: str) -> Any:
        return {"lambda": self.lambda_, "codedeploy": self.codedeploy}[service]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def run(*arguments: str) -> int:
    return gradual_deploy.main(["--stack", "prod", *arguments])


def test_every_function_that_is_behind_is_moved_to_its_newest_version(world: World) -> None:
    # GIVEN
    world.lambda_ = FakeLambda(newest=10, behind=("create_order", "process_order"))

    # WHEN
    code = run()

    # THEN
    assert code == 0
    made = list(world.codedeploy.made.values())
    assert [each["deploymentGroupName"] for each in made] == ["orders-prod-create_order", "orders-prod-process_order"]
    assert {each["applicationName"] for each in made} == {"orders-prod-deploy"}
    content = json.loads(made[0]["revision"]["appSpecContent"]["content"])
    assert content["Resources"] == [
        {
            "create_order": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Name": "orders-prod-create_order",
                    "Alias": "live",
                    "CurrentVersion": "9",
                    "TargetVersion": "10",
                },
            }
        }
    ]
    assert world.slept
    assert world.regions == ["eu-west-1"]


def test_a_rolled_back_function_fails_the_command_and_stops_the_others(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    world.codedeploy = FakeCodeDeploy(bad=["orders-prod-create_order"])

    # WHEN
    code = run()

    # THEN
    assert code == 1
    assert world.codedeploy.stopped == ["d-2", "d-3"]
    assert "orders-prod-create-order-rollback fired" in capsys.readouterr().out


def test_a_deployment_that_cannot_start_stops_those_that_did(world: World) -> None:
    # GIVEN
    world.codedeploy = FakeCodeDeploy(refused=["orders-prod-process_order"])

    # WHEN
    code = run()

    # THEN
    assert code == 2
    assert world.codedeploy.stopped == ["d-1", "d-2"]


def test_with_nothing_behind_it_says_so_and_starts_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN
    world.lambda_ = FakeLambda(behind=())

    # WHEN
    code = run()

    # THEN
    assert code == 0
    assert "newest versions already" in capsys.readouterr().out
    assert not world.codedeploy.made


def test_a_stack_that_shifts_nothing_is_left_alone(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN
    world.outputs = {"orders_queue_url": QUEUE_URL}

    # WHEN
    code = run("--json")

    # THEN
    assert code == 0
    assert json.loads(capsys.readouterr().out)["state"] == "off"
    assert world.regions == []


def test_a_dry_run_tells_what_it_would_move(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN / WHEN
    code = run("--dry-run", "--json")

    # THEN
    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert told["state"] == "planned"
    assert [(each["key"], each["current"], each["target"]) for each in told["moves"]] == [
        (name, "9", "10") for name in NAMES
    ]
    assert not world.codedeploy.made


def test_a_shift_that_is_under_way_is_not_disturbed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN
    world.lambda_ = FakeLambda(weights={"10": 0.1})

    # WHEN
    code = run()

    # THEN
    assert code == 2
    assert "being shifted right now" in capsys.readouterr().err
    assert not world.codedeploy.made


def test_without_the_pulumi_command_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    monkeypatch.setenv("PATH", "")

    # WHEN
    code = run()

    # THEN
    assert code == 2
    assert "not on the PATH" in capsys.readouterr().err
