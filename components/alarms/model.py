"""The types of the alarm table. They depend neither on Pulumi resources nor on the business."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

MissingData = Literal["missing", "ignore", "breaching", "notBreaching"]
Comparison = Literal[
    "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"
]

HOUR, DAY = 3_600, 86_400
MAX_METRICS = 10
"""CloudWatch: a math expression of an alarm may use at most 10 metrics."""


class Tier(StrEnum):
    """Urgency: who is notified, and how fast they act."""

    PAGE = "page"
    """Wakes somebody: customers are hurt, or data will be lost."""
    NOTIFY = "notify"
    """Goes to the team's channel: look at it today."""
    TICKET = "ticket"
    """Opens a task for this week: nobody is hurt yet."""


@dataclass(frozen=True)
class Ref:
    """Reference to a name that differs in each stack, such as a queue's name or an API's id."""

    key: str


@dataclass(frozen=True)
class Metric:
    """One metric and its statistic.

    Attributes:
        namespace: a literal such as `AWS/SQS`, or a `Ref`.
        name: the metric's name.
        dimensions: exactly the dimensions under which it is published; values are literals or `Ref`s.
        statistic: `Sum`, `Maximum`, … or `pNN`.
    """

    namespace: str | Ref
    name: str
    dimensions: Mapping[str, str | Ref]
    statistic: str


@dataclass(frozen=True)
class Threshold:
    """The limit of normal values, its unit in words, and the reason for its default."""

    value: float
    unit: str
    reason: str
    comparison: Comparison = "GreaterThanOrEqualToThreshold"


@dataclass(frozen=True)
class Alarm:
    """One row: a metric, or math over several, compared with a threshold.

    Attributes:
        name: kebab case, unique; the physical name is `{project}-{stack}-{name}`.
        title: what is wrong, in a few words, for the notification and the dashboard.
        metrics: keyed by their ids in `expression`; a row without expression has exactly one metric.
        threshold: the limit with which the value is compared.
        period: seconds per data point.
        periods: how many data points are evaluated (N).
        to_alarm: how many of them must breach (M).
        missing: how CloudWatch treats a period without data.
        tier: who is notified. A row of a composite does not notify; only the composite does.
        runbook: the file in `docs/runbooks/`, without suffix.
        anchor: the heading in the runbook, if several rows share one; otherwise the heading is the row's name.
        why: the reason for the row and its settings.
        expression: metric math over the ids.
        low_samples: for percentiles only: whether a period with few samples counts (`evaluate`) or not (`ignore`).
        region: the Region of the metric, the alarm and its topic, if it is not the stack's.
    """

    name: str
    title: str
    metrics: Mapping[str, Metric]
    threshold: Threshold
    period: int
    periods: int
    to_alarm: int
    missing: MissingData
    tier: Tier
    runbook: str
    why: str
    expression: str | None = None
    low_samples: Literal["evaluate", "ignore"] | None = None
    anchor: str | None = None
    region: str | None = None

    @property
    def heading(self) -> str:
        """The runbook's heading for this row."""
        return self.anchor or self.name

    def __post_init__(self) -> None:
        problem = self._problem()
        if problem is not None:
            raise ValueError(f"alarm {self.name!r}: {problem}")

    def _problem(self) -> str | None:
        if self.expression is None and len(self.metrics) != 1:
            return f"{len(self.metrics)} metrics and no expression; give an expression or exactly one metric"
        if len(self.metrics) > MAX_METRICS:
            return f"{len(self.metrics)} metrics; CloudWatch allows {MAX_METRICS}"
        if not 1 <= self.to_alarm <= self.periods:
            return f"{self.to_alarm} of {self.periods} data points; the first number must be from 1 to {self.periods}"
        if self.period % 60 or self.period <= 0:
            return f"period {self.period} s; it must be a multiple of 60"
        longest, words = (7 * DAY, "seven days") if self.period >= HOUR else (DAY, "a day for periods below an hour")
        if self.period * self.periods > longest:
            return f"{self.periods} periods of {self.period} s; together they must not exceed {words}"
        return None


@dataclass(frozen=True)
class Composite:
    """One notification for one cause. The composite is in alarm while a member, or both rows of a pair, are in alarm.

    Attributes:
        name, title, tier, runbook, why: as for `Alarm`.
        members: names of rows; each of them alone puts the composite in alarm.
        pairs: pairs of row names; the composite is in alarm if both rows of a pair are in alarm.
        quiet_while: name of another composite, the suppressor. While the suppressor is in alarm, this composite does
            not notify, because the cause is probably the same, and somebody is already working on it.
        quiet_after: seconds that this composite stays quiet after the suppressor has recovered. In this time the rows
            of this composite can recover too.
    """

    name: str
    title: str
    tier: Tier
    runbook: str
    why: str
    members: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    quiet_while: str | None = None
    quiet_after: int = 0

    @property
    def heading(self) -> str:
        """The runbook's heading for this composite."""
        return self.name

    @property
    def rows(self) -> tuple[str, ...]:
        """All rows of the composite."""
        return (*self.members, *(row for pair in self.pairs for row in pair))


@dataclass(frozen=True)
class AlarmTable:
    """Every row and composite of a stack.

    Raises:
        ValueError: a name repeats, a composite names an unknown row or composite, or two composites share a member.
    """

    alarms: tuple[Alarm, ...]
    composites: tuple[Composite, ...]

    def __post_init__(self) -> None:
        names = [alarm.name for alarm in self.alarms] + [composite.name for composite in self.composites]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"alarm names must be unique; repeated: {', '.join(repeated)}")
        rows = {alarm.name for alarm in self.alarms}
        members = [member for composite in self.composites for member in composite.members]
        if unknown := sorted({row for composite in self.composites for row in composite.rows} - rows):
            raise ValueError(f"composites name rows that do not exist: {', '.join(unknown)}")
        if twice := sorted({name for name in members if members.count(name) > 1}):
            raise ValueError(f"a row may be a member of one composite only; in several: {', '.join(twice)}")
        others = {composite.name for composite in self.composites}
        if undefined := sorted({c.quiet_while for c in self.composites if c.quiet_while} - others):
            raise ValueError(f"quiet_while names composites that do not exist: {', '.join(undefined)}")

    def composite_of(self, alarm: str) -> Composite | None:
        """Return the first composite that has the row, alone or in a pair; `None` if no composite has it."""
        return next((composite for composite in self.composites if alarm in composite.rows), None)
