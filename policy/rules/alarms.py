"""Rules on alarms: if an alarm notifies of its start, it also notifies of its end; every alarm has a description."""

from collections.abc import Iterator
from typing import Final

from policy.model import Resource, Rule

ALARMS: Final = frozenset({"aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/compositeAlarm:CompositeAlarm"})


def _end_notifies(resource: Resource) -> Iterator[str]:
    if resource.props.get("alarmActions") and not resource.props.get("okActions"):
        yield "it notifies when it starts but not when it ends; set okActions too"


def _described(resource: Resource) -> Iterator[str]:
    if not resource.props.get("alarmDescription"):
        yield "it has no description; explain it and link its runbook"


ALARM_RULES: Final = (
    Rule(
        name="alarms-tell-when-they-are-over",
        description="An alarm that notifies has okActions too, so that nobody works on an incident that has ended.",
        level="mandatory",
        types=ALARMS,
        check=_end_notifies,
    ),
    Rule(
        name="alarms-say-what-to-do",
        description="Every alarm has a description, which explains it to people on call.",
        level="mandatory",
        types=ALARMS,
        check=_described,
    ),
)
