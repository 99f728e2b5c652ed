"""Evaluates the state of a metric alarm.

Sources, all Amazon CloudWatch User Guide: "Alarm evaluation" (M out of N), "Alarm evaluation window" (the window
slides: it advances each time the alarm is evaluated), "Configuring how CloudWatch alarms treat missing data" with its
two tables and "Avoiding premature transitions to alarm state". CloudWatch retrieves more than N points. AWS does not
document how many; the number depends on the period. The guide's tables use N + 2, so N + 2 is the default, and tests
vary it. An alarm whose window is longer than a day is evaluated once an hour, on data up to the full hour.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from operator import ge, gt, le, lt
from typing import Final, Literal

from lab.simulation.cloudwatch.evaluator_math import MathContext, evaluate
from lab.simulation.cloudwatch.evaluator_metrics import MetricKey, MetricStore, Series

HOUR, DAY = 3_600, 86_400
MissingData = Literal["missing", "ignore", "breaching", "notBreaching"]

COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": ge,
    "GreaterThanThreshold": gt,
    "LessThanThreshold": lt,
    "LessThanOrEqualToThreshold": le,
}


class State(StrEnum):
    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True)
class MetricQuery:
    """One metric of an alarm, and the statistic to compute. `unit=None` accepts every unit."""

    key: MetricKey
    statistic: str
    unit: str | None = None


@dataclass(frozen=True)
class MetricAlarm:
    """A metric alarm as CloudWatch stores it.

    Attributes:
        name: unique in the account.
        metrics: queries by id; an alarm on one metric has one query.
        expressions: expressions by id, in order; each can use the metrics and the earlier expressions.
        returned: the id whose series is compared with the threshold.
        period: seconds.
        evaluation_periods, datapoints_to_alarm: N and M.
        treat_missing_data: see "Configuring how CloudWatch alarms treat missing data".
        actions: for each state, the targets to notify when the alarm enters it.
    """

    name: str
    metrics: Mapping[str, MetricQuery]
    expressions: Mapping[str, str]
    returned: str
    comparison: str
    threshold: float
    period: int
    evaluation_periods: int
    datapoints_to_alarm: int
    treat_missing_data: MissingData = "missing"
    actions: Mapping[State, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= self.datapoints_to_alarm <= self.evaluation_periods:
            raise ValueError(
                f"{self.name}: datapoints to alarm is {self.datapoints_to_alarm}; "
                f"it must be between 1 and the evaluation periods ({self.evaluation_periods})"
            )
        if self.comparison not in COMPARISONS:
            raise ValueError(f"{self.name}: comparison {self.comparison!r} is not one of {', '.join(COMPARISONS)}")
        if self.returned not in {*self.metrics, *self.expressions}:
            raise ValueError(f"{self.name}: returns {self.returned!r}, which is none of its metrics and expressions")


@dataclass(frozen=True)
class Behaviour:
    """Choices for cases in which the AWS documentation says nothing, or contradicts itself.

    Our alarms must work with every combination of the choices.

    Attributes:
        extra_points: how many points beyond N are retrieved.
        dynamodb_always_ignores: the PutMetricAlarm reference says that alarms on `AWS/DynamoDB` *always* ignore
                missing data; the User Guide says that they ignore it by default. With true (the reference), an alarm
                with `notBreaching` keeps its state when its data end. With false (the guide), it returns to OK.
    """

    extra_points: int = 2
    dynamodb_always_ignores: bool = False


def series_of(alarm: MetricAlarm, store: MetricStore, starts: Sequence[int]) -> Series:
    """Return the series that the alarm compares with its threshold, for the periods that begin at `starts`."""
    metrics = {
        name: store.series(query.key, query.statistic, alarm.period, starts, query.unit)
        for name, query in alarm.metrics.items()
    }
    named: dict[str, Series] = {}
    for name, expression in alarm.expressions.items():
        named[name] = evaluate(expression, MathContext(metrics, named, starts))
    return {**metrics, **named}[alarm.returned]


def evaluate_alarm(
    alarm: MetricAlarm, store: MetricStore, now: int, current: State, behaviour: Behaviour | None = None
) -> State:
    """The alarm's state after an evaluation at `now` (seconds since the epoch)."""
    behaviour = behaviour or Behaviour()
    if alarm.period * alarm.evaluation_periods > DAY:
        now -= now % HOUR
    count = alarm.evaluation_periods + behaviour.extra_points
    starts = [now - alarm.period * back for back in range(count, 0, -1)]
    series = series_of(alarm, store, starts)
    breaches = COMPARISONS[alarm.comparison]
    points = [breaches(series[start], alarm.threshold) if start in series else None for start in starts]
    treatment = alarm.treat_missing_data
    if behaviour.dynamodb_always_ignores and any(q.key.namespace == "AWS/DynamoDB" for q in alarm.metrics.values()):
        treatment = "ignore"
    return decide(points, alarm.evaluation_periods, alarm.datapoints_to_alarm, treatment, current)


def decide(points: Sequence[bool | None], n: int, m: int, treatment: MissingData, current: State) -> State:
    """The state for a range of points, oldest first: True breaches, False does not, None is missing."""
    real = [point for point in points if point is not None]
    if len(real) >= n:
        return _judge(real[-n:].count(True), m)
    if treatment == "breaching":
        return _judge(real.count(True) + n - len(real), m)
    if treatment == "notBreaching":
        return _judge(real.count(True), m)
    unknown = current if treatment == "ignore" else State.INSUFFICIENT_DATA
    if real.count(True) >= m:
        return State.ALARM
    if False in real:
        return State.OK
    if not real:
        return unknown
    # All existing points breach, but there are fewer than M. With `missing`, the state becomes ALARM only if the oldest
    # point is at least M periods old. With `ignore`, the alarm keeps its state.
    age = len(points) - points.index(True)
    return State.ALARM if age >= m and treatment == "missing" else unknown


def _judge(breaching: int, m: int) -> State:
    return State.ALARM if breaching >= m else State.OK
