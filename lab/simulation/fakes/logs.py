"""The CloudWatch Logs client for the journal and the tools of `ops`. Writes go through a `Wire`, so they can have
faults. Reads have no faults."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from lab.simulation.clock import Clock
from lab.simulation.fakes.errors import client_error, only_known
from lab.simulation.fakes.wire import OK, Response, Wire

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

_FILTER = frozenset({"logGroupName", "logStreamNames", "startTime", "endTime", "filterPattern"})


class FakeLogs:
    """Stands in for `boto3.client("logs")`, with the given log groups."""

    def __init__(self, wire: Wire, clock: Clock, *groups: str) -> None:
        self.wire = wire
        self.clock = clock
        self.groups: dict[str, dict[str, list[dict[str, Any]]]] = {group: {} for group in groups}

    @property
    def client(self) -> CloudWatchLogsClient:
        """The fake, typed as boto3's client."""
        return cast("CloudWatchLogsClient", self)

    @property
    def events(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """The group, stream and event of every log line."""
        for group, streams in self.groups.items():
            for stream, events in streams.items():
                yield from ((group, stream, event) for event in events)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """All log lines, parsed as JSON, one stream after another."""
        return [json.loads(event["message"]) for _, _, event in self.events]

    def write(self, group: str, stream: str, text: str) -> None:
        """Add one log line of a function, with the current time."""
        event = {"timestamp": self.clock.millis, "message": text, "logStreamName": stream}
        self.groups.setdefault(group, {}).setdefault(stream, []).append(event)

    def create_log_stream(self, **params: Any) -> Response:
        """Create a log stream."""
        only_known("CreateLogStream", params, frozenset({"logGroupName", "logStreamName"}))
        return self.wire.carry("logs", "CreateLogStream", params, lambda: self._create(**params))

    def put_log_events(self, **params: Any) -> Response:
        """Add log events to a stream."""
        only_known("PutLogEvents", params, frozenset({"logGroupName", "logStreamName", "logEvents"}))
        return self.wire.carry("logs", "PutLogEvents", params, lambda: self._put(**params))

    def get_paginator(self, name: str) -> FakeLogs:
        """Return the only modelled paginator, of FilterLogEvents. It has one page."""
        assert name == "filter_log_events"
        return self

    def paginate(self, **params: Any) -> Iterator[Response]:
        """Yield one page: the events between two times. ``logStreamNames`` restricts them to these streams.

        The filter pattern is ignored, because the tools also filter the events themselves.
        """
        only_known("FilterLogEvents", params, _FILTER)
        streams = self._streams("FilterLogEvents", params["logGroupName"])
        named = params.get("logStreamNames")
        wanted = [events for name, events in streams.items() if named is None or name in named]
        if named and not wanted:
            raise _missing("FilterLogEvents", "stream")
        found = [event for events in wanted for event in events]
        yield {"events": [one for one in found if params["startTime"] <= one["timestamp"] <= params["endTime"]]}

    def _create(self, logGroupName: str, logStreamName: str) -> Response:
        streams = self._streams("CreateLogStream", logGroupName)
        if logStreamName in streams:
            raise client_error("CreateLogStream", "ResourceAlreadyExistsException", "It exists.")
        streams[logStreamName] = []
        return {"ResponseMetadata": OK}

    def _put(self, logGroupName: str, logStreamName: str, logEvents: Sequence[Mapping[str, Any]]) -> Response:
        streams = self._streams("PutLogEvents", logGroupName)
        if logStreamName not in streams:
            raise _missing("PutLogEvents", "stream")
        streams[logStreamName] += [{**event, "logStreamName": logStreamName} for event in logEvents]
        return {"nextSequenceToken": "1", "ResponseMetadata": OK}

    def _streams(self, operation: str, group: str) -> dict[str, list[dict[str, Any]]]:
        if group not in self.groups:
            raise _missing(operation, "group")
        return self.groups[group]


def _missing(operation: str, what: str) -> Exception:
    return client_error(operation, "ResourceNotFoundException", f"The specified log {what} does not exist.")
