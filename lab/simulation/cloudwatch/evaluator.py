"""Evaluates metric and composite alarms once a minute, and records state changes and invoked actions.

Sources: Amazon CloudWatch User Guide, "Using Amazon CloudWatch alarms" (an alarm with a period of a minute or more is
evaluated every minute; actions are invoked on state changes only), "Alarm suppression".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lab.simulation.cloudwatch.evaluator_alarm import Behaviour, MetricAlarm, State, evaluate_alarm
from lab.simulation.cloudwatch.evaluator_composite import CompositeAlarm
from lab.simulation.cloudwatch.evaluator_metrics import MetricStore

EVALUATION_INTERVAL: Final = 60


@dataclass(frozen=True)
class Change:
    """An alarm's change to a new state."""

    at: int
    alarm: str
    state: State


@dataclass(frozen=True)
class Notice:
    """One invoked action: CloudWatch notified `target` (a topic ARN) that the alarm entered the state."""

    at: int
    alarm: str
    state: State
    target: str


class AlarmRun:
    """Runs alarms against a store.

    Args:
        store: the metrics of the whole run; each evaluation reads only data points before its own time.
        alarms: metric alarms; each starts in INSUFFICIENT_DATA, the state in which CloudWatch creates an alarm.
        composites: composite alarms; each names only alarms in `alarms` or `composites`.
        behaviour: see `Behaviour`.

    Raises:
        ValueError: a composite names an alarm that is not given, or composites form a dependency cycle.
    """

    def __init__(
        self,
        store: MetricStore,
        alarms: Iterable[MetricAlarm],
        composites: Iterable[CompositeAlarm] = (),
        behaviour: Behaviour | None = None,
    ) -> None:
        self._store = store
        self._behaviour = behaviour or Behaviour()
        self._alarms = tuple(alarms)
        self._composites = _ordered(self._alarms, tuple(composites))
        names = [alarm.name for alarm in self._alarms] + [composite.name for composite in self._composites]
        self.states: dict[str, State] = dict.fromkeys(names, State.INSUFFICIENT_DATA)
        self.changes: list[Change] = []
        self.notices: list[Notice] = []
        self._pending: dict[str, _Pending] = {}

    def run(self, start: int, end: int, interval: int = EVALUATION_INTERVAL) -> "AlarmRun":
        """Evaluate every `interval` seconds from `start` to `end`, both included (seconds since the epoch).

        With an `interval` of more than a minute, changes between evaluations are missed. Use such
        an interval only for runs of hours or days.
        """
        for now in range(start, end + 1, interval):
            self._step(now)
        return self

    def _step(self, now: int) -> None:
        for alarm in self._alarms:
            state = evaluate_alarm(alarm, self._store, now, self.states[alarm.name], self._behaviour)
            if self._enter(now, alarm.name, state):
                self._notify(now, alarm, state)
        for composite in self._composites:
            state = composite.state(self.states)
            if self._enter(now, composite.name, state):
                self._pending.setdefault(composite.name, _Pending(notified=State.OK)).since = now
        # Composites act only after both loops. By then, every suppressor has its new state.
        for composite in self._composites:
            self._act(now, composite)

    def _enter(self, now: int, name: str, state: State) -> bool:
        if self.states[name] == state:
            return False
        self.states[name] = state
        self.changes.append(Change(now, name, state))
        return True

    def _notify(self, now: int, alarm: MetricAlarm | CompositeAlarm, state: State) -> None:
        self.notices.extend(Notice(now, alarm.name, state, target) for target in alarm.actions.get(state, ()))

    def _act(self, now: int, composite: CompositeAlarm) -> None:
        pending = self._pending.get(composite.name)
        if pending is None:
            return
        if composite.suppressor is not None and self._suppressed(now, composite, pending):
            return
        state = self.states[composite.name]
        if state != pending.notified:
            pending.notified = state
            self._notify(now, composite, state)

    def _suppressed(self, now: int, composite: CompositeAlarm, pending: "_Pending") -> bool:
        if self.states[composite.suppressor or ""] == State.ALARM:
            pending.suppressed_at = now
            return True
        left = pending.suppressed_at
        if left is not None and now - left < composite.extension_period:
            return True
        return now - pending.since < composite.wait_period and self.states[composite.name] == State.ALARM


@dataclass
class _Pending:
    """The state and the times that decide when a composite notifies.

    Attributes:
        notified: The state of the composite's last notification; OK if there was none.
        since: The time of its last change of state. The wait period begins then.
        suppressed_at: The last time at which the suppressor was in ALARM. The extension period begins then.
    """

    notified: State
    since: int = 0
    suppressed_at: int | None = None


def _ordered(alarms: tuple[MetricAlarm, ...], composites: tuple[CompositeAlarm, ...]) -> tuple[CompositeAlarm, ...]:
    known = {alarm.name for alarm in alarms}
    all_names = known | {composite.name for composite in composites}
    ordered: list[CompositeAlarm] = []
    waiting = list(composites)
    for composite in waiting:
        mentioned = composite.alarms() | ({composite.suppressor} if composite.suppressor else set())
        if unknown := mentioned - all_names:
            raise ValueError(f"{composite.name} names alarms that do not exist: {sorted(unknown)}")
    while waiting:
        ready = [composite for composite in waiting if composite.alarms() <= known]
        if not ready:
            raise ValueError(f"composite alarms form a dependency cycle: {[c.name for c in waiting]}")
        ordered += ready
        known |= {composite.name for composite in ready}
        waiting = [composite for composite in waiting if composite not in ready]
    return tuple(ordered)
