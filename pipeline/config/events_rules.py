"""Rules between the options on where outcomes are published and who hears of them."""

from typing import TYPE_CHECKING

from pipeline.config.problems import Problem

if TYPE_CHECKING:
    from pipeline.config.stack_config import StackConfig

MAX_RULES = 50


def order_on_a_bus(config: "StackConfig") -> Problem | None:
    """EventBridge delivers in any order, and rules here have no message groups."""
    if config.events_target == "topic" or not config.strict_ordering:
        return None
    return Problem(
        ("events_target", "strict_ordering"),
        "bus with strict_ordering = true",
        "topic with strict_ordering: EventBridge keeps no order; or strict_ordering: false",
    )


def routed_subscribers(config: "StackConfig") -> Problem | None:
    """A topic filters by attributes, a bus by patterns, and a bus reaches queues only."""
    keys = ("subscriptions", "events_target")
    bus = config.events_target == "bus"
    for each in config.subscriptions:
        if bus and each.protocol != "sqs":
            return Problem(
                keys,
                f"{each.name} by {each.protocol} with events_target = bus",
                "protocol sqs: a rule reaches no mailbox, and a URL only by credentials that are not kept here",
            )
        if bus and each.filter_policy:
            return Problem(
                keys,
                f"{each.name} with a filter_policy with events_target = bus",
                "event_pattern, e.g. {detail-type: [order.rejected]}: events on a bus have no message attributes",
            )
        if each.event_pattern and not bus:
            return Problem(
                keys,
                f"{each.name} with an event_pattern with events_target = topic",
                "filter_policy, e.g. {event_type: [order.rejected]}: SNS filters by message attributes here",
            )
    return None


def one_subscription_per_endpoint(config: "StackConfig") -> Problem | None:
    """To a topic an endpoint is subscribed once: SNS refuses it with other attributes, and ours differ in their DLQ."""
    reached = [(each.protocol, each.endpoint) for each in config.subscriptions if each.endpoint]
    doubled = sorted({endpoint for protocol, endpoint in reached if reached.count((protocol, endpoint)) > 1})
    if config.events_target == "bus" or not doubled:
        return None
    return Problem(
        ("subscriptions", "events_target"),
        f"{doubled[0]} in several subscriptions with events_target = topic",
        "one subscription per endpoint, whose filter_policy lists all that it wants",
    )


def watched_rules(config: "StackConfig") -> Problem | None:
    """Every rule has two alarms that one composite hears, and CloudWatch lets that name a hundred."""
    if config.events_target == "topic" or len(config.subscriptions) <= MAX_RULES:
        return None
    return Problem(
        ("subscriptions", "events_target"),
        f"{len(config.subscriptions)} subscriptions with events_target = bus",
        f"at most {MAX_RULES}: one composite alarm hears two alarms of each",
    )


EVENTS_RULES = (order_on_a_bus, routed_subscribers, one_subscription_per_endpoint, watched_rules)
