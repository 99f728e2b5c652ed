"""Errors by cause, from the functions' logs and the dead letters."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ops.logic.case import Case
from ops.logic.log_lines import LogLine


@dataclass(slots=True)
class Cause:
    """One cause of errors.

    Attributes:
        name: `LogLine.cause` or a dead letter's error type; `logs --error` and `--where error_type=` accept it.
        lines: Number of log lines about the cause; each failed or deferred attempt to process an order
            adds one.
        letters: Number of dead letters with this error type.
        died: Whether the cause ended a function's process.
        last: Time of its last log line, as a `Timestamp`.
        order_id: Id of an order with this error.
    """

    name: str
    lines: int = 0
    letters: int = 0
    died: bool = False
    functions: set[str] = field(default_factory=set)
    last: str | None = None
    order_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the cause as a JSON object."""
        return {
            "cause": self.name,
            "log_lines": self.lines,
            "dead_letters": self.letters,
            "died": self.died,
            "functions": sorted(self.functions),
            "last": self.last,
            "order_id": self.order_id,
        }


def causes_of(lines: Iterable[LogLine], cases: Iterable[Case]) -> list[Cause]:
    """Return the causes: those with the most dead letters first, and among equals those with the most log lines."""
    found: dict[str, Cause] = {}
    for line in lines:
        if line.cause is not None:
            cause = found.setdefault(line.cause, Cause(line.cause))
            cause.lines += 1
            cause.died |= line.died
            cause.functions.add(line.step.where)
            cause.last = max(cause.last or "", line.step.at)
            cause.order_id = line.order_id or cause.order_id
    for case in cases:
        cause = found.setdefault(case.error_type, Cause(case.error_type))
        cause.letters += 1
        cause.order_id = cause.order_id or case.letter.order_id
    return sorted(found.values(), key=lambda cause: (-cause.letters, -cause.lines, cause.name))
