"""Stand-ins for Lambda and CodeDeploy. Neither moto nor the embedded AWS carries out the deployments of CodeDeploy."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from lab.simulation.fakes.errors import client_error
from ops.cli.main import main
from ops.deploy import shift
from ops.gateway.clients import Clients
from tests.ops.test_target import outputs

NAMES = ("create-order", "get-order", "process-order")
KEYS = tuple(name.replace("-", "_") for name in NAMES)
FUNCTIONS = tuple(f"orders-prod-{name}" for name in NAMES)
GRADUAL_DEPLOY = {
    "application": "orders-prod-deploy",
    "functions": {
        key: {"function": function, "alias": "live", "group": function}
        for key, function in zip(KEYS, FUNCTIONS, strict=True)
    },
}
_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:"


def code_of(number: int) -> str:
    """Return the code hash of the release that published version `number`."""
    return b64encode(sha256(str(number).encode()).digest()).decode()


@dataclass
class FakeVersion:
    """A published version."""

    code: str
    state: str = "Active"
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class FakeFunction:
    """A function: its versions, its one alias `live`, its tags."""

    versions: dict[int, FakeVersion]
    live: int
    weights: Mapping[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class FakeLambda:
    """A stand-in for AWS Lambda. Every function has the same versions.

    Attributes:
        calls: The calls that changed something, except removals of tags, in their order.
        killed_after: The number of changes that succeed. The next change kills the calling process instead.

    Args:
        versions: The numbers of the published versions.
        live: A version. The aliases of the functions in `behind` point to it.
        behind: Names of functions. The aliases of all other functions point to the newest version.
        weights: The weights in the routing configuration of each alias.
        never_ready: Whether the wait for an active version always times out.
        refused: The versions that cannot be deleted.
    """

    def __init__(
        self,
        versions: Iterable[int] = range(1, 11),
        live: int = 9,
        behind: Sequence[str] = NAMES,
        weights: Mapping[str, float] = {},
        never_ready: bool = False,
        refused: tuple[int, ...] = (),
    ) -> None:
        numbers = list(versions)
        self.functions = {
            f"orders-prod-{name}": FakeFunction(
                {number: FakeVersion(code_of(number)) for number in numbers},
                live if name in behind else max(numbers, default=0),
                weights,
            )
            for name in NAMES
        }
        self.waited: list[tuple[str, str]] = []
        self.calls: list[tuple[str, str, str]] = []
        self.killed_after: int | None = None
        self._never_ready = never_ready
        self._refused = refused

    @property
    def deleted(self) -> list[tuple[str, str]]:
        """Function and version of each deletion."""
        return [(function, version) for call, function, version in self.calls if call == "delete"]

    @property
    def moved(self) -> list[tuple[str, str]]:
        """Function and version of each alias that was moved."""
        return [(function, version) for call, function, version in self.calls if call == "move"]

    def versions(self, number: int) -> list[FakeVersion]:
        """Return this version of every function."""
        return [each.versions[number] for each in self.functions.values()]

    def tag(self, name: str) -> list[str]:
        """Return this tag of every function; empty for a function without the tag."""
        return [each.tags.get(name, "") for each in self.functions.values()]

    def _note(self, call: str, function: str, what: str) -> None:
        if len(self.calls) == self.killed_after:
            raise KeyboardInterrupt
        self.calls.append((call, function, what))

    def get_alias(self, FunctionName: str, Name: str) -> dict[str, Any]:
        return {
            **self._alias(FunctionName),
            "AliasArn": f"{_ARN}{FunctionName}:{Name}",
            "RevisionId": f"r{len(self.moved)}",
        }

    def _alias(self, function: str) -> dict[str, Any]:
        found = self.functions[function]
        routing = {"RoutingConfig": {"AdditionalVersionWeights": found.weights}} if found.weights else {}
        return {"Name": "live", "FunctionVersion": str(found.live), **routing}

    def update_alias(
        self, FunctionName: str, Name: str, FunctionVersion: str, RoutingConfig: Any, RevisionId: str
    ) -> None:
        assert (Name, RoutingConfig) == ("live", {"AdditionalVersionWeights": {}})
        assert RevisionId.startswith("r")
        if self.functions[FunctionName].versions[int(FunctionVersion)].state != "Active":
            raise client_error("UpdateAlias", "ResourceConflictException", "the version is not active")
        self._note("move", FunctionName, FunctionVersion)
        self.functions[FunctionName].live = int(FunctionVersion)

    def get_function_configuration(self, FunctionName: str, Qualifier: str = "") -> dict[str, Any]:
        if not Qualifier:
            return {"FunctionArn": f"{_ARN}{FunctionName}"}
        version = self.functions[FunctionName].versions.get(int(Qualifier))
        if version is None:
            raise client_error("GetFunctionConfiguration", "ResourceNotFoundException", f"no version {Qualifier}")
        reason = {"StateReason": "its start failed"} if version.state == "Failed" else {}
        return {
            "State": version.state,
            "CodeSha256": version.code,
            "Environment": {"Variables": version.environment},
            **reason,
        }

    def invoke(self, FunctionName: str, Qualifier: str, Payload: bytes) -> None:
        assert json.loads(Payload) == {"Records": []}
        self._note("invoke", FunctionName, Qualifier)
        self.functions[FunctionName].versions[int(Qualifier)].state = "Active"
        raise client_error("Invoke", "SnapStartNotReadyException", "its snapshot is being made")

    def delete_function(self, FunctionName: str, Qualifier: str) -> None:
        if int(Qualifier) in self._refused:
            raise client_error("DeleteFunction", "ResourceConflictException", "an alias uses it")
        self._note("delete", FunctionName, Qualifier)

    def list_tags(self, Resource: str) -> dict[str, Any]:
        return {"Tags": self.functions[Resource.removeprefix(_ARN)].tags}

    def tag_resource(self, Resource: str, Tags: dict[str, str]) -> None:
        assert all(len(value) <= 256 for value in Tags.values())
        self._note("tag", Resource.removeprefix(_ARN), " ".join(Tags))
        self.functions[Resource.removeprefix(_ARN)].tags.update(Tags)

    def untag_resource(self, Resource: str, TagKeys: list[str]) -> None:
        for key in TagKeys:
            del self.functions[Resource.removeprefix(_ARN)].tags[key]

    def get_waiter(self, name: str) -> FakeLambda:
        assert name == "published_version_active"
        return self

    def wait(self, FunctionName: str, Qualifier: str) -> None:
        self.waited.append((FunctionName, Qualifier))
        if self._never_ready or self.functions[FunctionName].versions[int(Qualifier)].state != "Active":
            raise WaiterError("published_version_active", "Max attempts exceeded", {})

    def get_paginator(self, operation: str) -> _Pages:
        return _Pages({"list_versions_by_function": self._version_pages, "list_aliases": self._alias_pages}[operation])

    def _version_pages(self, function: str) -> list[dict[str, Any]]:
        # Two pages, because a page of AWS can end anywhere. There is a version 10, so code that sorts versions as text
        # fails.
        shown = ["$LATEST", *map(str, self.functions[function].versions)]
        return [{"Versions": [{"Version": each} for each in part]} for part in (shown[:4], shown[4:])]

    def _alias_pages(self, function: str) -> list[dict[str, Any]]:
        return [{"Aliases": [self._alias(function)]}]


class _Pages:
    def __init__(self, pages: Any) -> None:
        self._pages = pages

    def paginate(self, FunctionName: str) -> Any:
        return self._pages(FunctionName)


class FakeCodeDeploy:
    """A CodeDeploy whose deployments succeed at the second `GetDeployment`.

    Args:
        bad: Groups whose deployments fail at the first `GetDeployment`.
        refused: Groups for which no deployment can be created.
        endless: Whether deployments stay in progress instead of succeeding.
        bad_later: Groups whose deployments fail at the third `GetDeployment`.
    """

    def __init__(
        self,
        bad: Sequence[str] = (),
        refused: Sequence[str] = (),
        endless: bool = False,
        bad_later: Sequence[str] = (),
    ) -> None:
        self._endless = endless
        self._bad_later = bad_later
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
        group = self.made[deploymentId]["deploymentGroupName"]
        if group in self._bad_later and self.looks[deploymentId] < 3:
            return {"deploymentInfo": {"status": "InProgress"}}
        if group in (*self._bad, *self._bad_later):
            second = f"{deploymentId}-back"
            self.made.setdefault(second, {"deploymentGroupName": "orders-prod-rollback"})
            message = {
                "rollbackDeploymentId": second,
                "rollbackMessage": "The alarm orders-prod-create-order-rollback fired.",
            }
            return {"deploymentInfo": {"status": "Failed", "rollbackInfo": message}}
        return {
            "deploymentInfo": {"status": "InProgress" if self._endless or self.looks[deploymentId] < 2 else "Succeeded"}
        }

    def stop_deployment(self, deploymentId: str, autoRollbackEnabled: bool) -> None:
        assert autoRollbackEnabled
        self.stopped.append(deploymentId)


class DeployTarget:
    """The command line with these stand-ins. `retention` is the orders queue's message retention in seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.lambda_: Any = FakeLambda()
        self.codedeploy: Any = FakeCodeDeploy()
        self.outputs = outputs(gradual_deploy=GRADUAL_DEPLOY)
        self.retention = 4 * 86_400
        self.slept: list[float] = []
        self._path = folder / "outputs.json"
        monkeypatch.setattr(Clients, "session", self)
        monkeypatch.setattr(shift.Deployer, "pause", self.slept.append)

    def run(self, action: str, *arguments: str) -> int:
        """Run `python -m ops deploy ACTION` for this stack."""
        self._path.write_text(json.dumps(self.outputs))
        return main(["deploy", action, "--outputs", str(self._path), *arguments])

    def client(self, service: str, **_: Any) -> Any:
        return {"lambda": self.lambda_, "codedeploy": self.codedeploy, "sts": self, "sqs": self}[service]

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "123456789012"}

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:
        assert (QueueUrl, AttributeNames) == (self.outputs["orders_queue_url"], ["MessageRetentionPeriod"])
        return {"Attributes": {"MessageRetentionPeriod": str(self.retention)}}


def ago(time: timedelta) -> str:
    """Return the time this long ago, in the format of the tags."""
    return (datetime.now(UTC) - time).strftime("%Y-%m-%dT%H:%M:%SZ")


def shifted_twice(monkeypatch: pytest.MonkeyPatch, folder: Path) -> DeployTarget:
    """Return a stack whose callers were moved from version 9 to 10 an hour ago, and from 8 to 9 a day before that."""
    made = DeployTarget(monkeypatch, folder)
    made.lambda_ = FakeLambda(live=10)
    for each in made.lambda_.functions.values():
        each.tags["LiveBefore"] = f"9@{ago(timedelta(hours=1))} 8@{ago(timedelta(hours=25))}"
    return made
