"""Journal: who acted on dead letters or sent events again, when and why.

For dead letters, the journal also lists the messages. The lines are in a separate log stream (reasons:
docs/adr/0014-journal-of-dead-letters.md).
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from ops.errors import OpsError
from ops.logic.case import Case
from ops.logic.decision import Decision
from runtime.logic.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

SERVICE: Final = "ops"
_STREAM: Final = "ops"
_MISSING: Final = "ResourceNotFoundException"
_EXISTS: Final = "ResourceAlreadyExistsException"


class Journal:
    """Writes and reads the journal's lines."""

    def __init__(self, client: "CloudWatchLogsClient", group: str, clock: Clock) -> None:
        self._client = client
        self._group = group
        self._clock = clock

    def begin(self, verb: str, decision: Decision, where: Sequence[str]) -> "Run":
        """Begin a run. The first line is written before the run changes anything, so every run is recorded."""
        run = Run(self, uuid.uuid4().hex[:12], verb, decision)
        run.write_line("begun", where=list(where))
        return run

    def write(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write all lines, or none of them.

        Raises:
            OpsError: CloudWatch Logs rejected them.
        """
        now = int(self._clock.time() * 1000)
        events = [{"timestamp": now, "message": json.dumps({**line, "service": SERVICE})} for line in lines]
        try:
            self._put(events)
        except ClientError as error:
            if error.response["Error"]["Code"] != _MISSING:
                raise
            self._create()
            self._put(events)

    def read(self, start_ms: int, end_ms: int) -> Iterator[dict[str, Any]]:
        """Read the lines between two times, the oldest first; none if nobody has written to the journal yet."""
        pages = self._client.get_paginator("filter_log_events").paginate(
            logGroupName=self._group, logStreamNames=[_STREAM], startTime=start_ms, endTime=end_ms
        )
        try:
            for page in pages:
                for event in page["events"]:
                    yield {"at_ms": event["timestamp"], **json.loads(event["message"])}
        except ClientError as error:
            if error.response["Error"]["Code"] != _MISSING:
                raise

    def _put(self, events: Sequence[Any]) -> None:
        answer = self._client.put_log_events(logGroupName=self._group, logStreamName=_STREAM, logEvents=events)
        if answer.get("rejectedLogEventsInfo"):
            raise OpsError(
                f"CloudWatch Logs rejected the journal's lines because of their times: "
                f"{answer['rejectedLogEventsInfo']}. "
                "Check this machine's clock, then run the same command again."
            )

    def _create(self) -> None:
        try:
            self._client.create_log_stream(logGroupName=self._group, logStreamName=_STREAM)
        except ClientError as error:
            if error.response["Error"]["Code"] != _EXISTS:
                raise


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command that acts on dead letters or sends events again.

    Attributes:
        id: Id of the run. Each of the run's lines in the journal contains it.
        verb: What the run does, such as `redrive`.
    """

    journal: Journal
    id: str
    verb: str
    decision: Decision

    def record(self, cases: Iterable[Case]) -> None:
        """Record messages before they are deleted. If a message stays in the queue, a later run records it again."""
        lines = [
            self._line("message")
            | {"message_id": case.letter.message_id, "original_message_id": case.letter.original_id}
            | {"order_id": case.letter.order_id, "state": case.state.value, "error_type": case.error_type}
            for case in cases
        ]
        if lines:
            self.journal.write(lines)

    def end(self, counts: Mapping[str, Any]) -> None:
        """Record that the run has ended, with its counts."""
        self.write_line("ended", counts=dict(counts))

    def write_line(self, what: str, **details: Any) -> None:
        """Write a line about the whole run."""
        self.journal.write([self._line(what) | details])

    def _line(self, what: str) -> dict[str, Any]:
        return {
            "level": "INFO",
            "message": f"{self.verb} {what}" if what != "message" else f"dead letter: {self.verb}",
            "run": self.id,
            "verb": self.verb,
            "what": what,
            "by": self.decision.by,
            "reason": self.decision.reason,
        }
