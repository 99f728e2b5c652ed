"""Stand-ins of Lambda and CodeDeploy for `ops deploy`: nothing else here has deployments."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from ops.cli.main import main
from ops.deploy import shift
from ops.gateway.clients import Clients
from tests.ops.test_target import outputs

NAMES = ("create-order", "get-order", "process-order")
GRADUAL_DEPLOY = {
    "application": "orders-prod-deploy",
    "functions": {
        name.replace("-", "_"): {"function": f"orders-prod-{name}", "alias": "live", "group": f"orders-prod-{name}"}
        for name in NAMES
    },
}


class FakeLambda:
    """Versions 1 to `newest` of every function; `behind` are the keys whose alias is at an older one."""

    def __init__(
        self,
        newest: int = 10,
        behind: Sequence[str] = NAMES,
        weights: Mapping[str, float] = {},
        never_ready: bool = False,
    ) -> None:
        self.waited: list[tuple[str, str]] = []
        self._never_ready = never_ready
        self._newest = newest
        self._behind = behind
        self._weights = weights

    def get_alias(self, FunctionName: str, Name: str) -> dict[str, Any]:
        assert Name == "live"
        behind = FunctionName.removeprefix("orders-prod-") in self._behind
        routing = {"RoutingConfig": {"AdditionalVersionWeights": self._weights}} if self._weights else {}
        return {"FunctionVersion": str(self._newest - 1 if behind else self._newest), **routing}

    def get_paginator(self, _operation: str) -> "FakeLambda":
        return self

    def get_waiter(self, name: str) -> "FakeLambda":
        assert name == "published_version_active"
        return self

    def wait(self, FunctionName: str, Qualifier: str) -> None:
        self.waited.append((FunctionName, Qualifier))
        if self._never_ready:
            raise WaiterError("published_version_active", "Max attempts exceeded", {})

    def paginate(self, FunctionName: str) -> list[dict[str, Any]]:
        assert FunctionName
        # As text "9" is above "10".
        versions = [str(number) for number in range(1, self._newest + 1)]
        return [
            {"Versions": [{"Version": each} for each in part]} for part in (["$LATEST", *versions[:3]], versions[3:])
        ]


class FakeCodeDeploy:
    """Deployments that take two looks to end; `bad` are the groups that are rolled back at the first."""

    def __init__(self, bad: Sequence[str] = (), refused: Sequence[str] = (), endless: bool = False) -> None:
        self._endless = endless
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

    def get_deployment(self, deploymentId: str) -> dict[str, Any]:
        self.looks[deploymentId] = self.looks.get(deploymentId, 0) + 1
        if deploymentId in self.stopped:
            return {"deploymentInfo": {"status": "Stopped"}}
        if self.made[deploymentId]["deploymentGroupName"] in self._bad:
            message = {"rollbackMessage": "The alarm orders-prod-create-order-rollback fired."}
            return {"deploymentInfo": {"status": "Failed", "rollbackInfo": message}}
        return {
            "deploymentInfo": {"status": "InProgress" if self._endless or self.looks[deploymentId] < 2 else "Succeeded"}
        }

    def stop_deployment(self, deploymentId: str, autoRollbackEnabled: bool) -> None:
        assert autoRollbackEnabled
        self.stopped.append(deploymentId)


class World:
    """The command line in front of the stand-ins."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.lambda_: Any = FakeLambda()
        self.codedeploy: Any = FakeCodeDeploy()
        self.outputs = outputs(gradual_deploy=GRADUAL_DEPLOY)
        self.slept: list[float] = []
        self._path = folder / "outputs.json"
        monkeypatch.setattr(Clients, "session", self)
        monkeypatch.setattr(shift.Deployer, "pause", self.slept.append)

    def run(self, action: str, *arguments: str) -> int:
        """Type `python -m ops deploy ACTION` for this stack."""
        self._path.write_text(json.dumps(self.outputs))
        return main(["deploy", action, "--outputs", str(self._path), *arguments])

    def client(self, service: str, **_: Any) -> Any:
        return {"lambda": self.lambda_, "codedeploy": self.codedeploy, "sts": self}[service]

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "123456789012"}
