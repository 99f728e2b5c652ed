"""Converts log lines for people: the functions' own lines, and Lambda's lines about functions that died."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ops.logic.deaths import WORDS, death_of
from ops.logic.trace import Step, own_lines, step_of_line
from runtime.models.fields import to_timestamp

ERROR_WORDS: Final = ("error_type", "ERROR", "WARNING", "CRITICAL", *WORDS)
"""Every line about an error contains one of these words."""
_BAD_LEVELS: Final = frozenset({"WARNING", "ERROR", "CRITICAL"})


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One line of a log group."""

    at_ms: int
    group: str
    stream: str
    text: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """A log line that is shown to people.

    Attributes:
        step: When and where it was logged, and what it reports.
        cause: For a death, the cause of the death. Otherwise the line's `error_type`, or else AWS's
            error code with the operation, or else the message. `None` if the line is not about an error.
        died: Whether Lambda wrote the line because the function died.
        order_id, request_id: Ids that the line contains, if any.
    """

    step: Step
    cause: str | None
    died: bool
    order_id: str | None
    request_id: str | None

    def as_json(self) -> dict[str, Any]:
        """Return the line as a JSON object."""
        return {**self.step.as_json(), "cause": self.cause, "died": self.died, "order_id": self.order_id}


def parse_line(text: str) -> dict[str, Any] | None:
    """Parse a line of our functions, which is a JSON object; `None` for any other line."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None


def read_events(events: Iterable[LogEvent], prefix: str) -> list[LogLine]:
    """Convert log events to lines, in order of time. `prefix` is the beginning of the functions' names.

    Metrics are left out. Of Lambda's own lines, only those about deaths are kept.
    """
    found = (line for event in events if (line := _read(event, prefix)) is not None)
    return sorted(found, key=lambda line: line.step.at)


def of_order(events: Sequence[LogEvent], order_id: str) -> list[LogEvent]:
    """Return the events that are certainly about an order, and the deaths during requests that processed the order."""
    parsed = {id(event): {"at_ms": event.at_ms, **line} for event in events if (line := parse_line(event.text))}
    own = {id(line) for line in own_lines(parsed.values(), order_id)}
    kept = [event for event in events if id(event) in parsed and id(parsed[id(event)]) in own]
    requests = {line.get("function_request_id") for line in parsed.values() if id(line) in own}
    died = [event for event in events if (death := death_of(event.text)) is not None and death.request_id in requests]
    return [*kept, *(event for event in died if id(event) not in parsed)]


def _read(event: LogEvent, prefix: str) -> LogLine | None:
    function = event.group.rpartition("/")[2].removeprefix(f"{prefix}-")
    line = parse_line(event.text)
    if line is None:
        return _read_death(event, function)
    if "message" not in line or "_aws" in line:
        return None
    step = step_of_line({"at_ms": event.at_ms, **line})
    order_id, request_id = line.get("order_id"), line.get("function_request_id")
    return LogLine(
        step=Step(step.at, function, step.what, {**({"order_id": order_id} if order_id else {}), **step.details}),
        cause=_cause(line, step.what),
        died=False,
        order_id=order_id if isinstance(order_id, str) else None,
        request_id=request_id if isinstance(request_id, str) else None,
    )


def _read_death(event: LogEvent, function: str) -> LogLine | None:
    death = death_of(event.text)
    if death is None:
        return None
    at = to_timestamp(datetime.fromtimestamp(event.at_ms / 1000, UTC))
    details = {"platform": death.text, "function_request_id": death.request_id}
    step = Step(at, function, f"died: {death.cause}", {name: value for name, value in details.items() if value})
    return LogLine(step, death.cause, died=True, order_id=None, request_id=death.request_id)


def _cause(line: dict[str, Any], what: str) -> str | None:
    if line.get("service") == "ops":
        # A line of `ops` (its journal) reports what a person did. Its `error_type` is the old error of a dead letter.
        return None
    if line.get("error_type"):
        return str(line["error_type"])
    if line.get("level") not in _BAD_LEVELS:
        return None
    return f"{line['code']} of {line.get('operation')}" if line.get("code") else what
