"""Alarms that are heard, when they begin and when they are over."""

from collections.abc import Iterator
from typing import Final

from policy.model import Resource, Rule

ALARMS: Final = frozenset({"aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/compositeAlarm:CompositeAlarm"})


def _recovery_is_heard(resource: Resource) -> Iterator[str]:
    if resource.props.get("alarmActions") and not resource.props.get("okActions"):
        yield "it tells when it begins but not when it is over; set okActions as well"


def _described(resource: Resource) -> Iterator[str]:
    if not resource.props.get("alarmDescription"):
        yield "it has no description; say what it means and link its runbook"


ALARM_RULES: Final = (
    Rule(
        name="alarms-tell-when-they-are-over",
        description="An alarm that notifies has okActions too, so that nobody works on what is over.",
        level="mandatory",
        types=ALARMS,
        check=_recovery_is_heard,
    ),
    Rule(
        name="alarms-say-what-to-do",
        description="Every alarm has a description; ours link the runbook.",
        level="mandatory",
        types=ALARMS,
        check=_described,
    ),
)
