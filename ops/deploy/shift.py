"""Moves callers to the newest versions of a stack's functions, step by step.

Run it after `pulumi up` on a stack with gradual_deploy: it starts a CodeDeploy deployment for each function whose alias
is behind, waits for all of them, and stops the others as soon as one is rolled back, because versions of one release
belong together. Elsewhere, or with nothing to move, it says so. With --ignore-alarms no alarm stops these deployments:
for repairing what an alarm is about, when it would refuse the repair (docs/delivery.md). Exit codes: 0 done or nothing
to do, 1 rolled back or not finished, 2 used wrongly, or the stack or AWS could not be asked.

example:
  python -m ops.deploy.shift --stack prod --dry-run
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from ops.deploy.deployed import DeployedError, published_versions, region_of, stack_outputs

POLL_SECONDS: Final = 15
TIMEOUT_SECONDS: Final = 2 * 3_600
_ENDED: Final = frozenset({"Succeeded", "Failed", "Stopped"})
_ALARMS_IGNORED: Final = {"enabled": False, "alarms": []}


class GradualDeployError(DeployedError):
    """What is wrong, and what to do about it."""


class DeploymentTimeoutError(GradualDeployError):
    """Deployments that have not ended in the time that they may take, and go on by themselves."""

    def __init__(self, deployments: Sequence[str], application: str) -> None:
        self.deployments = tuple(deployments)
        super().__init__(
            f"deployments {', '.join(deployments)} did not end within {TIMEOUT_SECONDS} s and go on by themselves. "
            f"Look at CodeDeploy's application {application}."
        )


@dataclass(frozen=True)
class Move:
    """One function whose callers are to be moved.

    Attributes:
        key: The function's name among the stack's outputs, such as `create_order`.
        function, alias, group: Physical names of the function, its alias and its deployment group.
        current, target: Versions: where callers are, and the newest that is published.
    """

    key: str
    function: str
    alias: str
    group: str
    current: str
    target: str

    @property
    def revision(self) -> dict[str, Any]:
        """The AppSpec that tells CodeDeploy what to move."""
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
    """How one deployment ended. `message` is CodeDeploy's; empty where all went well."""

    key: str
    deployment: str
    status: str
    message: str


def plan(outputs: Mapping[str, Any], lambda_client: Any) -> list[Move]:
    """The functions whose alias is behind. Raises `GradualDeployError` where a deployment is under way already."""
    moves = []
    for key, names in outputs.get("functions", {}).items():
        alias = lambda_client.get_alias(FunctionName=names["function"], Name=names["alias"])
        if alias.get("RoutingConfig", {}).get("AdditionalVersionWeights"):
            raise GradualDeployError(
                f"{names['function']}: traffic is being shifted right now. Wait for that deployment, or stop it in "
                f"CodeDeploy's application {outputs['application']}, then run this again."
            )
        newest = newest_version(lambda_client, names["function"])
        if newest != alias["FunctionVersion"]:
            moves.append(Move(key, names["function"], names["alias"], names["group"], alias["FunctionVersion"], newest))
    return moves


def newest_version(lambda_client: Any, function: str) -> str:
    """The highest published version, once it can be called: with snapshots that takes minutes after `pulumi up`.

    Raises `DeployedError` where none was published, `GradualDeployError` where the newest one does not get ready.
    """
    version = str(published_versions(lambda_client, function)[-1])
    try:
        lambda_client.get_waiter("published_version_active").wait(FunctionName=function, Qualifier=version)
    except WaiterError as error:
        raise GradualDeployError(f"version {version} of {function} does not get ready: {error}") from error
    return version


