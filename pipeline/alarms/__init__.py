"""The alarm table of the orders pipeline: all alarms of a stack except those that stop a deployment."""

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
    """Return the table for one stack's thresholds and limits.

    Args:
        thresholds: The configured thresholds.
        limits: The stack's limits.
        bus_rules: Names of the subscriptions to a bus; None if events go to a topic.
        bus_dead_letters: Whether the bus has a dead-letter queue.
        certificate: Whether the API has a custom domain, and with it a certificate.
        certificate_region: The certificate's Region, if it is not the stack's.
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
