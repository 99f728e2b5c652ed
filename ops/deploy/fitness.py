"""Checks that older function versions still fit the waiting messages and the resources of the stack.

Each version's environment variable `ORDER_SCHEMA_VERSIONS` names the schema versions of orders that the version's code
supports. With `1-2`, the code reads both versions and writes 2. The Pulumi program sets the variable from constants of
the code.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from ops.deploy.rollback import Function, Step
from ops.deploy.shift import TIMEOUT_SECONDS
from ops.deploy.versions import Version, read_version
from ops.errors import RefusedError
from ops.target import WORKER

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

SCHEMA_VARIABLE: Final = "ORDER_SCHEMA_VERSIONS"
WRITER: Final = "create_order"
NAMES_A_RESOURCE: Final = re.compile(r".*_(TABLE|QUEUE_URL|TOPIC_ARN|BUS_NAME)")


@dataclass(frozen=True)
class Schemas:
    """Schema versions that code supports: it reads `oldest` to `newest` and writes `newest`."""

    oldest: int
    newest: int

    @classmethod
    def of(cls, version: Version) -> "Schemas":
        """Read the schema versions that a function's version supports: only version 1 if the variable is not set."""
        text = version.environment.get(SCHEMA_VARIABLE, "1-1")
        match = re.fullmatch(r"([0-9]+)-([0-9]+)", text)
        if match is None:
            raise RefusedError(
                f"version {version.number} has {SCHEMA_VARIABLE}={text}; allowed: two numbers, such as 1-2."
            )
        return cls(int(match[1]), int(match[2]))

    def read(self, written: int) -> bool:
        """Return whether the code can read a message of this schema version."""
        return self.oldest <= written <= self.newest


def refuse_unknown_resources(steps: Sequence[Step], names: frozenset[str]) -> None:
    """Raise `RefusedError` if a version names a table, queue, topic or bus that is not one of the stack's."""
    for step in steps:
        for variable, value in sorted(step.target.environment.items()):
            if NAMES_A_RESOURCE.fullmatch(variable) and value not in names:
                raise RefusedError(
                    f"version {step.target.number} of {step.function.names.function} uses {value} ({variable}), which "
                    "the stack no longer has. Nothing was changed. Deploy the older release with `pulumi up` instead: "
                    "this publishes a new version of the function, which uses the present resources."
                )


def refuse_unreadable_messages(
    lambda_client: "LambdaClient", functions: Sequence[Function], steps: Sequence[Step], since: datetime
) -> None:
    """Raise `RefusedError` if the worker could receive messages that it cannot read.

    Messages that were sent before `since` are no longer in the queue.
    """
    after = {each.key: each.current for each in functions} | {each.function.key: each.target for each in steps}
    worker = Schemas.of(after[WORKER])
    written = {Schemas.of(after[WRITER]).newest: f"create_order version {after[WRITER].number} writes them"}
    if any(each.function.key == WORKER for each in steps):
        (api,) = (each for each in functions if each.key == WRITER)
        written |= _in_the_queue(lambda_client, api, since)
    for schema, why in sorted(written.items()):
        if not worker.read(schema):
            raise RefusedError(
                f"version {after[WORKER].number} of the worker reads schema versions {worker.oldest} to "
                f"{worker.newest}, but messages of schema version {schema} may be in the queue: {why}. "
                f"Nothing was changed. {_advice(steps)}"
            )


def _in_the_queue(lambda_client: "LambdaClient", api: Function, since: datetime) -> Mapping[int, str]:
    """Return the schema versions of messages that may wait in the queue, each with the reason."""
    # A shift is recorded when it begins. Callers may have used the old version for up to `TIMEOUT_SECONDS` more.
    since -= timedelta(seconds=TIMEOUT_SECONDS)
    left = {each.version: each.at for each in (*api.history.live_before, *api.history.rolled_back) if each.at > since}
    found = {}
    for number, at in sorted(left.items()):
        try:
            version = read_version(lambda_client, api.names.function, number)
        except ClientError as error:
            raise RefusedError(
                f"callers used version {number} of {api.names.function} until traffic moved at {at:%Y-%m-%d %H:%M} "
                f"UTC, but its {SCHEMA_VARIABLE} cannot be read: {error}"
            ) from error
        found[Schemas.of(version).newest] = (
            f"create_order version {number} wrote them until the move at {at:%Y-%m-%d %H:%M} UTC"
        )
    return found | {Schemas.of(api.current).newest: f"create_order version {api.current.number} writes them"}


def _advice(steps: Sequence[Step]) -> str:
    api = [f"--to {each.function.key}={each.target.number}" for each in steps if each.function.key != WORKER]
    if not api:
        return "Deploy a repaired worker instead."
    return (
        "If the running worker reads such messages, roll back only the API's functions (python -m ops "
        f"deploy rollback {' '.join(api)}); otherwise deploy a repaired release."
    )
