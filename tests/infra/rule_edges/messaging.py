"""Edge cases of the rules on queues, batches and subscriptions."""

from tests.infra.rule_edges.model import Edges

ON = {"strict_ordering": "true", "batch_size": "1"}
ARN = "arn:aws:sqs:eu-west-1:123456789012:billing"
EMAIL = '["{name: team, protocol: email, endpoint: team@example.com}"]'


def subscribed(endpoint: str) -> str:
    return f"[\"{{name: billing, protocol: sqs, endpoint: '{endpoint}'}}\"]"


LARGE = {"batch_threads": "100", "item_budget_seconds": "5", "batch_window_seconds": "1"}
LARGE |= {"worker_timeout_seconds": "35", "queue_visibility_seconds": "211"}

EDGES: Edges = {
    ("_time_of_an_isolated_batch", "large"): (
        {**LARGE, "batch_size": "202"},
        {**LARGE, "batch_size": "201"},
        "a batch of at most 201",
    ),
    ("_strict_ordering_in_batches", "batch"): ({**ON, "batch_size": "2"}, ON, "batch_size: 1"),
    ("_strict_ordering_in_batches", "window"): (
        {**ON, "batch_window_seconds": "1", "queue_visibility_seconds": "400"},
        ON,
        "batch_window_seconds: 0",
    ),
    ("_ordered_subscribers", "email"): ({**ON, "subscriptions": EMAIL}, {"subscriptions": EMAIL}, "protocol sqs"),
    ("_ordered_subscribers", "standard queue"): (
        {**ON, "subscriptions": subscribed(ARN)},
        {**ON, "subscriptions": subscribed(f"{ARN}.fifo")},
        "FIFO queue (.fifo) if strict_ordering is true",
    ),
    ("_ordered_subscribers", "fifo queue"): (
        {"subscriptions": subscribed(f"{ARN}.fifo")},
        {"subscriptions": subscribed(ARN)},
        "a standard queue if strict_ordering is false",
    ),
}
