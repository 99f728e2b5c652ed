"""The alarm table of the order pipeline: every row that a stack watches itself with."""

from components.alarms.model import AlarmTable
from components.alarms.rows.api import api_alarms
from components.alarms.rows.composites import composites
from components.alarms.rows.context import REFS, Context, Limits
from components.alarms.rows.dependencies import dependency_alarms
from components.alarms.rows.functions import function_alarms
from components.alarms.rows.queues import queue_alarms
from components.alarms.settings import AlarmThresholds

__all__ = ["REFS", "Limits", "alarm_table"]


def alarm_table(thresholds: AlarmThresholds, limits: Limits) -> AlarmTable:
    """The table for one stack's thresholds and limits."""
    context = Context(thresholds, limits)
    rows = (
        *api_alarms(context),
        *function_alarms(context),
        *queue_alarms(context),
        *dependency_alarms(context),
    )
    return AlarmTable(rows, composites(rows))
