"""Options of messages: their sequence, and the subscribers to outcomes."""

import difflib
import itertools
import string
from collections import Counter
from collections.abc import Iterator
from typing import Literal

from pydantic import Field, JsonValue

from components.filter_operators import lets_through
from components.subscription_args import SubscriptionArgs
from pipeline.config.problems import Problem, values_of
from pipeline.config.processing import ProcessingOptions

MAX_RULES = 50
# Assumed time for one order without failures: about six calls to AWS, one after the other.
ORDINARY_SECONDS = 0.1
_FIFO = ".fifo"
EVENT_TYPES = ("order.confirmed", "order.rejected")
"""The `detail-type` of events, and their message attribute `event_type`."""
ATTRIBUTES = ("currency", "event_id", "event_type")
"""The message attributes of events on a topic."""


class MessagingOptions(ProcessingOptions):
    """Options of events, their subscribers, and the sequence of messages."""

    events_target: Literal["topic", "bus"] = Field(
        default="topic",
        description="Where outcomes are published: an SNS topic, or an EventBridge bus that routes by their content.",
        json_schema_extra={
            "cost": "bus: 1.00 USD per million events, instead of the topic's 0.50 USD per million; either way "
            "deliveries to queues are free",
            "consequence": "bus: subscriptions filter by event_pattern, deliver only to queues and keep no sequence "
            "(docs/events.md). A change replaces the topic or bus and the subscribers' queues. "
            "Empty these queues first.",
        },
    )
    strict_ordering: bool = Field(
        default=False,
        description="Processes each caller's orders and publishes their outcomes in the sequence of acceptance (FIFO).",
        json_schema_extra={
            "cost": "a quarter more per SQS request, and one invocation per order instead of one per batch",
            "consequence": "A failing order delays its caller's later orders until it is settled or dead-lettered "
            "(docs/ordering.md). A change replaces the queues and the topic: empty the queues first.",
        },
    )
    subscriptions: tuple[SubscriptionArgs, ...] = Field(
        default=(),
        description="Subscribers to outcomes. Each is YAML text with name, protocol, endpoint, filter_policy, "
        "event_pattern, raw_message_delivery.",
        json_schema_extra={"allowed": "text with a YAML mapping such as {name: billing, protocol: sqs}"},
    )


def _subscription_names(config: MessagingOptions) -> Iterator[Problem]:
    names = Counter(each.name for each in config.subscriptions)
    for doubled in sorted(name for name, count in names.items() if count > 1):
        yield Problem(("subscriptions",), f"the name {doubled!r} twice", "a different name for each subscription")


def _subscription_clashes(config: MessagingOptions) -> Iterator[Problem]:
    # The queues of a subscription `a` are named `a-dlq` and `a-queue`, so no other subscription may have these names.
    names = {each.name for each in config.subscriptions}
    taken = {f"{name}{suffix}" for name in names for suffix in ("-dlq", "-queue")}
    for clash in sorted(names & taken):
        name = clash.rpartition("-")[0]
        allowed = f"a name without the ending -dlq or -queue, because the queues of {name!r} have these endings"
        yield Problem(("subscriptions",), f"the name {clash!r} beside {name!r}", allowed)


def _strict_ordering_on_a_bus(config: MessagingOptions) -> Problem | None:
    """The rules of an EventBridge bus do not keep the sequence."""
    if config.events_target == "topic" or not config.strict_ordering:
        return None
    return Problem(
        ("events_target", "strict_ordering"),
        "bus with strict_ordering = true",
        "topic with strict_ordering, because an EventBridge bus keeps no sequence; or strict_ordering: false",
    )


def _routed_subscribers(config: MessagingOptions) -> Iterator[Problem]:
    """A topic filters by attributes, a bus by patterns; and a bus delivers only to queues."""
    keys = ("subscriptions", "events_target")
    bus = config.events_target == "bus"
    for each in config.subscriptions:
        if bus and each.protocol != "sqs":
            yield Problem(
                keys,
                f"the subscription {each.name!r} with protocol {each.protocol} and events_target = bus",
                "protocol sqs, because a bus cannot send e-mail, and cannot call a URL without credentials",
            )
        if bus and each.filter_policy:
            yield Problem(
                keys,
                f"the subscription {each.name!r} with filter_policy and events_target = bus",
                "event_pattern, e.g. {detail-type: [order.rejected]}, because events on a bus have no message "
                "attributes",
            )
        if each.event_pattern and not bus:
            yield Problem(
                keys,
                f"the subscription {each.name!r} with event_pattern and events_target = topic",
                "filter_policy, e.g. {event_type: [order.rejected]}, because a topic filters by message attributes",
            )


def _one_subscription_per_endpoint(config: MessagingOptions) -> Iterator[Problem]:
    """SNS refuses two subscriptions of one endpoint if their attributes differ, and ours differ in their DLQs."""
    reached = Counter((each.protocol, each.endpoint) for each in config.subscriptions if each.endpoint)
    doubled = sorted(endpoint for (_, endpoint), count in reached.items() if count > 1)
    for endpoint in doubled if config.events_target == "topic" else ():
        yield Problem(
            ("subscriptions", "events_target"),
            f"{endpoint} in several subscriptions with events_target = topic",
            "one subscription per endpoint; its filter_policy can have several values",
        )


