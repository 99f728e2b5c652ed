"""Reads the published versions of a function, and the version that callers use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError, WaiterError

from ops.errors import NoStackError, RefusedError
from ops.target import ShiftedFunction

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_LATEST: Final = "$LATEST"
_NO_SNAPSHOT: Final = frozenset({"SnapStartNotReadyException", "ResourceConflictException"})


@dataclass(frozen=True)
class Version:
    """A published version. `state` is Lambda's: `Pending`, `Active`, `Inactive` or `Failed`. `reason` explains it."""

    number: int
    state: str
    reason: str
    code: str
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Live:
    """Target of an alias: the version, the function's ARN, and the alias's revision for conditional updates."""

    version: int
    function_arn: str
    revision: str


def published_versions(lambda_client: "LambdaClient", function: str) -> list[int]:
    """List the function's published versions, the oldest first. Raises `NoStackError` if there are none."""
    pages = lambda_client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    found = sorted(int(each["Version"]) for page in pages for each in page["Versions"] if each["Version"] != _LATEST)
    if not found:
        raise NoStackError(f"{function} has no published version. Run pulumi up first.")
    return found


def read_version(lambda_client: "LambdaClient", function: str, number: int) -> Version:
    """Read one version. Raises `ClientError` if it was deleted."""
    read = lambda_client.get_function_configuration(FunctionName=function, Qualifier=str(number))
    return Version(
        number,
        # ListVersionsByFunction does not return the state; this call does.
        state=read.get("State", "Active"),
        reason=read.get("StateReason", ""),
        code=read["CodeSha256"],
        environment=read.get("Environment", {}).get("Variables", {}),
    )


def live(lambda_client: "LambdaClient", names: ShiftedFunction, application: str) -> Live:
    """Read the version that callers use. Raises `RefusedError` while traffic is split between two versions."""
    alias = lambda_client.get_alias(FunctionName=names.function, Name=names.alias)
    if alias.get("RoutingConfig", {}).get("AdditionalVersionWeights"):
        raise RefusedError(
            f"{names.function}: traffic is being shifted right now. Wait until that deployment has ended, or "
            f"stop it in CodeDeploy's application {application} to send callers back. Then run this command again."
        )
    return Live(int(alias["FunctionVersion"]), alias["AliasArn"].rpartition(":")[0], alias["RevisionId"])


def wait_until_ready(lambda_client: "LambdaClient", function: str, number: int) -> None:
    """Wait until a version can be called (minutes, if Lambda makes a snapshot).

    Raises `RefusedError` if the version has failed, or if boto3's waiter ends before the version is ready.
    """
    try:
        lambda_client.get_waiter("published_version_active").wait(FunctionName=function, Qualifier=str(number))
    except WaiterError as error:
        reason = read_version(lambda_client, function, number).reason or str(error)
        raise RefusedError(
            f"version {number} of {function} does not become ready ({reason.rstrip('.')}). "
            'What to do: docs/delivery.md, "A version that fails to start".'
        ) from error


def wake(lambda_client: "LambdaClient", function: str, version: Version) -> None:
    """Wait until a version can be called. Start it again if Lambda deactivated it after a long time without calls."""
    if version.state == "Inactive":
        try:
            # Lambda refuses this call, but starts the version. If Lambda ran the function, no order would
            # change, because the event has no message for the worker and no request for the API.
            lambda_client.invoke(FunctionName=function, Qualifier=str(version.number), Payload=b'{"Records": []}')
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _NO_SNAPSHOT:
                raise
    wait_until_ready(lambda_client, function, version.number)
