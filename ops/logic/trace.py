"""The life of one order, from what the tables and the logs say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from runtime.logic.event import EVENT_TYPES
from runtime.models.fields import from_timestamp, to_timestamp
from runtime.models.order import OrderStatus, StoredOrder

CODE_PLACES: Final = frozenset({"trace", "places"})
"""Details that are many lines long, for whoever repairs the code."""
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
    "trace",
    "places",
)
"""What of a log line is shown besides its message. Anything else may be more than a person on call should see."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened. `at` is a `Timestamp`."""

    at: str
    where: str
    what: str
    details: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"at": self.at, "where": self.where, "what": self.what, **self.details}


def steps_of_order(order: StoredOrder) -> list[Step]:
    """What the stored order tells."""
    steps: list[Step] = []
    if order.accepted_at is not None:
        steps.append(Step(order.accepted_at, "api", "accepted, and sent to the queue", {}))
    if order.settled_at is not None:
        skus = {} if order.reason is None else {"reason": order.reason.code.value, "skus": list(order.reason.skus)}
        steps.append(Step(order.settled_at, "worker", f"transaction: {order.status}", skus))
    return steps


def concerns(line: Mapping[str, Any], order_id: str, correlation_id: str | None) -> bool:
    """Whether a log line is about an order: it names the order, or its request and no other order.

    Clients choose correlation ids: one may be short, or the same for many orders.
    """
    if order_id in str(line):
        return True
    return line.get("order_id") is None and correlation_id is not None and line.get("correlation_id") == correlation_id


def step_of_line(line: Mapping[str, Any]) -> Step:
    """What a log line tells."""
    details = {name: line[name] for name in _SHOWN if line.get(name) not in (None, "")}
    for name in ("attempt", "message_id"):
        if name in line:
            details[name] = line[name]
    return Step(to_timestamp(_moment(line)), str(line.get("service", "?")), str(line.get("message", "")), details)


def _moment(line: Mapping[str, Any]) -> datetime:
    # The logger's own time: Lambda may hand over several lines with one.
    try:
        return datetime.strptime(str(line.get("timestamp")), "%Y-%m-%d %H:%M:%S,%f%z")
    except ValueError:
        return datetime.fromtimestamp(line["at_ms"] / 1000, UTC)


def timeline(steps: Iterable[Step]) -> list[Step]:
    """In order of time."""
    return sorted(steps, key=lambda step: from_timestamp(step.at))


def notification(order: StoredOrder | None, record: str | None) -> str:
    """Whether the order's event was published, in words."""
    if order is None or order.status not in EVENT_TYPES:
        given_up = order is not None and order.status is OrderStatus.DISCARDED
        return "none: a discarded order has no event" if given_up else "not yet: the order is not settled"
    event_id = f"{order.order_id}:{EVENT_TYPES[order.status]}"
    if record == "COMPLETED":
        return f"published as {event_id}"
    if record is None:
        return f"unknown: the worker's record is gone or was never written; the event would be {event_id}"
    return f"not confirmed: the worker's record is {record}; the event would be {event_id}"
