"""Alarms on the objectives: how fast the month's error budget is spent, in a long and in a short window.

The burn rates and windows are those of the Site Reliability Workbook (Google, 2018), chapter 5, "Multiwindow,
Multi-Burn-Rate Alerts". A rate of 1 spends the budget of 30 days in 30 days. The long window shows high spending. The
short window, a twelfth of the long one, shows that the spending goes on. All metrics of a CloudWatch alarm have the
same period. So each window has its own alarm with a single period, and a composite combines the alarms of both windows.
With periods of an hour or more, PutMetricAlarm allows windows up to seven days. CloudWatch evaluates windows of more
than a day once an hour.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from components.alarms.model import DAY, HOUR, Alarm, Metric, Threshold, Tier
from pipeline.alarms.context import (
    FIVE_MINUTES,
    MINUTE,
    Context,
    api_metric,
    filled,
    in_time_metric,
    own_metric,
    percent,
)


@dataclass(frozen=True)
class Burn:
    """A burn rate and its windows, in seconds."""

    rate: float
    long: int
    short: int
    tier: Tier

    @property
    def windows(self) -> tuple[int, int]:
        """Both windows, the long one first."""
        return self.long, self.short


BURNS: Final = (
    Burn(14.4, HOUR, FIVE_MINUTES, Tier.PAGE),
    Burn(6, 6 * HOUR, 30 * MINUTE, Tier.PAGE),
    Burn(3, DAY, 2 * HOUR, Tier.TICKET),
    Burn(1, 3 * DAY, 6 * HOUR, Tier.TICKET),
)
ACCEPTING, SETTLING = "accepting", "settling"
BUDGET: Final = "budget-burning"
"""Name of the composite alarm for the slow burn rates."""
_PAGES: Final = {ACCEPTING: ("api", "api-failing"), SETTLING: ("processing", "processing-failing")}


def pairs(objective: str, tier: Tier) -> tuple[tuple[str, str], ...]:
    """Return two alarm names for each burn rate of the tier: long window, short window."""
    return tuple((_name(objective, b, b.long), _name(objective, b, b.short)) for b in BURNS if b.tier is tier)


def objective_alarms(context: Context) -> tuple[Alarm, ...]:
    """Return two alarms for each objective and burn rate."""
    rows = [row for burn in BURNS for row in _accepting(context, burn)]
    return (*rows, *(row for burn in BURNS for row in _settling(context, burn)))


def _accepting(context: Context, burn: Burn) -> Iterator[Alarm]:
    metrics = {"errors": api_metric("5xx"), "requests": api_metric("Count")}
    for window in burn.windows:
        least = _least(context, burn) if window == burn.long else 1
        yield _row(
            context,
            ACCEPTING,
            burn,
            window,
            metrics,
            percent("errors", ("requests",), least),
            "All 5xx answers count: throttling, and failures of our code, a dependency or the platform.",
        )


def _settling(context: Context, burn: Burn) -> Iterator[Alarm]:
    """Yield the alarms on the share of orders that are late or not settled.

    It is a share of the orders that were accepted in the window. Waiting orders are unsettled, so a
    burst looks like an outage until its orders are processed. Therefore the alarm of the short
    window also requires failed attempts. Without attempts, the alarm `worker-not-running` or
    `oldest-message-age` pages.
    """
    bad = f"({filled('accepted')} - {filled('in_time')})"
    share = f"100 * {bad} / {filled('accepted')}"
    metrics = {
        "accepted": own_metric("OrderAccepted", "api"),
        "in_time": in_time_metric(context.limits.objectives.promise_seconds),
    }
    yield _row(
        context,
        SETTLING,
        burn,
        burn.long,
        metrics,
        f"IF({bad} >= {_least(context, burn)}, {share}, 0)",
        "Late and unsettled orders both count. A redriven order does not count twice.",
    )
    fails = f"{bad} >= 1 AND {filled('failed')} >= {context.thresholds.rate_minimum_events}"
    yield _row(
        context,
        SETTLING,
        burn,
        burn.short,
        {**metrics, "failed": own_metric("AttemptFailed", "worker")},
        f"IF({fails}, {share}, 0)",
        "The waiting orders of a burst count as unsettled, although they are not late yet. So the alarm also requires "
        "failed attempts.",
    )


def _row(
    context: Context,
    objective: str,
    burn: Burn,
    window: int,
    metrics: dict[str, Metric],
    expression: str,
    why: str,
) -> Alarm:
    goals = context.limits.objectives
    goal = goals.accepting_percent if objective == ACCEPTING else goals.settling_percent
    page = burn.tier is Tier.PAGE
    times, faster = ("", " or faster") if burn.rate == 1 else (f"{burn.rate:g} times ", "")
    runbook, heading = _PAGES[objective] if page else ("capacity", BUDGET)
    return Alarm(
        name=_name(objective, burn, window),
        title=f"The error budget for {objective} is spent at {times}the allowed rate{faster} (window: {_span(window)})",
        metrics=metrics,
        expression=expression,
        threshold=Threshold(
            round(burn.rate * (100 - goal), 6),
            "percent",
            f"{times}the budget of {100 - goal:.4g} %",
        ),
        period=window,
        periods=1,
        to_alarm=1,
        missing="notBreaching",
        tier=burn.tier,
        runbook=runbook,
        why=why,
        anchor=heading,
    )


def _least(context: Context, burn: Burn) -> int:
    fast = burn is BURNS[0]
    return context.thresholds.rate_minimum_events if fast else context.thresholds.slow_burn_minimum_events


def _name(objective: str, burn: Burn, window: int) -> str:
    return f"{objective}-{int(burn.rate)}x-{_span(window)}"


def _span(seconds: int) -> str:
    for size, unit in ((DAY, "d"), (HOUR, "h")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds // MINUTE}m"
