"""Tests how functions' logs are read: from which time, of which function, and each line once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from local import logs
from local.errors import LocalError
from local.instance import StateDir
from local.logs import LogGroup, log_groups, parse_since, read_lines
from local.services.aws import Aws
from tests.local.signing import KEYS

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
GROUP = LogGroup("greet", "/aws/lambda/greet")


class FakeLogs:
    """Answers like the emulator. FilterLogEvents has no page tokens, and returns one page from the start time on."""

    def __init__(self, events: list[tuple[int, str, str]]) -> None:
        self.events = events
        self.filtered = 0

    def filter_log_events(self, **request: Any) -> dict[str, Any]:
        self.filtered += 1
        assert self.filtered < 100, "reads without end"
        assert request["startTime"] >= 0, "botocore refuses such a request"
        chosen = [event for event in self.events if event[0] >= request["startTime"]][: request["limit"]]
        return {"events": [{"timestamp": at, "logStreamName": stream, "message": text} for at, stream, text in chosen]}

    def get_paginator(self, operation: str) -> "FakeLogs":
        assert operation == "describe_log_streams"
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        for stream in dict.fromkeys(stream for _, stream, _ in self.events):
            times = [at for at, of, _ in self.events if of == stream]
            span = {"firstEventTimestamp": min(times), "lastEventTimestamp": max(times)}
            yield {"logStreams": [{"logStreamName": stream, **span}]}
        yield {"logStreams": [{"logStreamName": "without events"}]}

    def get_log_events(self, **request: Any) -> dict[str, Any]:
        start, end = request["startTime"], request["endTime"]
        chosen = [(at, text) for at, of, text in self.events if of == request["logStreamName"] and start <= at < end]
        first = int(request.get("nextToken", 0))
        page = chosen[first : first + logs._PAGE]
        events = [{"timestamp": at, "message": text} for at, text in page]
        return {"events": events, "nextForwardToken": str(first + len(page))}


def aws_with(events: list[tuple[int, str, str]]) -> Aws:
    aws = Aws("http://127.0.0.1:1", "us-east-1", KEYS)
    aws.__dict__["logs"] = FakeLogs(events)
    return aws


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("15m", NOW - timedelta(minutes=15)),
        ("2h", NOW - timedelta(hours=2)),
        ("1d", NOW - timedelta(days=1)),
        ("2026-01-01T00:00:00+00:00", datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_durations_and_times_are_read(text: str, expected: datetime) -> None:
    # GIVEN a time as a person writes it
    # WHEN it is parsed
    # THEN the result is the expected time
    assert parse_since(text, NOW) == expected


@pytest.mark.parametrize("text", ["9999999999d", "1000000d", "yesterday"])
def test_a_time_that_cannot_be_read_is_refused_as_a_wrong_value(text: str) -> None:
    # GIVEN a text that is no time, or a duration that goes back beyond the year 1
    # WHEN it is parsed
    # THEN a ValueError is raised. The command turns it into a message with the accepted forms
    with pytest.raises(ValueError, match=r"."):
        parse_since(text, NOW)


def test_all_lines_are_read_if_the_start_time_is_before_1970() -> None:
    # GIVEN a line / WHEN all lines since a time in 1926 are read
    lines = read_lines(aws_with([(1000, "ops", "redrive begun")]), [GROUP], parse_since("36500d", NOW))
    # THEN the line is read
    assert [line.message for line in lines] == ["redrive begun"]


def test_each_line_of_several_pages_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN more lines than a page has; the three lines of each invocation have the same time
    monkeypatch.setattr(logs, "_PAGE", 10)
    numbers = count()
    events = [(1000 + i, f"stream-{i}", f"line {next(numbers)}") for i in range(20) for _ in range(3)]

    # WHEN all lines are read
    lines = read_lines(aws_with(events), [GROUP], datetime.fromtimestamp(0, UTC))

    # THEN each line is read once, in order
    assert [line.message for line in lines] == [f"line {number}" for number in range(60)]


def test_follow_shows_only_new_lines() -> None:
    # GIVEN a reader that has read every line
    events = [(1000, "stream-1", "old")]
    reader = logs._Reader(aws_with(events), GROUP, datetime.fromtimestamp(0, UTC))
    reader.new_lines()

    # WHEN another invocation ends within the same millisecond
    events.append((1000, "stream-2", "new"))

    # THEN only its line is shown
    assert [line.message for line in reader.new_lines()] == ["new"]
    assert reader.new_lines() == []


def test_all_lines_of_one_millisecond_are_read_even_if_a_page_cannot_hold_them(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN four invocations; the second and the third end in the same millisecond, with more lines than a page has
    monkeypatch.setattr(logs, "_PAGE", 10)
    streams = ["before"] * 3 + ["a"] * 25 + ["b"] * 4 + ["after"] * 3
    times = {"before": 999, "a": 1000, "b": 1000, "after": 1001}
    events = [(times[stream], stream, f"line {number}") for number, stream in enumerate(streams)]

    # WHEN the lines are read, another line is added, and the lines are read again
    reader = logs._Reader(aws_with(events), GROUP, datetime.fromtimestamp(0, UTC))
    lines = reader.new_lines()
    events.append((1002, "later", "the last line"))

    # THEN each line is read once
    assert [line.message for line in lines] == [f"line {number}" for number in range(len(streams))]
    assert [line.message for line in reader.new_lines()] == ["the last line"]


def test_follow_shows_later_lines_of_a_stream() -> None:
    # GIVEN the journal of ops commands. It has one stream, and a reader has read the stream's first line
    events = [(1000, "ops", "redrive begun")]
    reader = logs._Reader(aws_with(events), GROUP, datetime.fromtimestamp(0, UTC))
    reader.new_lines()

    # WHEN the same stream gets more lines, one of them with the same time
    events += [(1000, "ops", "dead letter: redrive"), (1001, "ops", "redrive ended")]

    # THEN they are shown
    assert [line.message for line in reader.new_lines()] == ["dead letter: redrive", "redrive ended"]


RESOURCES = (
    '[{"type": "aws:lambda/function:Function", "name": "create-order-function", '
    '"state": {"name": "orders-local-create-order", "loggingConfig": {"logGroup": "/custom"}}},'
    '{"type": "aws:lambda/function:Function", "name": "plain", "state": {"name": "orders-local-plain"}}]'
)


@pytest.mark.parametrize("name", ["create-order", "create-order-function", "orders-local-create-order"])
def test_function_is_found_by_any_of_its_names(tmp_path: Path, name: str) -> None:
    # GIVEN a deployed function with its own log group
    state = StateDir(tmp_path)
    state.resources.write_text(RESOURCES)

    # WHEN its group is looked for
    # THEN the log group is found
    assert log_groups(state, name) == [LogGroup("orders-local-create-order", "/custom")]


def test_the_refusal_of_an_unknown_function_names_the_known_ones(tmp_path: Path) -> None:
    # GIVEN two functions
    state = StateDir(tmp_path)
    state.resources.write_text(RESOURCES)

    # WHEN another function is requested
    # THEN the message names both functions
    with pytest.raises(LocalError, match="orders-local-create-order, orders-local-plain"):
        log_groups(state, "nobody")
