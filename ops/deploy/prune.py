"""Deletes old versions of a stack's functions, which no alias leads to.

Every `pulumi up` with new code publishes a version of each function, and nothing deletes it: the code of all versions
counts against the 75 GB of an account's Region, and with snapshots each version costs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from ops.deploy.versions import published_versions

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

KEEP: Final = 5


@dataclass(frozen=True)
class Pruned:
    """One function: the versions that go, those that stay, and those that could not be deleted, with the reason."""

    function: str
    old: tuple[int, ...]
    kept: tuple[int, ...]
    failed: Mapping[int, str] = field(default_factory=dict)


def plan(lambda_client: "LambdaClient", function: str, keep: int) -> Pruned:
    """What goes and what stays. Raises `NoStackError` for a function without a version."""
    versions = published_versions(lambda_client, function)
    used = _used(lambda_client, function)
    newest = set(versions[-keep:])
    # Newer than what callers use: published, and about to be shifted to.
    coming = {each for each in versions if used and each > max(used)}
    kept = newest | used | coming
    return Pruned(function, tuple(each for each in versions if each not in kept), tuple(sorted(kept & set(versions))))


def _used(lambda_client: "LambdaClient", function: str) -> set[int]:
    """Versions that an alias leads to, by weight too."""
    pages = lambda_client.get_paginator("list_aliases").paginate(FunctionName=function)
    aliases = [alias for page in pages for alias in page["Aliases"]]
    weights = [each.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}) for each in aliases]
    names = {each["FunctionVersion"] for each in aliases}.union(*weights)
    return {int(each) for each in names if each.isdigit()}


def prune(lambda_client: "LambdaClient", planned: Pruned) -> Pruned:
    """Delete what is old. What AWS refuses is told and does not stop the rest."""
    failed = {}
    for version in planned.old:
        try:
            lambda_client.delete_function(FunctionName=planned.function, Qualifier=str(version))
        except ClientError as error:
            failed[version] = str(error)
    return Pruned(planned.function, planned.old, planned.kept, failed)
