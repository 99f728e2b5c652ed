"""CloudWatch Logs in memory: what the journal and the tools call, over a world's wire so that faults reach it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from lab.simulation.fakes import Wire
from lab.simulation.fakes.errors import client_error, only_known
from lab.simulation.fakes.wire import OK, Response

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient


class FakeLogs:
    """Stands in for `boto3.client("logs")`: one group, its events by stream."""

    def __init__(self, wire: Wire, group: str) -> None:
        self.wire = wire
        self.group = group
        self.streams: dict[str, list[dict[str, Any]]] = {}

    @property
    def client(self) -> CloudWatchLogsClient:
        """Under boto3's type."""
        return cast("CloudWatchLogsClient", self)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every line that is JSON, in order of arrival."""
        return [json.loads(event["message"]) for events in self.streams.values() for event in events]

    def create_log_stream(self, **params: Any) -> Response:
        """Create a stream."""
        only_known("CreateLogStream", params, frozenset({"logGroupName", "logStreamName"}))
        return self.wire.carry("logs", "CreateLogStream", params, lambda: self._create(**params))

    def put_log_events(self, **params: Any) -> Response:
        """Add events."""
        only_known("PutLogEvents", params, frozenset({"logGroupName", "logStreamName", "logEvents"}))
        return self.wire.carry("logs", "PutLogEvents", params, lambda: self._put(**params))

    def get_paginator(self, name: str) -> FakeLogs:
        """The only one is of FilterLogEvents, and has one page."""
        assert name == "filter_log_events"
        return self

    def paginate(self, **params: Any) -> Iterator[Response]:
        """Events of streams in order of time."""
        only_known("FilterLogEvents", params, frozenset({"logGroupName", "logStreamNames", "startTime", "endTime"}))
        wanted = [self.streams[name] for name in params["logStreamNames"] if name in self.streams]
        if not wanted:
            raise client_error(
                "FilterLogEvents", "ResourceNotFoundException", "The specified log stream does not exist."
            )
        events = [event for stream in wanted for event in stream]
        yield {"events": [e for e in events if params["startTime"] <= e["timestamp"] <= params["endTime"]]}

    def _create(self, logGroupName: str, logStreamName: str) -> Response:
        self._check("CreateLogStream", logGroupName)
        if logStreamName in self.streams:
            raise client_error("CreateLogStream", "ResourceAlreadyExistsException", "It exists.")
        self.streams[logStreamName] = []
        return {"ResponseMetadata": OK}

    def _put(self, logGroupName: str, logStreamName: str, logEvents: list[dict[str, Any]]) -> Response:
        self._check("PutLogEvents", logGroupName)
        if logStreamName not in self.streams:
            raise client_error("PutLogEvents", "ResourceNotFoundException", "The specified log stream does not exist.")
        self.streams[logStreamName] += logEvents
        return {"nextSequenceToken": "1", "ResponseMetadata": OK}

    def _check(self, operation: str, group: str) -> None:
        if group != self.group:
            raise client_error(operation, "ResourceNotFoundException", "The specified log group does not exist.")
