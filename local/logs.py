"""The functions' log lines, from the emulator's CloudWatch Logs."""

import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from local.errors import LocalError
from local.instance import StateDir
from local.services.aws import Aws

_FUNCTION = "aws:lambda/function:Function"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_POLL_SECONDS = 1.0
_PAGE = 10_000  # the most that FilterLogEvents returns


@dataclass(frozen=True)
class LogLine:
    """One line of one function."""

    time: datetime
    function: str
    message: str


@dataclass(frozen=True)
class LogGroup:
    """A function's name and the group that it logs to."""

    function: str
    group: str


def log_groups(state: StateDir, function: str | None) -> list[LogGroup]:
    """Return the log groups: of all functions, or only of `function` (its physical or logical name).

    A logical name may be given without its suffix `-function`. Raises `LocalError` if there is no such function.
    """
    resources = [each for each in json.loads(state.resources.read_text()) if each["type"] == _FUNCTION]
    groups = {
        each["name"]: LogGroup(
            each["state"]["name"],
            (each["state"].get("loggingConfig") or {}).get("logGroup") or f"/aws/lambda/{each['state']['name']}",
        )
        for each in resources
    }
    if function is None:
        return list(groups.values())
    chosen = [
        group for name, group in groups.items() if function in {name, name.removesuffix("-function"), group.function}
    ]
    if not chosen:
        names = ", ".join(sorted(group.function for group in groups.values()))
        raise LocalError(f"There is no function {function!r}. Give one of: {names}.")
    return chosen


def parse_since(text: str, now: datetime | None = None) -> datetime:
    """Return the time for `text`: an ISO 8601 time, or a duration before now (`90s`, `15m`, `2h`, `1d`).

    Raises `ValueError`.
    """
    relative = re.fullmatch(r"(\d+)([smhd])", text)
    try:
        if relative:
            return (now or datetime.now(UTC)) - timedelta(**{_UNITS[relative[2]]: int(relative[1])})
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.astimezone()
    except OverflowError as error:
        raise ValueError(f"{text} is too long ago") from error


def read_lines(aws: Aws, groups: Sequence[LogGroup], since: datetime) -> list[LogLine]:
    """Return all lines from `since` on, oldest first.

    The emulator gives all lines of an invocation the same time, so these lines stay together.
    """
    lines = [line for group in groups for line in _Reader(aws, group, since).new_lines()]
    return sorted(lines, key=lambda line: line.time)


def follow_lines(aws: Aws, groups: Sequence[LogGroup], since: datetime) -> Iterator[LogLine]:
    """Yield the lines from `since` on, then every new line, until the caller stops."""
    readers = [_Reader(aws, group, since) for group in groups]
    while True:
        yield from sorted((line for reader in readers for line in reader.new_lines()), key=lambda line: line.time)
        time.sleep(_POLL_SECONDS)


class _Reader:
    """Reads one log group. Each call of `new_lines` returns only lines that no earlier call returned.

    The emulator's log events have no ids, and its answers to FilterLogEvents have no page tokens.
    So the next page has to begin at the time T of the last returned line, and it contains the lines
    with the time T again. For each stream, the reader counts the returned lines with the time T. On
    the next page it skips the same number of lines.
    """

    def __init__(self, aws: Aws, group: LogGroup, since: datetime) -> None:
        self._logs = aws.logs
        self._group = group
        self._from = max(int(since.timestamp() * 1000), 0)  # botocore refuses times before 1970
        self._returned: Counter[str] = Counter()
        """For each stream, how many of its lines with the time `_from` were returned."""

    def new_lines(self) -> list[LogLine]:
        """Return the lines that are new since the last call."""
        lines: list[LogLine] = []
        while True:
            events = self._page()
            if len(events) < _PAGE:
                return lines + self._unread(events)
            time_of_page = events[0]["timestamp"]
            if events[-1]["timestamp"] > time_of_page:
                lines += self._unread(events)
                continue
            # All lines of this page have the same time. A page that begins at this time would contain the same lines.
            lines += self._unread(self._all_at(time_of_page))
            self._from, self._returned = time_of_page + 1, Counter()

    def _page(self) -> list[Any]:
        try:
            answer = self._logs.filter_log_events(logGroupName=self._group.group, startTime=self._from, limit=_PAGE)
        except ClientError as error:
            # The group possibly does not exist before its first line.
            if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                return []
            raise
        return list(answer["events"])

    def _all_at(self, moment: int) -> Iterator[dict[str, Any]]:
        """Yield all events of one millisecond. Each stream that may contain such events is read with its own calls."""
        group = self._group.group
        for page in self._logs.get_paginator("describe_log_streams").paginate(logGroupName=group):
            for stream in page["logStreams"]:
                if stream.get("firstEventTimestamp", moment + 1) <= moment <= stream["lastEventTimestamp"]:
                    yield from self._all_of(stream["logStreamName"], moment)

    def _all_of(self, stream: str, moment: int) -> Iterator[dict[str, Any]]:
        span: Any = {"startTime": moment, "endTime": moment + 1, "startFromHead": True}
        while True:
            answer = self._logs.get_log_events(logGroupName=self._group.group, logStreamName=stream, **span)
            yield from ({**event, "logStreamName": stream} for event in answer["events"])
            if answer["nextForwardToken"] == span.get("nextToken"):
                return
            span["nextToken"] = answer["nextForwardToken"]

    def _unread(self, events: Iterable[Any]) -> list[LogLine]:
        start, skipped = self._from, Counter(self._returned)
        lines = []
        for event in events:
            moment, stream = event["timestamp"], event["logStreamName"]
            if moment == start and skipped[stream]:
                skipped[stream] -= 1
                continue
            if moment > self._from:
                self._from, self._returned = moment, Counter()
            self._returned[stream] += 1
            lines.append(self._line(event))
        return lines

    def _line(self, event: Any) -> LogLine:
        moment = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
        return LogLine(moment, self._group.function, event["message"].rstrip("\n"))