@dataclass
class Deployer:
    """Starts deployments and waits for them.

    Attributes:
        client: A CodeDeploy client.
        application: The stack's application.
        say: Gets a line for people.
        ignore_alarms: No alarm stops the deployments, nor sends callers back.
    """

    client: Any
    application: str
    say: Callable[[str], None]
    ignore_alarms: bool = False

    pause: ClassVar[Callable[[float], None]] = time.sleep

    def run(self, moves: Sequence[Move]) -> list[Ended]:
        """Deploy all of them together and wait. Raises `DeploymentTimeoutError` when one does not end in time."""
        running: dict[str, Move] = {}
        try:
            for move in moves:
                running[self._start(move)] = move
        except (ClientError, BotoCoreError):
            # Half a release must not go on alone.
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
        return list(ended.values())

    def _ended(self, deployment: str, move: Move) -> Ended | None:
        info = self.client.get_deployment(deploymentId=deployment)["deploymentInfo"]
        if info["status"] not in _ENDED:
            return None
        reasons = (info.get("errorInformation", {}).get("message"), info.get("rollbackInfo", {}).get("rollbackMessage"))
        return Ended(move.key, deployment, info["status"], " ".join(reason for reason in reasons if reason))

    def _stop(self, deployments: Sequence[str] | Mapping[str, Move]) -> None:
        for deployment in deployments:
            self.say(f"stopping deployment {deployment}: versions of one release belong together")
            try:
                self.client.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
            except ClientError as error:
                # It may have ended meanwhile; whether it did well is seen where it is waited for.
                self.say(f"deployment {deployment} was not stopped: {error}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m ops.deploy.shift",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stack", required=True, help="name of the stack, such as prod")
    parser.add_argument("--dry-run", action="store_true", help="say what would be moved and move nothing")
    parser.add_argument("--ignore-alarms", action="store_true", help="let no alarm stop or roll back this time")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output, progress on stderr")
    options = parser.parse_args(arguments)
    try:
        return deploy(options.stack, dry_run=options.dry_run, ignore_alarms=options.ignore_alarms, as_json=options.json)
    except DeploymentTimeoutError as error:
        _err(f"error: {error}")
        return 1
    except (DeployedError, ClientError, BotoCoreError) as error:
        _err(f"error: {error}")
        return 2


def deploy(stack: str, *, dry_run: bool, ignore_alarms: bool, as_json: bool) -> int:
    """Move what is behind; the exit code."""
    outputs = stack_outputs(stack)
    say = _err if as_json else _out
    shifting = outputs.get("gradual_deploy")
    if not shifting:
        return _report(as_json, stack, "off", [], [], f"{stack} does not shift traffic: pulumi up moved it at once.")
    session = boto3.session.Session(region_name=region_of(outputs))
    moves = plan(shifting, session.client("lambda"))
    if not moves:
        return _report(as_json, stack, "nothing-to-do", [], [], f"{stack}: callers are on the newest versions already.")
    if dry_run:
        lines = "\n".join(f"{each.key}: would move from version {each.current} to {each.target}" for each in moves)
        return _report(as_json, stack, "planned", moves, [], lines)
    if ignore_alarms:
        say("alarms are ignored: nothing but a failure of the deployment itself rolls it back. Watch it.")
    deployer = Deployer(session.client("codedeploy"), shifting["application"], say, ignore_alarms)
    ended = deployer.run(moves)
    if all(each.status == "Succeeded" for each in ended):
        return _report(as_json, stack, "moved", moves, ended, f"{stack}: callers are on the newest versions.")
    bad = ", ".join(each.key for each in ended if each.status != "Succeeded")
    _report(as_json, stack, "rolled-back", moves, ended, f"{stack}: rolled back or failed: {bad}")
    return 1


def _report(as_json: bool, stack: str, state: str, moves: Sequence[Move], ended: Sequence[Ended], text: str) -> int:
    if as_json:
        document = {
            "stack": stack,
            "state": state,
            "moves": [asdict(each) for each in moves],
            "deployments": [asdict(each) for each in ended],
        }
        _out(json.dumps(document, indent=2))
    else:
        _out(text)
    return 0


def _out(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _err(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
