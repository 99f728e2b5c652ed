"""Deletes old versions of a stack's functions, which no alias leads to.

Every `pulumi up` with new code publishes a version of each function, and nothing deletes it: the code of all versions
counts against the 75 GB of an account's Region, and with snapshots each version costs. Kept are the newest N (5 unless
told), whatever an alias leads to or shifts to, and everything newer than that. Exit codes: 0 done or nothing to do, 1
some could not be deleted, 2 used wrongly, or the stack or AWS could not be asked.

example:
  python -m ops.deploy.prune --stack prod --dry-run
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ops.deploy.deployed import DeployedError, published_versions, region_of, stack_outputs

KEEP: Final = 5
_FUNCTIONS: Final = ("create_order_function", "get_order_function", "process_order_function")


@dataclass(frozen=True)
class Pruned:
    """One function: the versions that go, those that stay, and those that could not be deleted, with the reason."""

    function: str
    old: tuple[int, ...]
    kept: tuple[int, ...]
    failed: Mapping[int, str] = field(default_factory=dict)


def plan(lambda_client: Any, function: str, keep: int) -> Pruned:
    """What goes and what stays. Raises `DeployedError` for a function without a version."""
    versions = published_versions(lambda_client, function)
    used = _used(lambda_client, function)
    newest = set(versions[-keep:])
    # Newer than what callers use: published, and about to be shifted to.
    coming = {each for each in versions if used and each > max(used)}
    kept = newest | used | coming
    return Pruned(function, tuple(each for each in versions if each not in kept), tuple(sorted(kept & set(versions))))


def _used(lambda_client: Any, function: str) -> set[int]:
    """Versions that an alias leads to, by weight too."""
    pages = lambda_client.get_paginator("list_aliases").paginate(FunctionName=function)
    aliases = [alias for page in pages for alias in page["Aliases"]]
    weights = [(each.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {} for each in aliases]
    names = {each["FunctionVersion"] for each in aliases}.union(*weights)
    return {int(each) for each in names if each.isdigit()}


def prune(lambda_client: Any, planned: Pruned) -> Pruned:
    """Delete what is old. What AWS refuses is told and does not stop the rest."""
    failed = {}
    for version in planned.old:
        try:
            lambda_client.delete_function(FunctionName=planned.function, Qualifier=str(version))
        except ClientError as error:
            failed[version] = str(error)
    return Pruned(planned.function, planned.old, planned.kept, failed)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m ops.deploy.prune",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stack", required=True, help="name of the stack, such as prod")
    parser.add_argument("--keep", type=_count, default=KEEP, metavar="N", help=f"newest versions to keep ({KEEP})")
    parser.add_argument("--dry-run", action="store_true", help="say what would be deleted and delete nothing")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    options = parser.parse_args(arguments)
    try:
        outputs = stack_outputs(options.stack)
        client = boto3.session.Session(region_name=region_of(outputs)).client("lambda")
        # Everything is looked at before anything is deleted.
        done = [plan(client, str(outputs[key]), options.keep) for key in _FUNCTIONS]
        if not options.dry_run:
            done = [prune(client, each) for each in done]
    except (DeployedError, ClientError, BotoCoreError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    lines = "".join(_line(each, options.dry_run) for each in done)
    sys.stdout.write(_document(done, options.dry_run) if options.json else lines)
    return 1 if any(each.failed for each in done) else 0


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"given {text}; allowed: a whole number from 1")
    return int(text)


def _document(done: Sequence[Pruned], dry_run: bool) -> str:
    return f"{json.dumps({'dry_run': dry_run, 'functions': [asdict(each) for each in done]}, indent=2)}\n"


def _line(each: Pruned, dry_run: bool) -> str:
    gone = ", ".join(str(version) for version in each.old if version not in each.failed) or "none"
    kept = ", ".join(map(str, each.kept))
    if dry_run:
        lines = [f"{each.function}: would delete {gone}; would keep {kept}"]
    else:
        lines = [f"{each.function}: deleted {gone}; kept {kept}"]
    lines += [f"  version {version} was not deleted: {why}" for version, why in each.failed.items()]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
