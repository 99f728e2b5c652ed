"""Rules between the options on alarms."""

from typing import TYPE_CHECKING

from pipeline.config.problems import Problem

if TYPE_CHECKING:
    from pipeline.config.stack_config import StackConfig


def thresholds_once(config: "StackConfig") -> Problem | None:
    """A threshold that is given twice has no value."""
    names = [item.partition("=")[0] for item in config.alarm_thresholds]
    doubled = sorted({name for name in names if names.count(name) > 1})
    return Problem(("alarm_thresholds",), f"{doubled[0]} twice", "each threshold once") if doubled else None


def receivers_once(config: "StackConfig") -> Problem | None:
    """The name of a subscription's resource is made from its receiver: two of them would be one resource."""
    for key in ("alarm_page_subscriptions", "alarm_notify_subscriptions", "alarm_ticket_subscriptions"):
        receivers = getattr(config, key)
        if len(set(receivers)) != len(receivers):
            return Problem((key,), "a receiver twice", "each receiver once")
    return None


def alarms_in_production(config: "StackConfig") -> Problem | None:
    """Production has somebody who hears of failures."""
    if config.alarms or config.environment != "production":
        return None
    return Problem(("alarms", "environment"), "false in production", "true in production: somebody has to hear of it")


ALARM_RULES = (thresholds_once, receivers_once, alarms_in_production)
