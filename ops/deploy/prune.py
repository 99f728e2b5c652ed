"""Deletes old versions of a stack's functions, which no alias leads to and nobody goes back to.

Every `pulumi up` with new code publishes a version of each function, and nothing deletes it: the code of all versions
counts against the 75 GB of an account's Region, and with snapshots each version costs.
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
    """One function.

    Attributes:
        old, kept: The versions that go, and those that stay.
        states: Lambda's state of those that cannot be called at once: `Pending`, `Inactive` or `Failed`.
        failed: What could not be deleted, with the reason.
    """

    function: str
    old: tuple[int, ...]
    kept: tuple[int, ...]
    states: Mapping[int, str] = field(default_factory=dict)
    failed: Mapping[int, str] = field(default_factory=dict)


def plan(lambda_client: "LambdaClient", function: str, keep: int) -> Pruned:
    """Return what goes and what stays. Raises `NoStackError` for a function without a version."""
    versions = published_versions(lambda_client, function)
    states = {each: read_version(lambda_client, function, each).state for each in versions}
    # One whose start failed can never be called, and stands in the way of publishing the same code again.
    usable = [each for each in versions if states[each] != "Failed"]
    used = _used(lambda_client, function)
    # Newer than what callers use: published, and about to be shifted to.
    coming = {each for each in usable if used and each > max(used)}
    kept = {*usable[-keep:], *used, *coming, *_remembered(lambda_client, function)} & set(versions)
    return Pruned(
        function,
        old=tuple(each for each in versions if each not in kept),
        kept=tuple(sorted(kept)),
        states={each: state for each, state in states.items() if state != "Active"},
    )


def _used(lambda_client: "LambdaClient", function: str) -> set[int]:
    """Versions that an alias leads to, by weight too."""
    pages = lambda_client.get_paginator("list_aliases").paginate(FunctionName=function)
    aliases = [alias for page in pages for alias in page["Aliases"]]
    weights = [each.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}) for each in aliases]
    names = {each["FunctionVersion"] for each in aliases}.union(*weights)
    return {int(each) for each in names if each.isdigit()}


def _remembered(lambda_client: "LambdaClient", function: str) -> set[int]:
    """Return what a rollback may go back to, or has to look at: which messages it wrote."""
    arn = lambda_client.get_function_configuration(FunctionName=function)["FunctionArn"]
    history = read_history(lambda_client, arn)
    return {each.version for each in (*history.live_before, *history.rolled_back)}


def prune(lambda_client: "LambdaClient", planned: Pruned) -> Pruned:
    """Delete what is old. What AWS refuses is told and does not stop the rest."""
    failed = {}
    for version in planned.old:
        try:
            lambda_client.delete_function(FunctionName=planned.function, Qualifier=str(version))
        except ClientError as error:
            failed[version] = str(error)
    return Pruned(planned.function, planned.old, planned.kept, planned.states, failed)
