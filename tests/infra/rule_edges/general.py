"""Edge cases of the rules on times, concurrency, the package, tags, alarms and the names of subscriptions."""

import json

from tests.infra.rule_edges.model import LOCAL, Edges

WITH_RECEIVER = {
    "environment": "production",
    "allow_anonymous": "true",
    "alarm_ticket_subscriptions": '["email=a@example.com"]',
}

EDGES: Edges = {
    ("_visibility",): (
        {"queue_visibility_seconds": "369", "batch_window_seconds": "10"},
        {"queue_visibility_seconds": "370", "batch_window_seconds": "10"},
        "6 x worker timeout + batching window = 370 seconds",
    ),
    ("_dead_letter_retention",): (
        {"dlq_retention_seconds": "349199"},
        {"dlq_retention_seconds": "349200"},
        "at least 349200 seconds, an hour longer than the queue's messages",
    ),
    ("_worker_idempotency_ttl",): (
        {"worker_idempotency_ttl_seconds": "1555200"},
        {"worker_idempotency_ttl_seconds": "1555201"},
        "dead-letter retention + queue retention = 1555200 seconds",
    ),
    ("_time_of_a_batch",): (
        {
            "batch_size": "11",
            "batch_window_seconds": "1",
            "worker_timeout_seconds": "59",
            "queue_visibility_seconds": "600",
        },
        {
            "batch_size": "11",
            "batch_window_seconds": "1",
            "worker_timeout_seconds": "60",
            "queue_visibility_seconds": "600",
        },
        "ceil(batch / threads) x item budget + margin + 10 = 60 seconds",
    ),
    ("_time_margin",): ({"time_margin_seconds": "9"}, {"time_margin_seconds": "10"}, "at least 10 seconds"),
    ("_backoff",): (
        {"retry_base_seconds": "901", "max_receive_count": "50"},
        {"retry_base_seconds": "900", "max_receive_count": "50"},
        "at least the base, 901 seconds",
    ),
    ("_hidden_at_most_12_hours",): (
        {"retry_cap_seconds": "43131", "batch_window_seconds": "10", "queue_visibility_seconds": "370"},
        {"retry_cap_seconds": "43130", "batch_window_seconds": "10", "queue_visibility_seconds": "370"},
        "at most 43130 seconds (12 hours minus worker timeout minus batching window)",
    ),
    ("_horizon",): (
        {"max_receive_count": "7"},
        {"max_receive_count": "8"},
        "at least 1200 seconds",
    ),
    ("_retries_within_retention",): (
        {"queue_retention_seconds": "3420"},
        {"queue_retention_seconds": "3901"},
        "that all retries can take",
    ),
    ("_runbook_links",): (
        {**WITH_RECEIVER, "runbook_base_url": "docs/runbooks"},
        {**WITH_RECEIVER, "runbook_base_url": "https://example.com/runbooks"},
        "https://github.com/OWNER/REPOSITORY/blob/main/docs/runbooks",
    ),
    ("_short_horizon_in_production",): (
        {"environment": "production", "allow_anonymous": "true", "short_retry_horizon": "true"},
        {"environment": "development", "short_retry_horizon": "true", "max_receive_count": "5"},
        "false in production",
    ),
    ("_batch_window",): (
        {"batch_size": "11", "batch_threads": "11"},
        {"batch_size": "10", "batch_threads": "11"},
        "at least 1 second with batches of more than 10 messages",
    ),
    ("_reserved_worker", "stopped"): (
        {"worker_reserved_concurrency": "0"},
        {"worker_reserved_concurrency": "-1"},
        "python -m ops worker pause",
    ),
    ("_reserved_worker", "below maximum"): (
        {"worker_reserved_concurrency": "9"},
        {"worker_reserved_concurrency": "10"},
        "at least worker_max_concurrency = 10",
    ),
    ("_endpoint",): (
        {"local_endpoint": "http://127.0.0.1:4566"},
        LOCAL,
        "no URL in other environments",
    ),
    ("_package_target",): (
        {"package_for_this_machine": "true"},
        {"package_for_this_machine": "true", **LOCAL},
        "only with environment local",
    ),
    ("_bytecode_release",): (
        {"package_bytecode_release": "3.12.1"},
        {"package_bytecode_release": "3.13.1"},
        "a release of 3.13",
    ),
    ("_bytecode_release_unused",): (
        {"package_bytecode_release": "3.13.1", "package_bytecode": "false"},
        {"package_bytecode_release": "3.13.1", "package_bytecode": "true"},
        "the release applies only to byte code for Lambda",
    ),
    ("_subscription_names",): (
        {"subscriptions": json.dumps(["{name: a, protocol: sqs}"] * 2)},
        {"subscriptions": json.dumps(["{name: a, protocol: sqs}", "{name: b, protocol: sqs}"])},
        "a different name",
    ),
    ("_subscription_clashes",): (
        {"subscriptions": json.dumps(["{name: a, protocol: sqs}", "{name: a-dlq, protocol: sqs}"])},
        {"subscriptions": json.dumps(["{name: a, protocol: sqs}", "{name: b-dlq, protocol: sqs}"])},
        "without the ending",
    ),
    ("_extra_tags", "program's tag in lower case"): (
        {"extra_tags": '["owner=me"]'},
        {"extra_tags": '["owners=me"]'},
        "upper and lower case count as equal",
    ),
    ("_extra_tags", "two tags that differ only in case"): (
        {"extra_tags": '["Team=me", "team=me"]'},
        {"extra_tags": '["Team=me", "teams=me"]'},
        "upper and lower case count as equal",
    ),
    ("_extra_tags", "program's tag"): (
        {"extra_tags": '["Owner=me"]'},
        {"extra_tags": '["Team=me"]'},
        "each name once; no name of",
    ),
    ("_thresholds_once",): (
        {"alarm_thresholds": '["api_p99_ms=1", "api_p99_ms=2"]'},
        {"alarm_thresholds": '["api_p99_ms=1", "rate_minimum_events=2"]'},
        "each threshold once",
    ),
    ("_receivers_once", "page"): (
        {"alarm_page_subscriptions": '["email=a@example.com", "email=a@example.com"]'},
        {"alarm_page_subscriptions": '["email=a@example.com", "email=b@example.com"]'},
        "each receiver once",
    ),
    ("_receivers_once", "another tier"): (
        {"alarm_ticket_subscriptions": '["sms=+4930123456", "sms=+4930123456"]'},
        {"alarm_ticket_subscriptions": '["sms=+4930123456"]', "alarm_notify_subscriptions": '["sms=+4930123456"]'},
        "each receiver once",
    ),
    ("_alarms_in_production",): (
        {"environment": "production", "allow_anonymous": "true", "alarms": "false"},
        {"environment": "development", "alarms": "false"},
        "true in production",
    ),
}
