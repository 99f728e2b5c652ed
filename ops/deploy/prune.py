"""Deletes old versions of functions. Keeps the newest, and those that an alias, a traffic shift or a rollback needs.

Every `pulumi up` with new code publishes a version of each function, and Pulumi deletes none. The code of all versions
counts against the account's 75 GB per Region, and with SnapStart each version costs money.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from ops.deploy.history import read_history
from ops.deploy.versions import published_versions, read_version

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

KEEP: Final = 5


@dataclass(frozen=True)
class Pruned:
    """Versions of one function.

    Attributes:
        old, kept: The versions to delete, and those to keep.
        states: Lambda's state of versions that cannot be called immediately: `Pending`, `Inactive` or `Failed`.
        failed: Versions that could not be deleted, each with the reason.
    """

    function: str
    old: tuple[int, ...]
    kept: tuple[int, ...]
    states: Mapping[int, str] = field(default_factory=dict)
    failed: Mapping[int, str] = field(default_factory=dict)


def plan(lambda_client: "LambdaClient", function: str, keep: int) -> Pruned:
    """Choose the versions to delete and to keep. Raises `NoStackError` for a function without a version."""
    versions = published_versions(lambda_client, function)
    states = {each: read_version(lambda_client, function, each).state for each in versions}
    # A version that failed to start can never be called, and prevents the same code from being published again.
    usable = [each for each in versions if states[each] != "Failed"]
    used = _used(lambda_client, function)
    # The next shift moves callers to one of the versions that are newer than those in use.
    coming = {each for each in usable if used and each > max(used)}
    kept = {*usable[-keep:], *used, *coming, *_remembered(lambda_client, function)} & set(versions)
    return Pruned(
        function,
        old=tuple(each for each in versions if each not in kept),
        kept=tuple(sorted(kept)),
        states={each: state for each, state in states.items() if state != "Active"},
    )


def _used(lambda_client: "LambdaClient", function: str) -> set[int]:
    """Return the versions that an alias points to, including those that get only a share of its calls."""
    pages = lambda_client.get_paginator("list_aliases").paginate(FunctionName=function)
    aliases = [alias for page in pages for alias in page["Aliases"]]
    weights = [each.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}) for each in aliases]
    names = {each["FunctionVersion"] for each in aliases}.union(*weights)
    return {int(each) for each in names if each.isdigit()}


def _remembered(lambda_client: "LambdaClient", function: str) -> set[int]:
    """Return the versions in the function's history.

    A rollback may need these versions: as its target, or to check the schema of the messages that they send.
    """
    arn = lambda_client.get_function_configuration(FunctionName=function)["FunctionArn"]
    history = read_history(lambda_client, arn)
    return {each.version for each in (*history.live_before, *history.rolled_back)}


def prune(lambda_client: "LambdaClient", planned: Pruned) -> Pruned:
    """Delete the old versions. If AWS refuses one, `failed` has the reason, and the others are still deleted."""
    failed = {}
    for version in planned.old:
        try:
            lambda_client.delete_function(FunctionName=planned.function, Qualifier=str(version))
        except ClientError as error:
            failed[version] = str(error)
    return Pruned(planned.function, planned.old, planned.kept, planned.states, failed)
