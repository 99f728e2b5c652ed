"""Readings of a stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ops.gateway.alarms import Alarm, Receiver
from ops.gateway.mutes import Mute
from ops.gateway.queues import Depth
from ops.gateway.telemetry import Value
from ops.logic.durations import show_duration

ONGOING_SECONDS: Final = 600
"""What happened last longer ago is over, as far as metrics tell: they come a minute or two late."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that could not be read; `gone`: it is not there."""

    what: str
    why: str
    gone: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """Readings of a stack; None: it could not be read, and `unread` says why.

    Attributes:
        now: Epoch seconds.
        seconds: Over how long metrics were counted.
        metrics: By their keys (`ops.status.gather`); what had no data is left out.
        paused: The worker's state, if it is not enabled, in words.
        subscribers: By name: messages in its dead-letter queue (none: it has no such queue).
        unconfirmed: Names of subscribers that get nothing.
        receivers: Who hears of alarms.
        budgets: Percent left of each error budget.
        alarms_evaluated: Whether anything raises alarms: the embedded AWS does not.
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
    unconfirmed: Sequence[str]
    alarms: Sequence[Alarm] | None
    receivers: Sequence[Receiver] | None
    mutes: Sequence[Mute] | None
    page_topic: str | None
    quota: int | None
    deployed: Mapping[str, tuple[str, float]] | None
    budgets: Mapping[str, float] | None = None
    alarms_evaluated: bool = True

    def amount(self, key: str) -> float:
        """A metric's value; 0 without data."""
        value = (self.metrics or {}).get(key)
        return 0 if value is None else value.amount

    def ongoing(self, *keys: str) -> bool:
        """Return whether one of these metrics counted something a moment ago."""
        return any(self.now - last < ONGOING_SECONDS for last in self._lasts(keys))

    def lately(self, *keys: str) -> str:
        """`in the last 1h 0m, the last 2m 5s ago`."""
        lasts = self._lasts(keys)
        ago = f", the last {show_duration(self.now - max(lasts))} ago" if lasts else ""
        return f"in the last {show_duration(self.seconds)}{ago}"

    def _lasts(self, keys: Sequence[str]) -> list[float]:
        values = [(self.metrics or {}).get(key) for key in keys]
        return [value.last.timestamp() for value in values if value is not None and value.last is not None]
