"""Rolls functions back to earlier versions. All callers move at once, not in gradual steps.

The API's functions are rolled back first, then the worker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from ops.deploy.history import History, PastVersion, note_rollback, read_history
from ops.deploy.versions import Live, Version, live, read_version, wake
from ops.errors import RefusedError
from ops.target import WORKER, GradualDeploy, ShiftedFunction

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_GONE: Final = "ResourceNotFoundException"


@dataclass(frozen=True)
class Function:
    """One function: the version that callers use, and the history. `key` names the function in the stack's outputs."""

    key: str
    names: ShiftedFunction
    live: Live
    current: Version
    history: History


@dataclass(frozen=True)
class Step:
    """A function, and the version `target` to which its callers go back."""

    function: Function
    target: Version

    @property
    def changed_variables(self) -> tuple[str, ...]:
        """Names of the environment variables that differ between the two versions."""
        now, then = self.function.current.environment, self.target.environment
        return tuple(sorted(name for name in {*now, *then} if now.get(name) != then.get(name)))


def read_functions(lambda_client: "LambdaClient", shifting: GradualDeploy) -> list[Function]:
    """Read the present state of all functions. Raises `RefusedError` during a shift of traffic."""
    found = []
    for key, names in shifting.functions.items():
        where = live(lambda_client, names, shifting.application)
        current = read_version(lambda_client, names.function, where.version)
        found.append(Function(key, names, where, current, read_history(lambda_client, where.function_arn)))
    return found


def plan(lambda_client: "LambdaClient", functions: Sequence[Function], to: Mapping[str, int]) -> list[Step]:
    """Plan a rollback. `to` has the wanted versions; if it is empty, use those before the latest shift.

    Raises:
        RefusedError: no earlier version is known, a version cannot be called, or callers already use these versions.
    """
    chosen = to or _before(functions)
    steps = [
        Step(each, _callable(lambda_client, each, chosen[each.key]))
        for each in functions
        if each.key in chosen and chosen[each.key] != each.live.version
    ]
    if not steps:
        raise RefusedError("Callers already use these versions. Nothing was changed.")
    return sorted(steps, key=lambda step: step.function.key == WORKER)


def _before(functions: Sequence[Function]) -> Mapping[str, int]:
    known = {each.key: left for each in functions if (left := each.history.before(each.live.version))}
    if not known:
        raise RefusedError(
            "There is no version to go back to: no earlier version is recorded, or all recorded ones were rolled back. "
            "List the versions: aws lambda list-versions-by-function --function-name NAME. "
            "Then name the wanted ones, for example: --to create_order=4 --to get_order=4"
        )
    # All entries of one shift have the same time. Functions that the latest shift did not change keep their version.
    latest = max(left.at for left in known.values())
    return {key: left.version for key, left in known.items() if left.at == latest}


def _callable(lambda_client: "LambdaClient", function: Function, number: int) -> Version:
    name = function.names.function
    try:
        found = read_version(lambda_client, name, number)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != _GONE:
            raise
        raise RefusedError(
            f"{name} has no version {number} (any more). Choose another with --to {function.key}=VERSION; to list "
            f"them: aws lambda list-versions-by-function --function-name {name}"
        ) from None
    if found.state not in ("Active", "Inactive"):
        reason = found.reason.rstrip(".") or "Lambda gives no reason"
        raise RefusedError(f"version {number} of {name} is {found.state} ({reason}). Choose another with --to.")
    return found


def carry_out(lambda_client: "LambdaClient", steps: Sequence[Step], now: datetime) -> None:
    """Send callers back. If the run is killed before the last alias has moved, the same command completes the rollback.

    Raises `ClientError` if somebody moves an alias meanwhile.
    """
    # All versions are made ready first, because that is slow. Then all aliases change within a short time.
    for step in steps:
        wake(lambda_client, step.function.names.function, step.target)
    for step in steps:
        function, current = step.function, step.function.current
        # Record the rollback before the change. So it is recorded even if this run is killed in between, and
        # a later deployment sees it.
        note_rollback(lambda_client, function.live.function_arn, PastVersion(current.number, now, current.code))
        lambda_client.update_alias(
            FunctionName=function.names.function,
            Name=function.names.alias,
            FunctionVersion=str(step.target.number),
            RoutingConfig={"AdditionalVersionWeights": {}},
            RevisionId=function.live.revision,
        )
