"""Checks that older versions still fit the stack: the messages that wait, and the resources that there are.

Every version says in its environment which schema versions of the order its code knows (`ORDER_SCHEMA_VERSIONS`, such
as `1-2`: it reads both and writes the newest). The program sets it from the constants of the code that it deploys.
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
    """The schema versions that code knows: it reads `oldest` to `newest` and writes `newest`."""

    oldest: int
    newest: int

    @classmethod
    def of(cls, version: Version) -> "Schemas":
        """Return what a version says. Code that says nothing is from before it had to: it knows schema version 1
        alone.
        """
        said = version.environment.get(SCHEMA_VARIABLE, "1-1")
        match = re.fullmatch(r"([0-9]+)-([0-9]+)", said)
        if match is None:
            raise RefusedError(f"version {version.number} says {SCHEMA_VARIABLE}={said}; allowed: two numbers, as 1-2.")
        return cls(int(match[1]), int(match[2]))

    def read(self, written: int) -> bool:
        """Return whether a message of this schema version is understood."""
        return self.oldest <= written <= self.newest


def refuse_unknown_resources(steps: Sequence[Step], names: frozenset[str]) -> None:
    """Raise `RefusedError` where a version names a table, queue, topic or bus that is not one of the stack's."""
    for step in steps:
        for variable, value in sorted(step.target.environment.items()):
            if NAMES_A_RESOURCE.fullmatch(variable) and value not in names:
                raise RefusedError(
                    f"version {step.target.number} of {step.function.names.function} uses {value} ({variable}), which "
                    "the stack no longer has. Nothing was changed. Deploy the older release instead: it is told the "
                    "present names."
                )


def refuse_unreadable_messages(
    lambda_client: "LambdaClient", functions: Sequence[Function], steps: Sequence[Step], since: datetime
) -> None:
    """Raise `RefusedError` where the worker would meet messages that it cannot read.

    `since`: the earliest moment at which a message was sent that may wait in the queue.
    """
    after = {each.key: each.current for each in functions} | {each.function.key: each.target for each in steps}
    worker = Schemas.of(after[WORKER])
    written = {Schemas.of(after[WRITER]).newest: f"create_order version {after[WRITER].number} writes it"}
    if any(each.function.key == WORKER for each in steps):
        (api,) = (each for each in functions if each.key == WRITER)
        written |= _in_the_queue(lambda_client, api, since)
    for schema, why in sorted(written.items()):
        if not worker.read(schema):
            raise RefusedError(
                f"version {after[WORKER].number} of the worker reads schema versions {worker.oldest} to "
                f"{worker.newest}, and messages of {schema} may wait: {why}. Nothing was changed. "
                f"{_way_out(steps)}"
            )


def _in_the_queue(lambda_client: "LambdaClient", api: Function, since: datetime) -> Mapping[int, str]:
    """Schema versions of messages that may wait, each with the reason."""
    # A shift is recorded when it begins: callers may have left up to its longest duration later.
    since -= timedelta(seconds=TIMEOUT_SECONDS)
    left = {each.version: each.at for each in (*api.history.live_before, *api.history.rolled_back) if each.at > since}
    found = {}
    for number, at in sorted(left.items()):
        try:
            version = read_version(lambda_client, api.names.function, number)
        except ClientError as error:
            raise RefusedError(
                f"callers were on version {number} of {api.names.function} until {at:%Y-%m-%d %H:%M} UTC, and it "
                f"cannot be read which schema version it wrote: {error}"
            ) from error
        found[Schemas.of(version).newest] = f"create_order version {number} wrote it until {at:%Y-%m-%d %H:%M} UTC"
    return found | {Schemas.of(api.current).newest: f"create_order version {api.current.number} writes it"}


def _way_out(steps: Sequence[Step]) -> str:
    api = [f"--to {each.function.key}={each.target.number}" for each in steps if each.function.key != WORKER]
    if not api:
        return "Deploy a repaired worker instead."
    return (
        "The worker that runs reads both: send only the API's functions back (python -m ops deploy rollback "
        f"{' '.join(api)}), or deploy a repaired release."
    )
