"""Moves callers to the newest versions of a stack's functions, step by step, by CodeDeploy.

Each function whose alias is behind gets a deployment. As soon as one fails or is stopped, the others are stopped too,
because versions of one release belong together.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from botocore.exceptions import BotoCoreError, ClientError

from ops.deploy.history import read_history
from ops.deploy.versions import live, published_versions, read_version, wait_until_ready
from ops.errors import OpsError, RefusedError
from ops.target import GradualDeploy

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

POLL_SECONDS: Final = 15
TIMEOUT_SECONDS: Final = 2 * 3_600
_ENDED: Final = frozenset({"Succeeded", "Failed", "Stopped"})
_ALARMS_IGNORED: Final = {"enabled": False, "alarms": []}


class DeploymentTimeoutError(OpsError):
    """Deployments did not end in time. They continue without this process."""

    def __init__(self, deployments: Sequence[str], application: str) -> None:
        self.deployments = tuple(deployments)
        super().__init__(
            f"deployments {', '.join(deployments)} did not end within {TIMEOUT_SECONDS} s. "
            f"They continue without this command. Look at CodeDeploy's application {application}."
        )


@dataclass(frozen=True)
class Move:
    """A move of one function's callers from version `current` to version `target`.

    Attributes:
        key: The function's name among the stack's outputs, such as `create_order`.
        function, alias, group: Physical names of the function, its alias and its deployment group.
        current, target: The version that callers use, and the newest published one.
        function_arn, code: The function's ARN, and the hash of the target's code.
    """

    key: str
    function: str
    alias: str
    group: str
    current: str
    target: str
    function_arn: str
    code: str

    @property
    def revision(self) -> dict[str, Any]:
        """The AppSpec: CodeDeploy's description of this move."""
        properties = {
            "Name": self.function,
            "Alias": self.alias,
            "CurrentVersion": self.current,
            "TargetVersion": self.target,
        }
        content = {
            "version": 0.0,
            "Resources": [{self.key: {"Type": "AWS::Lambda::Function", "Properties": properties}}],
        }
        return {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(content)}}


@dataclass(frozen=True)
class Ended:
    """End of one deployment. `message` has CodeDeploy's texts on the error and rollback; empty after a success."""

    key: str
    deployment: str
    status: str
    message: str


def plan(shifting: GradualDeploy, lambda_client: "LambdaClient", *, again: bool = False) -> list[Move]:
    """Wait until the newest versions can be called. Return a move for each function whose alias is behind.

    Raises:
        RefusedError: traffic is being shifted already; the newest version of a function does not become ready; or its
            code was rolled back and `again` is false.
    """
    moves = []
    for key, names in shifting.functions.items():
        where = live(lambda_client, names, shifting.application)
        newest = published_versions(lambda_client, names.function)[-1]
        wait_until_ready(lambda_client, names.function, newest)
        if newest == where.version:
            continue
        code = read_version(lambda_client, names.function, newest).code
        if not again and read_history(lambda_client, where.function_arn).has_rolled_back(code):
            raise RefusedError(
                f"version {newest} of {names.function} has code that was rolled back. Nothing was changed. Deploy "
                "a repair. If this code is good nevertheless: python -m ops deploy shift --again --yes"
            )
        moves.append(
            Move(
                key, names.function, names.alias, names.group, str(where.version), str(newest), where.function_arn, code
            )
        )
    return moves


@dataclass
class Deployer:
    """Starts deployments and waits for them.

    Attributes:
        client: A CodeDeploy client.
        application: The stack's application.
        say: Shows one line of progress to the user.
        ignore_alarms: If true, an alarm neither stops a deployment nor rolls it back.
    """

    client: Any
    application: str
    say: Callable[[str], None]
    ignore_alarms: bool = False

    pause: ClassVar[Callable[[float], None]] = time.sleep

    def run(self, moves: Sequence[Move]) -> list[Ended]:
        """Deploy all moves together and wait. Raises `DeploymentTimeoutError` if one does not end in time."""
        running: dict[str, Move] = {}
        try:
            for move in moves:
                running[self._start(move)] = move
        except (ClientError, BotoCoreError):
            # A part of a release must not be deployed alone.
            self._stop(running)
            raise
        return self._wait(running)

    def _start(self, move: Move) -> str:
        answer = self.client.create_deployment(
            applicationName=self.application,
            deploymentGroupName=move.group,
            revision=move.revision,
            description=f"{move.function}: version {move.current} to {move.target}",
            **({"overrideAlarmConfiguration": _ALARMS_IGNORED} if self.ignore_alarms else {}),
        )
        deployment = str(answer["deploymentId"])
        self.say(f"{move.key}: version {move.current} -> {move.target}, deployment {deployment}")
        return deployment

    def _wait(self, running: Mapping[str, Move]) -> list[Ended]:
        ended: dict[str, Ended] = {}
        deadline = time.monotonic() + TIMEOUT_SECONDS
        stopped = False
        while waiting := [each for each in running if each not in ended]:
            for deployment in waiting:
                if result := self._ended(deployment, running[deployment]):
                    ended[deployment] = result
                    self.say(f"{result.key}: {result.status} {result.message}".rstrip())
            left = [each for each in running if each not in ended]
            if left and not stopped and any(each.status != "Succeeded" for each in ended.values()):
                stopped = True
                self._stop(left)
            if left and time.monotonic() > deadline:
                raise DeploymentTimeoutError(left, self.application)
            if left:
                type(self).pause(POLL_SECONDS)
        self._wait_for_rollbacks([each for each in ended if ended[each].status != "Succeeded"], deadline)
        return list(ended.values())

    def _wait_for_rollbacks(self, failed: Sequence[str], deadline: float) -> None:
        while back := [each for each in failed if self._is_moving_back(each)]:
            if time.monotonic() > deadline:
                raise DeploymentTimeoutError(back, self.application)
            type(self).pause(POLL_SECONDS)

    def _ended(self, deployment: str, move: Move) -> Ended | None:
        info = self.client.get_deployment(deploymentId=deployment)["deploymentInfo"]
        if info["status"] not in _ENDED:
            return None
        reasons = (info.get("errorInformation", {}).get("message"), info.get("rollbackInfo", {}).get("rollbackMessage"))
        return Ended(move.key, deployment, info["status"], " ".join(reason for reason in reasons if reason))

    def _is_moving_back(self, deployment: str) -> bool:
        # CodeDeploy moves callers back in a second deployment. Until it ends, `deploy rollback` would be refused.
        info = self.client.get_deployment(deploymentId=deployment)["deploymentInfo"]
        second = info.get("rollbackInfo", {}).get("rollbackDeploymentId")
        return second is not None and (
            self.client.get_deployment(deploymentId=second)["deploymentInfo"]["status"] not in _ENDED
        )

    def _stop(self, deployments: Sequence[str] | Mapping[str, Move]) -> None:
        for deployment in deployments:
            self.say(f"stopping deployment {deployment}, because versions of one release belong together")
            try:
                self.client.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
            except ClientError as error:
                # The deployment may have ended meanwhile.
                self.say(f"deployment {deployment} was not stopped: {error}")
