"""Options of messages: in which order orders and their outcomes travel, and to whom."""

import difflib
import itertools
import string
from collections.abc import Iterator
from typing import Literal, cast

from pydantic import Field, JsonValue

from components.filter_operators import lets_through
from components.subscription_args import SubscriptionArgs
from pipeline.config.problems import Problem, values_of
from pipeline.config.processing import ProcessingOptions

MAX_RULES = 50
# What an order takes when all is well: some calls of AWS, one after the other.
ORDINARY_SECONDS = 0.1
_FIFO = ".fifo"
EVENT_TYPES = ("order.confirmed", "order.rejected")
"""The `detail-type` of events, and their message attribute `event_type`."""
ATTRIBUTES = ("currency", "event_id", "event_type")
"""The message attributes of events on a topic."""


class MessagingOptions(ProcessingOptions):
    """Order of messages, events and their subscribers."""

    events_target: Literal["topic", "bus"] = Field(
        default="topic",
        description="Where outcomes are published: an SNS topic, or an EventBridge bus that routes by their content.",
        json_schema_extra={
            "cost": "bus: 1.00 USD per million events, instead of the topic's 0.50 USD per million; either way "
            "deliveries to queues are free",
            "consequence": "bus: subscriptions filter by event_pattern, all are queues, none keeps order "
            "(docs/events.md). A change replaces topic or bus and the subscribers' queues: empty them first.",
        },
    )
    strict_ordering: bool = Field(
        default=False,
        description="Processes and notifies each caller's orders in the order they were accepted (FIFO).",
        json_schema_extra={
            "cost": "a quarter more per SQS request, and one invocation per order instead of one per ten",
            "consequence": "A failing order holds up its caller's later ones until it is done or dead-lettered "
            "(docs/ordering.md). Turning it on or off replaces queues and topic: empty them first.",
        },
    )
    subscriptions: tuple[SubscriptionArgs, ...] = Field(
        default=(),
        description="Who is notified. Each item is YAML text with name, protocol, endpoint, filter_policy, "
        "event_pattern, raw_message_delivery.",
        json_schema_extra={"allowed": "text with a YAML mapping such as {name: billing, protocol: sqs}"},
    )


def _subscription_names(config: MessagingOptions) -> Problem | None:
    names = [each.name for each in config.subscriptions]
    doubled = sorted({name for name in names if names.count(name) > 1})
    return (
        Problem(("subscriptions",), f"the name {doubled[0]} twice", "a name of its own for each") if doubled else None
    )


def _subscription_clashes(config: MessagingOptions) -> Problem | None:
    # A subscription's resources add -dlq and -queue to its name: `a` and `a-dlq` would both claim `a-dlq`.
    names = {each.name for each in config.subscriptions}
    taken = {f"{name}{suffix}" for name in names for suffix in ("-dlq", "-queue")}
    clash = sorted(names & taken)
    return (
        Problem(("subscriptions",), f"the name {clash[0]}", "a name without the ending -dlq or -queue")
        if clash
        else None
    )


def _order_on_a_bus(config: MessagingOptions) -> Problem | None:
    """Rules of a classic bus deliver in any order."""
    if config.events_target == "topic" or not config.strict_ordering:
        return None
    return Problem(
        ("events_target", "strict_ordering"),
        "bus with strict_ordering = true",
        "topic with strict_ordering: a classic EventBridge bus keeps no order; or strict_ordering: false",
    )


def _routed_subscribers(config: MessagingOptions) -> Problem | None:
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


def _one_subscription_per_endpoint(config: MessagingOptions) -> Problem | None:
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


def _watched_rules(config: MessagingOptions) -> Problem | None:
    """Every rule has two alarms that one composite hears, and CloudWatch lets that name a hundred."""
    if config.events_target == "topic" or len(config.subscriptions) <= MAX_RULES:
        return None
    return Problem(
        ("subscriptions", "events_target"),
        f"{len(config.subscriptions)} subscriptions with events_target = bus",
        f"at most {MAX_RULES}: one composite alarm hears two alarms of each",
    )