def _alarms_of_rules(config: MessagingOptions) -> Problem | None:
    """One composite contains two alarms of each rule. CloudWatch allows 100 alarms in a composite."""
    if config.events_target == "topic" or len(config.subscriptions) <= MAX_RULES:
        return None
    return Problem(
        ("subscriptions", "events_target"),
        f"{len(config.subscriptions)} subscriptions with events_target = bus",
        f"at most {MAX_RULES}, because a composite alarm has at most 100 alarms, and each subscription adds two",
    )


def _strict_ordering_in_batches(config: MessagingOptions) -> Problem | None:
    """On a FIFO queue, orders behind a failing order in a batch would use up receives and become dead letters too."""
    if not config.strict_ordering or (config.batch_size == 1 and config.batch_window_seconds == 0):
        return None
    keys = ("batch_size", "batch_window_seconds")
    return Problem(
        (*keys, "strict_ordering"),
        f"batch_size = {config.batch_size}, batch_window_seconds = {config.batch_window_seconds} with strict_ordering",
        "batch_size: 1 and batch_window_seconds: 0, so that a failing order does not make later orders dead letters",
    )


def _time_of_an_isolated_batch(config: MessagingOptions) -> Problem | None:
    """The messages of an isolated batch run one by one. A message that cannot start in time loses a receive.

    After an outage, every batch is isolated. If batches were too large, orders that only had to wait would become dead
    letters.
    """
    left = config.worker_timeout_seconds - config.item_budget_seconds - config.time_margin_seconds
    # If not even one message fits, another rule reports it.
    if left < 0 or (config.batch_size - 1) * ORDINARY_SECONDS <= left:
        return None
    keys = ("batch_size", "worker_timeout_seconds", "item_budget_seconds", "time_margin_seconds")
    return Problem(
        keys,
        values_of(config, *keys),
        f"a batch of at most {int(left / ORDINARY_SECONDS) + 1} messages. If one of them was received before, all run "
        f"one by one. Each takes about {ORDINARY_SECONDS:g} s, and the last one must start within {left} s "
        "(timeout - item budget - margin)",
    )


def _ordered_subscribers(config: MessagingOptions) -> Iterator[Problem]:
    """A FIFO topic delivers only to queues, and only a FIFO queue keeps the sequence."""
    keys = ("subscriptions", "strict_ordering")
    for each in config.subscriptions:
        if config.strict_ordering and each.protocol != "sqs":
            yield Problem(
                keys,
                f"the subscription {each.name!r} with protocol {each.protocol} and strict_ordering = true",
                "protocol sqs, because a FIFO topic delivers only to queues",
            )
        if each.endpoint and each.protocol == "sqs" and each.endpoint.endswith(_FIFO) != config.strict_ordering:
            yield Problem(
                keys,
                f"the subscription {each.name!r} with endpoint {each.endpoint} and strict_ordering = "
                f"{str(config.strict_ordering).lower()}",
                "the ARN of a FIFO queue (.fifo) if strict_ordering is true, or the ARN of a standard queue if "
                "strict_ordering is false",
            )


def _filters_that_match(config: MessagingOptions) -> Iterator[Problem]:
    """The attributes, types and currencies of events are known. A filter by any other value never matches."""
    for each in config.subscriptions:
        for name in each.filter_policy:
            if name not in ATTRIBUTES:
                near = difflib.get_close_matches(name.replace("-", "_"), ATTRIBUTES, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                allowed = f"the message attributes of events: {', '.join(ATTRIBUTES)}{hint}"
                given = f"the subscription {each.name!r} with the attribute {name!r} in its filter_policy"
                yield Problem(("subscriptions",), given, allowed)
        types = [*each.filter_policy.get("event_type", ()), *_values(each.event_pattern.get("detail-type"))]
        for value in types:
            if not any(lets_through(value, known) for known in EVENT_TYPES):
                allowed = f"a filter that matches {' or '.join(EVENT_TYPES)}, because there are no other types"
                given = f"the subscription {each.name!r} with a filter by the event type {value!r}"
                yield Problem(("subscriptions",), given, allowed)
        for value in each.filter_policy.get("currency", ()):
            if not any(lets_through(value, known) for known in _currencies()):
                allowed = "a filter that matches three capital letters, like ISO 4217's codes"
                given = f"the subscription {each.name!r} with a filter by the currency {value!r}"
                yield Problem(("subscriptions",), given, allowed)


def _values(node: JsonValue) -> list[JsonValue]:
    return node if isinstance(node, list) else []


def _currencies() -> Iterator[str]:
    return ("".join(letters) for letters in itertools.product(string.ascii_uppercase, repeat=3))


SUBSCRIPTION_RULES = (
    _subscription_names,
    _subscription_clashes,
)
MESSAGING_RULES = (
    _strict_ordering_on_a_bus,
    _routed_subscribers,
    _one_subscription_per_endpoint,
    _alarms_of_rules,
    _strict_ordering_in_batches,
    _time_of_an_isolated_batch,
    _ordered_subscribers,
    _filters_that_match,
)
