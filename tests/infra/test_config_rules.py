"""Rules between fields: the edge on either side, and the message."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.config import ConfigError
from components.config.api_rules import API_RULES
from components.config.data_rules import DATA_RULES
from components.config.delivery_rules import DELIVERY_RULES
from components.config.events_rules import EVENTS_RULES
from components.config.messaging_rules import MESSAGING_RULES
from components.config.rules import MIN_HORIZON_SECONDS, RULES
from tests.infra.config_factory import only_problem, parsed, refused

LOCAL = {"environment": "local", "local_endpoint": "http://127.0.0.1:4566"}
# Name of the rule: keys that just break it, keys that just keep it, words of the message.
EDGES: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "_visibility": (
        {"queue_visibility_seconds": "369", "batch_window_seconds": "10"},
        {"queue_visibility_seconds": "370", "batch_window_seconds": "10"},
        "6 x worker timeout + batching window = 370 seconds",
    ),
    "_dead_letter_retention": (
        {"dlq_retention_seconds": "345600"},
        {"dlq_retention_seconds": "345601"},
        "longer than the queue's 345600 seconds",
    ),
    "_worker_memory_of_orders": (
        {"worker_idempotency_ttl_seconds": "1555200"},
        {"worker_idempotency_ttl_seconds": "1555201"},
        "dead-letter retention + queue retention = 1555200 seconds",
    ),
    "_time_of_a_batch": (
        {
            "batch_size": "11",
            "batch_window_seconds": "1",
            "worker_timeout_seconds": "65",
            "queue_visibility_seconds": "600",
        },
        {
            "batch_size": "11",
            "batch_window_seconds": "1",
            "worker_timeout_seconds": "66",
            "queue_visibility_seconds": "600",
        },
        "ceil(batch / threads) x item budget + margin + 1 = 66 seconds",
    ),
    "_time_margin": ({"time_margin_seconds": "4"}, {"time_margin_seconds": "5"}, "at least 5 seconds"),
    "_backoff": (
        {"retry_base_seconds": "901", "max_receive_count": "50"},
        {"retry_base_seconds": "900", "max_receive_count": "50"},
        "at least the base, 901 seconds",
    ),
    "_horizon": (
        {"max_receive_count": "7"},
        {"max_receive_count": "8"},
        "at least 1200 seconds",
    ),
    "_retries_within_retention": (
        {"queue_retention_seconds": "3420"},
        {"queue_retention_seconds": "3901"},
        "that all retries can take",
    ),
    "_short_horizon_in_production": (
        {"environment": "production", "allow_anonymous": "true", "short_retry_horizon": "true"},
        {"environment": "development", "short_retry_horizon": "true", "max_receive_count": "5"},
        "false in production",
    ),
    "_batch_window": (
        {"batch_size": "11", "batch_threads": "11"},
        {"batch_size": "10", "batch_threads": "11"},
        "at least 1 second with batches above 10",
    ),
    "_reserved_worker": (
        {"worker_reserved_concurrency": "9"},
        {"worker_reserved_concurrency": "10"},
        "at least worker_max_concurrency = 10",
    ),
    "_endpoint": (
        {"local_endpoint": "http://127.0.0.1:4566"},
        LOCAL,
        "none with any other",
    ),
    "_package_target": (
        {"package_for_this_machine": "true"},
        {"package_for_this_machine": "true", **LOCAL},
        "with environment local only",
    ),
    "_bytecode_release": (
        {"package_bytecode_release": "3.12.1"},
        {"package_bytecode_release": "3.13.1"},
        "a release of 3.13",
    ),
    "_bytecode_release_unused": (
        {"package_bytecode_release": "3.13.1", "package_bytecode": "false"},
        {"package_bytecode_release": "3.13.1", "package_bytecode": "true"},
        "nothing is compiled by another Python",
    ),
    "_subscription_names": (
        {"subscriptions": json.dumps(["{name: a, protocol: sqs}"] * 2)},
        {"subscriptions": json.dumps(["{name: a, protocol: sqs}", "{name: b, protocol: sqs}"])},
        "a name of its own",
    ),
    "_subscription_clashes": (
        {"subscriptions": json.dumps(["{name: a, protocol: sqs}", "{name: a-dlq, protocol: sqs}"])},
        {"subscriptions": json.dumps(["{name: a, protocol: sqs}", "{name: b-dlq, protocol: sqs}"])},
        "without the ending",
    ),
    "_extra_tags": (
        {"extra_tags": '["Owner=me"]'},
        {"extra_tags": '["Team=me"]'},
        "names once each",
    ),
    "_thresholds_once": (
        {"alarm_thresholds": '["api_p99_ms=1", "api_p99_ms=2"]'},
        {"alarm_thresholds": '["api_p99_ms=1", "backlog_messages=2"]'},
        "each threshold once",
    ),
    "_alarms_in_production": (
        {"environment": "production", "allow_anonymous": "true", "alarms": "false"},
        {"environment": "development", "alarms": "false"},
        "true in production",
    ),
}


def test_every_rule_has_its_edges_here() -> None:
    # GIVEN rules whose edges have a file of their own
    elsewhere = (*API_RULES, *DATA_RULES, *DELIVERY_RULES, *EVENTS_RULES, *MESSAGING_RULES)
    # WHEN / THEN
    assert set(EDGES) == {rule.__name__ for rule in RULES if rule not in elsewhere}


@pytest.mark.parametrize("rule", EDGES)
def test_a_broken_rule_is_answered_with_what_was_given_what_is_allowed_and_the_keys(rule: str) -> None:
    # GIVEN
    broken, _, words = EDGES[rule]

    # WHEN
    problem = only_problem(**broken)

    # THEN
    message = problem.render("orders")
    assert words in problem.allowed
    assert set(problem.keys) & set(broken)
    assert message.endswith(f"change {' or '.join(f'orders:{key}' for key in problem.keys)}")
    assert problem.given


@pytest.mark.parametrize("rule", EDGES)
def test_a_rule_that_is_just_kept_lets_the_configuration_through(rule: str) -> None:
    # GIVEN
    _, kept, _ = EDGES[rule]

    # WHEN
    config = parsed(**kept)

    # THEN
    assert config.environment == kept.get("environment", "development")


@pytest.mark.parametrize("tags", [["aws:x=1"], ["A=1", "A=2"], [f"T{index}=x" for index in range(46)]])
def test_tags_that_aws_would_refuse_are_refused(tags: list[str]) -> None:
    # GIVEN / WHEN
    problem = only_problem(extra_tags=json.dumps(tags))

    # THEN
    assert problem.keys == ("extra_tags",)


def test_a_local_environment_needs_an_endpoint() -> None:
    # GIVEN / WHEN
    problem = only_problem(environment="local")

    # THEN
    assert problem.keys == ("local_endpoint", "environment")


@given(
    base=st.integers(1, 2_000),
    cap=st.integers(1, 4_000),
    receives=st.integers(5, 30),
)
def test_the_horizon_is_the_shortest_sum_of_half_delays(base: int, cap: int, receives: int) -> None:
    # GIVEN
    delays = [math.floor(min(cap, base * 2**failed)) / 2 for failed in range(receives - 1)]
    patient = sum(delays) >= MIN_HORIZON_SECONDS

    # WHEN
    try:
        parsed(retry_base_seconds=str(base), retry_cap_seconds=str(cap), max_receive_count=str(receives))
        problems = []
    except ConfigError as error:
        problems = [problem.keys[0] for problem in error.problems]

    # THEN
    assert ("max_receive_count" not in problems) == patient


class TestSubscriptions:
    @pytest.mark.parametrize(
        ("item", "key", "allowed"),
        [
            ("{name: A, protocol: sqs}", "subscriptions[0].name", "lower-case letters"),
            ("{name: a, protocol: sms}", "subscriptions[0].protocol", "one of email, sqs, https"),
            ("{name: a, protocol: sqs, endpoint: 3}", "subscriptions[0].endpoint", "text"),
            ("{protocol: sqs}", "subscriptions[0].name", "lower-case letters"),
            ("{name: a, protocol: sqs, filter: {}}", "subscriptions[0].filter", "name, protocol, endpoint"),
            (
                "{name: a, protocol: sqs, raw_message_delivery: 3}",
                "subscriptions[0].raw_message_delivery",
                "true or false",
            ),
            ("{name: a, protocol: email, endpoint: me}", "subscriptions[0]", "an e-mail address"),
            ("{name: a, protocol: https, endpoint: 'http://x'}", "subscriptions[0]", "starts with https://"),
            ("{name: a, protocol: sqs, endpoint: 'arn:aws:sns:x'}", "subscriptions[0]", "ARN of an SQS queue"),
            (
                "{name: a, protocol: email, endpoint: a@b.ch, raw_message_delivery: true}",
                "subscriptions[0]",
                "with sqs and https only",
            ),
            (
                "{name: a, protocol: sqs, filter_policy: {event_type: order.rejected}}",
                "subscriptions[0].filter_policy",
                "with a list of values",
            ),
            ("{name: a, protocol: sqs, filter_policy: {event_type: []}}", "subscriptions[0]", "at least one value"),
            (
                "{name: a, protocol: sqs, filter_policy: {a: [1], b: [1], c: [1], d: [1], e: [1], f: [1]}}",
                "subscriptions[0]",
                "5 attributes and 150",
            ),
            ("[a, b]", "subscriptions[0]", "a YAML mapping"),
            ("{a", "subscriptions[0]", "a YAML mapping"),
        ],
    )
    def test_a_wrong_subscription_is_answered_with_its_place_and_what_is_allowed(
        self, item: str, key: str, allowed: str
    ) -> None:
        # GIVEN / WHEN
        error = refused(subscriptions=json.dumps([item]))

        # THEN
        assert error.problems[0].keys[0].startswith(key)
        assert allowed in error.problems[0].allowed
        assert error.problems[0].given

    def test_several_wrong_ones_are_all_reported(self) -> None:
        # GIVEN
        items = ["{name: A, protocol: sqs}", "nonsense", "{name: b, protocol: fax}"]

        # WHEN
        error = refused(subscriptions=json.dumps(items))

        # THEN
        assert {problem.keys[0][:16] for problem in error.problems} >= {"subscriptions[1]"}

    @pytest.mark.parametrize(
        "policy", ["{event_type: [a, {prefix: order.}]}", "{n: [{numeric: ['>', 5]}]}", "{x: [{exists: false}, null]}"]
    )
    def test_the_operators_of_filter_policies_are_let_through(self, policy: str) -> None:
        # GIVEN
        item = f"{{name: a, protocol: sqs, filter_policy: {policy}}}"

        # WHEN
        config = parsed(subscriptions=json.dumps([item]))

        # THEN
        assert config.subscriptions[0].filter_policy
