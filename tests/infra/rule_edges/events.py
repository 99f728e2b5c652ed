"""Edge cases of the configuration's rules on events: filters, subscribers and the event bus."""

import json

from pipeline.config.messaging import MAX_RULES
from tests.infra.rule_edges.model import Edges

ON = {"events_target": "bus"}


def subscribed(*items: str) -> str:
    return json.dumps(items)


EMAIL = subscribed("{name: team, protocol: email, endpoint: team@example.com}")
HTTPS = subscribed("{name: hook, protocol: https, endpoint: 'https://example.com/hook'}")
FILTERED = subscribed("{name: own, protocol: sqs, filter_policy: {event_type: [order.rejected]}}")
PATTERN = subscribed("{name: own, protocol: sqs, event_pattern: {detail-type: [order.rejected]}}")
TWICE = "{{name: {}, protocol: sqs, endpoint: 'arn:aws:sqs:eu-west-1:123456789012:billing'}}"


def filtered(policy: str) -> dict[str, str]:
    return {"subscriptions": subscribed(f"{{name: own, protocol: sqs, filter_policy: {policy}}}")}


def on_a_bus(pattern: str) -> dict[str, str]:
    return {**ON, "subscriptions": subscribed(f"{{name: own, protocol: sqs, event_pattern: {pattern}}}")}


MANY = [f"{{name: s{index}, protocol: sqs}}" for index in range(MAX_RULES + 1)]

EDGES: Edges = {
    ("_filters_that_match", "unknown"): (
        filtered("{status: [REJECTED]}"),
        filtered("{}"),
        "currency, event_id, event_type",
    ),
    ("_filters_that_match", "misspelt"): (
        filtered("{event-type: [order.rejected]}"),
        filtered("{event_type: [order.rejected]}"),
        "did you mean event_type?",
    ),
    ("_filters_that_match", "type"): (
        filtered("{event_type: [order.confirmed, order.rejcted]}"),
        filtered("{event_type: [order.confirmed, {suffix: rejected}]}"),
        "order.confirmed or order.rejected",
    ),
    ("_filters_that_match", "absent type"): (
        filtered("{event_type: [{exists: false}]}"),
        filtered("{event_type: [{exists: true}]}"),
        "order.confirmed or order.rejected",
    ),
    ("_filters_that_match", "number"): (
        filtered("{currency: [{numeric: ['>', 5]}]}"),
        filtered("{currency: [{anything-but: EUR}]}"),
        "three capital letters",
    ),
    ("_filters_that_match", "small letters"): (
        filtered("{currency: [eur]}"),
        filtered("{currency: [{equals-ignore-case: eur}]}"),
        "three capital letters",
    ),
    ("_filters_that_match", "detail-type"): (
        on_a_bus("{detail-type: [order.rejcted]}"),
        on_a_bus("{detail-type: [{wildcard: 'order.*'}]}"),
        "order.confirmed or order.rejected",
    ),
    ("_strict_ordering_on_a_bus", "fifo"): (
        {**ON, "strict_ordering": "true", "batch_size": "1"},
        {"strict_ordering": "true", "batch_size": "1"},
        "an EventBridge bus keeps no sequence",
    ),
    ("_routed_subscribers", "email"): ({**ON, "subscriptions": EMAIL}, {"subscriptions": EMAIL}, "protocol sqs"),
    ("_routed_subscribers", "https"): ({**ON, "subscriptions": HTTPS}, {"subscriptions": HTTPS}, "protocol sqs"),
    ("_routed_subscribers", "attributes"): (
        {**ON, "subscriptions": FILTERED},
        {**ON, "subscriptions": PATTERN},
        "event_pattern, e.g. {detail-type: [order.rejected]}",
    ),
    ("_routed_subscribers", "pattern"): (
        {"subscriptions": PATTERN},
        {"subscriptions": FILTERED},
        "filter_policy, e.g. {event_type: [order.rejected]}",
    ),
    ("_one_subscription_per_endpoint", "topic"): (
        {"subscriptions": subscribed(TWICE.format("one"), TWICE.format("two"))},
        {**ON, "subscriptions": subscribed(TWICE.format("one"), TWICE.format("two"))},
        "one subscription per endpoint",
    ),
    ("_one_subscription_per_endpoint", "stack's own queues"): (
        {"subscriptions": subscribed(TWICE.format("one"), TWICE.format("two"))},
        {"subscriptions": subscribed("{name: one, protocol: sqs}", "{name: two, protocol: sqs}")},
        "one subscription per endpoint",
    ),
    ("_alarms_of_rules", "too many"): (
        {**ON, "subscriptions": json.dumps(MANY)},
        {**ON, "subscriptions": json.dumps(MANY[1:])},
        "at most 50",
    ),
}
