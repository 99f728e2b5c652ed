"""The alarm table of the order pipeline: every row that a stack watches itself with."""

from components.alarms.model import AlarmTable
from pipeline.alarms.api import api_alarms
from pipeline.alarms.composites import composites
from pipeline.alarms.context import Context, Limits
from pipeline.alarms.deliveries import delivery_alarms
from pipeline.alarms.functions import function_alarms
from pipeline.alarms.objectives import objective_alarms
from pipeline.alarms.queues import queue_alarms
from pipeline.config.alarm_thresholds import AlarmThresholds

__all__ = ["Limits", "alarm_table"]


def alarm_table(
    thresholds: AlarmThresholds,
    limits: Limits,
    bus_rules: tuple[str, ...] | None = None,
    *,
    bus_dead_letters: bool = False,
    certificate: bool = False,
    certificate_region: str | None = None,
) -> AlarmTable:
    """The table for one stack's thresholds and limits.

    `bus_rules` are the names of the subscriptions to a bus; None: outcomes go to a topic. `bus_dead_letters` says
    whether that bus has a dead-letter queue of its own, `certificate` whether the API has one, `certificate_region`
    where, if not in the stack's.
    """
    context = Context(thresholds, limits, bus_rules, bus_dead_letters, certificate, certificate_region)
    rows = (
        *objective_alarms(context),
        *api_alarms(context),
        *function_alarms(context),
        *queue_alarms(context),
        *delivery_alarms(context),
    )
    return AlarmTable(rows, composites(rows))
