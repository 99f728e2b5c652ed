"""The life of one order, from what the tables and the logs say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ops.logic.stored import COMPLETED
from runtime.logic.event import EVENT_TYPES
from runtime.models.fields import from_timestamp, to_timestamp
from runtime.models.order import OrderStatus, StoredOrder

UNTOLD: Final = "cannot be told: the row is unreadable"
_WORKER: Final = "worker"
PUBLISHED, _FAILED = "event published", "attempt failed"
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
    "by",
    "reason",
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
    """Return what the stored order tells."""
    steps: list[Step] = []
    if order.accepted_at is not None:
        steps.append(Step(order.accepted_at, "api", "accepted, and sent to the queue", {}))
    if order.settled_at is not None:
        skus = {} if order.reason is None else {"reason": order.reason.code.value, "skus": list(order.reason.skus)}
        steps.append(Step(order.settled_at, "worker", f"transaction: {order.status}", skus))
    return steps


def own_lines(lines: Iterable[Mapping[str, Any]], order_id: str) -> list[Mapping[str, Any]]:
    """Those of `lines` that are about an order: they name it, or are of a request that does.

    Callers choose correlation ids: one may be another caller's, another order's id, or the same for many orders. So it
    is no proof; the number that Lambda gives each request, and the id that SQS gives each message, is.
    """
    found = list(lines)
    proofs = {proof for line in found if line.get("order_id") == order_id for proof in _proofs(line)}
    return [line for line in found if _names(line, order_id) or (_is_nobodys(line) and proofs & _proofs(line))]


def _names(line: Mapping[str, Any], order_id: str) -> bool:
    return order_id in str(line.get("error")) if _is_nobodys(line) else line["order_id"] == order_id


def _is_nobodys(line: Mapping[str, Any]) -> bool:
    return line.get("order_id") is None


def _proofs(line: Mapping[str, Any]) -> set[tuple[str, str]]:
    # An invocation of the worker has many orders.
    names = ("message_id",) if line.get("service") == _WORKER else ("message_id", "function_request_id")
    return {(name, str(line[name])) for name in names if line.get(name)}


def step_of_line(line: Mapping[str, Any]) -> Step:
    """Return what a log line tells."""
    details = {name: line[name] for name in _SHOWN if line.get(name) not in (None, "")}
    for name in ("attempt", "message_id"):
        if name in line:
            details[name] = line[name]
    return Step(to_timestamp(_moment(line)), str(line.get("service", "?")), str(line.get("message", "")), details)


def _moment(line: Mapping[str, Any]) -> datetime:
    # The logger's own time: Lambda may hand over several lines with one.
    try:
        return datetime.strptime(str(line.get("timestamp")), "%Y-%m-%d %H:%M:%S,%f%z").astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.fromtimestamp(line["at_ms"] / 1000, UTC)


def timeline(steps: Iterable[Step]) -> list[Step]:
    """In order of time."""
    return sorted(steps, key=lambda step: from_timestamp(step.at))


def notification(order: StoredOrder | None, record: str | None, steps: Sequence[Step] = ()) -> str:
    """Return whether the order's event was published, in words: by the worker's record, else by its log, in order of
    time.
    """
    if order is None or order.status not in EVENT_TYPES:
        given_up = order is not None and order.status is OrderStatus.DISCARDED
        return "none: a discarded order has no event" if given_up else "not yet: the order is not settled"
    event_id = f"{order.order_id}:{EVENT_TYPES[order.status]}"
    told = [step for step in steps if step.what in {PUBLISHED, _FAILED}]
    if record == COMPLETED or any(step.what == PUBLISHED for step in told):
        return f"published as {event_id}"
    if told:
        error = f"{told[-1].details.get('error_type')}: {told[-1].details.get('error')}"
        return f"not published: the last attempt failed with {error}; the event would be {event_id}"
    if record is None:
        return f"unknown: the worker's record is gone or was never written; the event would be {event_id}"
    return f"not confirmed: the worker's record is {record}; the event would be {event_id}"
