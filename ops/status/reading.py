"""Readings of a stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ops.gateway.alarms import Alarm, Receiver
from ops.gateway.mutes import Mute
from ops.gateway.queues import Depth
from ops.gateway.subscribers import Subscriber
from ops.gateway.telemetry import Value
from ops.logic.durations import show_duration

ONGOING_SECONDS: Final = 600
"""A problem counts as over if it last occurred longer ago than this. Metrics arrive a minute or two late."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A source that could not be read, or that was read but does not fit this stack.

    Attributes:
        gone: The source does not exist.
        wrong: The source does not fit this stack. Example: no mapping leads from the orders queue to the
            worker.
    """

    what: str
    why: str
    gone: bool
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """Readings of a stack. If a source could not be read, its field is `None`, and `unread` has the reason.

    Exceptions: if the subscribers could not be read, `subscribers` and `silent` are empty; if the alarms could not be
    read, `mutes` is empty.

    Attributes:
        now: Time of the reading in epoch seconds.
        seconds: Period over which metrics were counted.
        metrics: Values by key (`ops.status.gather`), without the metrics that have no data.
        worker: Lambda's state of the worker's event source mapping, such as `Enabled`.
        paused: Text about the mapping's state; `None` if it is `Enabled` or could not be read. For `Disabling` and
            `Disabled`, the text says who paused the worker, when and why, as far as it is recorded. For other
            states, it says that the state should end soon.
        subscribers: Number of messages in each subscriber's dead-letter queue, by the subscriber's name. The number is
            `None` if the subscriber has no such queue, or if the queue could not be read.
        silent: Subscribers that receive nothing, because their subscription to the topic is not confirmed
            or their rule on the bus is disabled.
        receivers: Subscriptions to the topics of alarms.
        mutes: Rules that mute the alarms.
        budgets: Percent left of each error budget. `None` if they could not be read, or if the stack has no objectives.
        alarms_evaluated: Whether the stack's metrics can raise alarms. On the embedded AWS they cannot.
    """

    now: float
    seconds: int
    unread: Sequence[Unread]
    orders: Depth | None
    dead: Depth | None
    metrics: Mapping[str, Value] | None
    worker: str | None
    paused: str | None
    subscribers: Mapping[str, int | None] | None
    silent: Sequence[Subscriber]
    alarms: Sequence[Alarm] | None
    receivers: Sequence[Receiver] | None
    mutes: Sequence[Mute] | None
    page_topic: str | None
    quota: int | None
    deployed: Mapping[str, tuple[str, float]] | None
    budgets: Mapping[str, float] | None = None
    alarms_evaluated: bool = True

    def amount(self, key: str) -> float:
        """Return a metric's value; 0 without data."""
        value = (self.metrics or {}).get(key)
        return 0 if value is None else value.amount

    def ongoing(self, *keys: str) -> bool:
        """Return whether one of these metrics was above zero in the last `ONGOING_SECONDS`."""
        return any(self.now - last < ONGOING_SECONDS for last in self._lasts(keys))

    def lately(self, *keys: str) -> str:
        """Describe the period and the last occurrence: `in the last 1h 0m, the latest 2m 5s ago`."""
        lasts = self._lasts(keys)
        ago = f", the latest {show_duration(self.now - max(lasts))} ago" if lasts else ""
        return f"in the last {show_duration(self.seconds)}{ago}"

    def _lasts(self, keys: Sequence[str]) -> list[float]:
        values = [(self.metrics or {}).get(key) for key in keys]
        return [value.last.timestamp() for value in values if value is not None and value.last is not None]
