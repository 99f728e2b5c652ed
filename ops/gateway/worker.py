"""The worker's function and its event source mapping."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from ops.errors import NoStackError, OpsError
from ops.logic.decision import Decision
from ops.logic.durations import WrongValueError, show_duration
from runtime.logic.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_WAIT_SECONDS: Final = 120
_POLL_SECONDS: Final = 1
ENABLED: Final = "Enabled"
DISABLED: Final = "Disabled"
_BY, _AT, _REASON = "ops:paused-by", "ops:paused-at", "ops:paused-reason"
_MOST_TAG: Final = 256


@dataclass(frozen=True, slots=True)
class Pause:
    """Record of a pause: by whom, when (epoch seconds; `None` if unreadable), and why."""

    by: str
    at: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Mapping:
    """State of the worker's event source mapping.

    Attributes:
        state: Lambda's state: Enabled, Disabled, or a change such as Enabling.
        since: When the mapping was changed last, in epoch seconds.
    """

    uuid: str
    arn: str
    state: str
    since: float


class Worker:
    """Pauses and resumes the worker, and reads its settings."""

    def __init__(self, client: "LambdaClient", function: str, queue_arn: str, clock: Clock) -> None:
        self._client = client
        self._function = function
        self._queue_arn = queue_arn
        self._clock = clock

    def mapping(self) -> Mapping:
        """The mapping from the orders queue to the worker.

        Raises:
            NoStackError: there is no mapping, or more than one.
        """
        pages = self._client.get_paginator("list_event_source_mappings").paginate(EventSourceArn=self._queue_arn)
        found = [one for page in pages for one in page["EventSourceMappings"]]
        ours = [one for one in found if f":function:{self._function}" in one["FunctionArn"]]
        if len(ours) != 1:
            raise NoStackError(
                f"{len(ours)} event source mappings lead from {self._queue_arn} to {self._function}; "
                "there must be one. Nothing was changed. `pulumi up --refresh` restores a missing mapping."
            )
        (one,) = ours
        arn = one.get("EventSourceMappingArn") or _arn(one)
        return Mapping(one["UUID"], arn, one["State"], one["LastModified"].timestamp())

    def recorded_pause(self, mapping: Mapping) -> Pause | None:
        """Return the record that `pause` wrote; `None` without a record, e.g. if the console disabled the mapping."""
        found = self._client.list_tags(Resource=mapping.arn)["Tags"]
        tags = {name: unquote(value.replace("=", "%")) for name, value in found.items()}
        if _BY not in tags:
            return None
        at = tags.get(_AT, "")
        return Pause(tags[_BY], int(at) if re.fullmatch(r"[0-9]{1,11}", at) else None, tags.get(_REASON, ""))

    def pause(self, mapping: Mapping, decision: Decision, *, waiting: Callable[[str], None]) -> Mapping:
        """Record who pauses and why, then disable the mapping and wait until it is disabled.

        Raises:
            WrongValueError: the name or the reason is too long for a tag.
            OpsError: the mapping is not disabled in time; Lambda continues to disable it.
        """
        record = {_BY: decision.by, _AT: str(int(self._clock.time())), _REASON: decision.reason}
        # Tags allow `=`, but not `%` and many other characters. So texts are percent-encoded with `=` instead of `%`.
        tags = {name: quote(text, safe=" _.:/+-@").replace("%", "=") for name, text in record.items()}
        if any(len(value) > _MOST_TAG for value in tags.values()):
            raise WrongValueError(
                f"--by and --reason are kept as tags of at most {_MOST_TAG} characters; a special character counts "
                "as three or more. Give shorter texts."
            )
        self._client.tag_resource(Resource=mapping.arn, Tags=tags)
        return self._switch(mapping, enabled=False, waiting=waiting)

    def resume(self, mapping: Mapping, *, waiting: Callable[[str], None]) -> Mapping:
        """Enable the mapping, wait until it is enabled, and remove the record of the pause.

        Raises:
            OpsError: the mapping is not enabled in time; Lambda continues to enable it.
        """
        resumed = self._switch(mapping, enabled=True, waiting=waiting)
        self._client.untag_resource(Resource=mapping.arn, TagKeys=[_BY, _AT, _REASON])
        return resumed

    def _switch(self, mapping: Mapping, *, enabled: bool, waiting: Callable[[str], None]) -> Mapping:
        uuid = mapping.uuid
        wanted = ENABLED if enabled else DISABLED
        self._client.update_event_source_mapping(UUID=uuid, Enabled=enabled)
        deadline = self._clock.monotonic() + _WAIT_SECONDS
        while True:
            state = self._client.get_event_source_mapping(UUID=uuid)["State"]
            if state == wanted:
                return replace(mapping, state=state)
            if self._clock.monotonic() > deadline:
                raise OpsError(
                    f"The worker is still {state} after {_WAIT_SECONDS} s. Lambda continues the change. "
                    "See: python -m ops status"
                )
            waiting(state)
            self._clock.sleep(_POLL_SECONDS)

    def event_source(self) -> str:
        """CloudEvents' `source` of the events that the worker's live version publishes.

        Raises:
            NoStackError: the function has no such setting.
        """
        return self._setting("EVENT_SOURCE")

    def record_life(self) -> int:
        """Retention of the worker's idempotency records in seconds.

        During this time, a completed record shows that the order's event was published.
        """
        return int(self._setting("IDEMPOTENCY_TTL_SECONDS"))

    def _setting(self, name: str) -> str:
        configuration = self._client.get_function_configuration(FunctionName=self._function, Qualifier="live")
        value = configuration.get("Environment", {}).get("Variables", {}).get(name)
        if not value:
            raise NoStackError(f"The function {self._function} has no {name}: it is not an orders worker.")
        return value

    def quota(self) -> int:
        """Return how many executions may run at once in the account and Region."""
        return self._client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]

    def version(self, function: str) -> tuple[str, str]:
        """The version that callers of a function use, and when it was created (ISO 8601)."""
        configuration = self._client.get_function_configuration(FunctionName=function, Qualifier="live")
        return configuration["Version"], configuration["LastModified"]


def _arn(mapping: Any) -> str:
    # The ARN is a newer part of Lambda's answers, so an emulator may leave it out.
    start = ":".join(mapping["FunctionArn"].split(":")[:5])
    return f"{start}:event-source-mapping:{mapping['UUID']}"


def describe_pause(mapping: Mapping, pause: Pause | None, now: float) -> str:
    """Return who paused the worker, since when and why, as far as it is recorded."""
    if pause is None:
        ago = show_duration(now - mapping.since)
        return f"disabled {ago} ago by something that left no record, such as the console"
    ago = show_duration(now - (mapping.since if pause.at is None else pause.at))
    return f"paused {ago} ago by {pause.by}: {pause.reason}"
