"""History of one order, from the tables and the logs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ops.logic.stored import COMPLETED
from runtime.logic.event import EVENT_TYPES
from runtime.models.fields import from_timestamp, to_timestamp
from runtime.models.order import OrderStatus, StoredOrder

NOT_KNOWN: Final = "not known"
"""Shown instead of a value that could not be read."""
_WORKER: Final = "worker"
PUBLISHED, _FAILED = "event published", "attempt failed"
CODE_PLACES: Final = frozenset({"trace", "places"})
"""Details with many lines of text, for developers."""
_SHOWN: Final = (
    "status",
    "problem",
    "replayed",
    "operation",
    "code",
    "error_type",
    "error",
    "last_attempt",
    "retry_in_seconds",
    "by",
    "reason",
    "trace",
    "places",
)
"""Fields of a log line that are shown with its message; `attempt` and `message_id` are shown too. Other fields may
contain data that people on call should not see."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step in an order's history. `at` is a `Timestamp`."""

    at: str
    where: str
    what: str
    details: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return the step as a JSON object."""
        return {"at": self.at, "where": self.where, "what": self.what, **self.details}


def steps_of_order(order: StoredOrder) -> list[Step]:
    """Return the steps that the stored order shows."""
    steps: list[Step] = []
    if order.accepted_at is not None:
        steps.append(Step(order.accepted_at, "api", "accepted, and sent to the queue", {}))
    if order.settled_at is not None:
        skus = {} if order.reason is None else {"reason": order.reason.code.value, "skus": list(order.reason.skus)}
        steps.append(Step(order.settled_at, "worker", f"settled: {order.status}", skus))
    return steps


def own_lines(lines: Iterable[Mapping[str, Any]], order_id: str) -> list[Mapping[str, Any]]:
    """Return the lines about an order: those that contain its id, and others about the same request or message.

    Lambda's request id and SQS's message id prove that lines belong together. A correlation id proves nothing, because
    callers choose it. Many orders or callers can have the same correlation id. It can even be another order's id.
    """
    found = list(lines)
    proofs = {proof for line in found if line.get("order_id") == order_id for proof in _proofs(line)}
    return [line for line in found if _is_about(line, order_id) or (_names_no_order(line) and proofs & _proofs(line))]


def _is_about(line: Mapping[str, Any], order_id: str) -> bool:
    return order_id in str(line.get("error")) if _names_no_order(line) else line["order_id"] == order_id


def _names_no_order(line: Mapping[str, Any]) -> bool:
    return line.get("order_id") is None


def _proofs(line: Mapping[str, Any]) -> set[tuple[str, str]]:
    # An invocation of the worker can process many orders, so its request id does not identify one order.
    names = ("message_id",) if line.get("service") == _WORKER else ("message_id", "function_request_id")
    return {(name, str(line[name])) for name in names if line.get(name)}


def step_of_line(line: Mapping[str, Any]) -> Step:
    """Convert a log line to a step."""
    details = {name: line[name] for name in _SHOWN if line.get(name) not in (None, "")}
    for name in ("attempt", "message_id"):
        if name in line:
            details[name] = line[name]
    return Step(to_timestamp(_moment(line)), str(line.get("service", "?")), str(line.get("message", "")), details)


def _moment(line: Mapping[str, Any]) -> datetime:
    # Use the time that the logger wrote: CloudWatch's time may be the same for several lines.
    try:
        return datetime.strptime(str(line.get("timestamp")), "%Y-%m-%d %H:%M:%S,%f%z").astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.fromtimestamp(line["at_ms"] / 1000, UTC)


def timeline(steps: Iterable[Step]) -> list[Step]:
    """Sort steps by time."""
    return sorted(steps, key=lambda step: from_timestamp(step.at))


def notification(order: StoredOrder | None, record: str | None, steps: Sequence[Step] = ()) -> str:
    """Describe whether the order's event was published, as far as `record` and `steps` show it.

    `record` is the state of the worker's record. `steps` are the order's steps, sorted by time.
    """
    if order is None or order.status not in EVENT_TYPES:
        discarded = order is not None and order.status is OrderStatus.DISCARDED
        return "none: a discarded order has no event" if discarded else "not yet: the order is not settled"
    event_id = f"{order.order_id}:{EVENT_TYPES[order.status]}"
    ends = [step for step in steps if step.what in {PUBLISHED, _FAILED}]
    if record == COMPLETED or any(step.what == PUBLISHED for step in ends):
        return f"published as {event_id}"
    if ends:
        named = (ends[-1].details.get(key) for key in ("error_type", "error"))
        error = ": ".join(str(part) for part in named if part) or "an error that its log line does not name"
        return f"not published: the latest attempt failed with {error}; the event would be {event_id}"
    if record is None:
        return f"unknown: the worker's record is gone or was never written; the event would be {event_id}"
    return f"not confirmed: the worker's record is {record}; the event would be {event_id}"
