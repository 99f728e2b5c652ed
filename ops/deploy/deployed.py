"""What is deployed of a stack: its outputs, its Region, and the published versions of its functions."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any, Final

_PULUMI_SECONDS: Final = 120
_LATEST: Final = "$LATEST"


class DeployedError(Exception):
    """What is wrong, and what to do about it."""


def stack_outputs(stack: str) -> Mapping[str, Any]:
    """What the stack exports. Raises `DeployedError` where the command is missing or refuses."""
    command = shutil.which("pulumi")
    if command is None:
        raise DeployedError("the command pulumi is not on the PATH. Install it, or run this where it is.")
    arguments = [command, "stack", "output", "--json", "--stack", stack]
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=_PULUMI_SECONDS, check=False)  # noqa: S603 - no shell, and the arguments are ours but for the stack's name
    except subprocess.TimeoutExpired:
        raise DeployedError(f"pulumi stack output did not answer within {_PULUMI_SECONDS} s.") from None
    if done.returncode != 0:
        raise DeployedError(f"pulumi stack output --stack {stack} failed: {done.stderr.strip()}")
    outputs: Mapping[str, Any] = json.loads(done.stdout)
    return outputs


def region_of(outputs: Mapping[str, Any]) -> str:
    """Where the stack is: its queue's address says so."""
    return str(outputs["orders_queue_url"]).split(".")[1]


def published_versions(lambda_client: Any, function: str) -> list[int]:
    """The function's published versions, the oldest first. Raises `DeployedError` where none was ever published."""
    pages = lambda_client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    found = sorted(int(each["Version"]) for page in pages for each in page["Versions"] if each["Version"] != _LATEST)
    if not found:
        raise DeployedError(f"{function} has no published version. Run pulumi up first.")
    return found