def _one_at_a_time(config: MessagingOptions) -> Problem | None:
    """In a larger batch the followers of a failing order would lose their receives, and die with it."""
    if not config.strict_ordering or (config.batch_size == 1 and config.batch_window_seconds == 0):
        return None
    keys = ("batch_size", "batch_window_seconds")
    return Problem(
        (*keys, "strict_ordering"),
        f"batch_size = {config.batch_size}, batch_window_seconds = {config.batch_window_seconds} with strict_ordering",
        "batch_size: 1 and batch_window_seconds: 0, so that a failing order costs its caller's next ones no attempt",
    )


def _one_by_one(config: MessagingOptions) -> Problem | None:
    """After a failure a batch is worked off one by one: what cannot be begun in time has lost a receive for nothing.

    After an outage every batch is such a one, and larger ones would dead-letter orders that only had to wait.
    """
    left = config.worker_timeout_seconds - config.item_budget_seconds - config.time_margin_seconds
    # Where not even one fits, another rule says so.
    if left < 0 or (config.batch_size - 1) * ORDINARY_SECONDS <= left:
        return None
    keys = ("batch_size", "worker_timeout_seconds", "item_budget_seconds", "time_margin_seconds")
    return Problem(
        keys,
        values_of(config, *keys),
        f"at most {int(left / ORDINARY_SECONDS) + 1} in a batch: {ORDINARY_SECONDS:g} seconds for each but the last "
        f"within timeout - item budget - margin = {left} seconds, because a batch with a retry in it runs one by one",
    )


def _ordered_subscribers(config: MessagingOptions) -> Problem | None:
    """A FIFO topic delivers to queues alone, and only a FIFO queue keeps the order on the way."""
    keys = ("subscriptions", "strict_ordering")
    for each in config.subscriptions:
        if config.strict_ordering and each.protocol != "sqs":
            return Problem(
                keys, f"{each.name} by {each.protocol} with strict_ordering", "protocol sqs: FIFO topics know no other"
            )
        if each.endpoint and each.protocol == "sqs" and each.endpoint.endswith(_FIFO) != config.strict_ordering:
            return Problem(
                keys,
                f"{each.name} at {each.endpoint} with strict_ordering = {str(config.strict_ordering).lower()}",
                "the ARN of a FIFO queue (.fifo) with strict_ordering, of a standard queue without",
            )
    return None


def _filters_that_match(config: MessagingOptions) -> Problem | None:
    """Names and values of what is filtered by are known: a subscriber that filters by others would never hear."""
    for each in config.subscriptions:
        for name in each.filter_policy:
            if name not in ATTRIBUTES:
                near = difflib.get_close_matches(name.replace("-", "_"), ATTRIBUTES, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                allowed = f"the message attributes of events: {', '.join(ATTRIBUTES)}{hint}"
                return Problem(("subscriptions",), f"{each.name} with a filter_policy on {name}", allowed)
        types = [*each.filter_policy.get("event_type", ()), *_values(each.event_pattern.get("detail-type"))]
        for value in types:
            if not any(lets_through(cast(JsonValue, value), known) for known in EVENT_TYPES):
                allowed = f"what matches {' or '.join(EVENT_TYPES)}: it would never hear of anything else"
                return Problem(("subscriptions",), f"{each.name} with a filter by the type {value!r}", allowed)
        for value in each.filter_policy.get("currency", ()):
            if not any(lets_through(cast(JsonValue, value), known) for known in _currencies()):
                allowed = "what matches three capital letters, as ISO 4217's codes are"
                return Problem(("subscriptions",), f"{each.name} with a filter by the currency {value!r}", allowed)
    return None


def _values(node: JsonValue) -> list[JsonValue]:
    return node if isinstance(node, list) else []


def _currencies() -> Iterator[str]:
    return ("".join(letters) for letters in itertools.product(string.ascii_uppercase, repeat=3))


SUBSCRIPTION_RULES = (
    _subscription_names,
    _subscription_clashes,
)
MESSAGING_RULES = (
    _order_on_a_bus,
    _routed_subscribers,
    _one_subscription_per_endpoint,
    _watched_rules,
    _one_at_a_time,
    _one_by_one,
    _ordered_subscribers,
    _filters_that_match,
)
