"""Tests each rule that combines several fields: its message, a configuration that just breaks the rule, and
one that just satisfies it."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import ConfigError
from pipeline.config.processing import MIN_HORIZON_SECONDS
from pipeline.config.stack_config import RULES
from tests.infra.config_factory import only_problem, parsed, refused
from tests.infra.rule_edges import EDGES
from tests.infra.rule_edges.api import SECRET, WAF


def test_every_rule_has_an_edge_case() -> None:
    # GIVEN / WHEN / THEN
    assert {rule for rule, *_ in EDGES} == {rule.__name__ for rule in RULES}


@pytest.mark.parametrize("edge", EDGES, ids=" ".join)
def test_the_message_about_a_broken_rule_names_the_given_and_allowed_values_and_the_keys(
    edge: tuple[str, ...],
) -> None:
    # GIVEN
    broken, _, words = EDGES[edge]

    # WHEN
    problem = only_problem(**broken)

    # THEN
    message = problem.render("orders")
    assert words in problem.allowed
    assert set(problem.keys) & set(broken)
    assert message.endswith(f"change {' or '.join(f'orders:{key}' for key in problem.keys)}")
    assert problem.given
    assert SECRET not in message


@pytest.mark.parametrize("edge", EDGES, ids=" ".join)
def test_a_configuration_that_satisfies_a_rule_is_accepted(edge: tuple[str, ...]) -> None:
    # GIVEN
    _, satisfying, _ = EDGES[edge]

    # WHEN
    config = parsed(**satisfying)

    # THEN
    assert config.model_fields_set >= set(satisfying)


def test_no_text_of_the_configuration_shows_a_secret() -> None:
    # GIVEN
    config = parsed(**WAF)

    # WHEN
    shown = [repr(config), str(config), config.model_dump_json(), json.dumps(config.model_dump(mode="json"))]

    # THEN
    assert not [text for text in shown if SECRET in text]


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
def test_a_retry_horizon_is_refused_if_and_only_if_it_is_below_the_minimum(base: int, cap: int, receives: int) -> None:
    # GIVEN
    delays = [math.floor(min(cap, base * 2**failed)) / 2 for failed in range(receives - 1)]
    long_enough = sum(delays) >= MIN_HORIZON_SECONDS

    # WHEN
    try:
        parsed(retry_base_seconds=str(base), retry_cap_seconds=str(cap), max_receive_count=str(receives))
        problems = []
    except ConfigError as error:
        problems = [problem.keys[0] for problem in error.problems]

    # THEN
    assert ("max_receive_count" not in problems) == long_enough


# A valid subscription. To check one item of a list without the others, a test puts copies of `_GOOD` in place of the
# items before it. So the item keeps its index in the list.
_GOOD = "{name: zzz, protocol: sqs}"


def _found(items: list[object]) -> set[tuple[str, str]]:
    """Return key and given value of each problem in a list of subscriptions. Repeated `_GOOD` items do not count."""
    try:
        parsed(subscriptions=json.dumps(items))
    except ConfigError as error:
        found = {(problem.keys[0], problem.given) for problem in error.problems}
        return found - {("subscriptions", "the name 'zzz' twice")}
    return set()


@pytest.mark.parametrize(
    ("overrides", "given"),
    [
        ({"alarm_thresholds": ["a=1", 2]}, ["'a=1'", "2"]),
        (
            {"alarm_thresholds": ["api_4xx_percent=40", "rejected_percent=40"] * 2},
            ["api_4xx_percent twice", "rejected_percent twice"],
        ),
        (
            {f"alarm_{tier}_subscriptions": ["email=a@b.ch"] * 2 for tier in ("page", "notify", "ticket")},
            ["a receiver twice"] * 3,
        ),
        ({"jwt_issuer": "https://a.ch", "jwt_read_scope": "r"}, ["jwt_issuer = https://a.ch", "jwt_read_scope = r"]),
        (
            {"authorizer": "cognito", "token_clients": ["a", "a"], "token_validity_seconds": 60},
            ["'a' twice", "60 with"],
        ),
        ({"authorizer": "cognito", "token_validity_seconds": 60}, ["no clients with authorizer", "60 with"]),
        (
            {"environment": "production", "cors_origins": ["*", "https://a.ch"]},
            ["* beside other origins", "* in production"],
        ),
        ({"extra_tags": ["Owner=1", "owner=2", *(f"t{number}=1" for number in range(50))]}, ["the names", "52 tags"]),
    ],
)
def test_one_rule_reports_all_problems_that_it_finds(overrides: dict[str, object], given: list[str]) -> None:
    # GIVEN / WHEN
    error = refused(**{key: each if isinstance(each, str) else json.dumps(each) for key, each in overrides.items()})

    # THEN
    found = " | ".join(problem.given for problem in error.problems)
    assert all(found.count(text) >= given.count(text) for text in given), found


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
    def test_the_message_about_a_wrong_subscription_names_its_place_and_what_is_allowed(
        self, item: str, key: str, allowed: str
    ) -> None:
        # GIVEN / WHEN
        error = refused(subscriptions=json.dumps([item]))

        # THEN
        assert error.problems[0].keys[0].startswith(key)
        assert allowed in error.problems[0].allowed
        assert error.problems[0].given

    def test_every_problem_of_every_item_is_reported_together(self) -> None:
        # GIVEN valid items, and items with every kind of problem. Some are wrong on their own: they
        # are not text, are not a mapping, or have wrong fields, several wrong values, or filters that match nothing.
        # Others repeat another item's name or endpoint
        arn = "arn:aws:sqs:eu-west-1:123456789012:theirs"
        items: list[object] = [
            {"name": "a", "protocol": "sqs"},
            3,
            "[a, b]",
            "{a",
            "{name: A, protocol: sms}",
            "{name: b, protocol: https, endpoint: me, filter_policy: {event_type: [], currency: [{prefix: 3}]}}",
            "{name: c, protocol: sqs, event_pattern: {kind: [x], detail-type: []}}",
            "{name: d, protocol: sqs, filter_policy: {colour: [red], event_type: [order.lost], currency: [euro]}}",
            "{name: d, protocol: email, endpoint: a@b.ch, event_pattern: {detail-type: [order.gone]}}",
            f"{{name: e, protocol: sqs, endpoint: '{arn}.fifo'}}",
            f"{{name: f, protocol: sqs, endpoint: '{arn}.fifo'}}",
            f"{{name: g, protocol: sqs, endpoint: '{arn}'}}",
            f"{{name: g-queue, protocol: sqs, endpoint: '{arn}'}}",
            "{name: e, protocol: sqs}",
        ]
        alone = {index: _found([*[_GOOD] * index, item]) for index, item in enumerate(items)}

        # WHEN
        together = _found(items)

        # THEN the problems of each single item are reported, and also those of two items together
        assert [index for index, found in alone.items() if not found - together] == list(alone)
        assert sum(map(len, alone.values())) >= 18
        shared = {given for _, given in together - set().union(*alone.values())}
        assert shared == {
            "the name 'd' twice",
            "the name 'e' twice",
            "the name 'g-queue' beside 'g'",
            f"{arn} in several subscriptions with events_target = topic",
            f"{arn}.fifo in several subscriptions with events_target = topic",
        }

    def test_all_wrong_subscriptions_are_reported(self) -> None:
        # GIVEN
        items = ["{name: A, protocol: sqs}", "{name: c, protocol: sqs}", "{name: b, protocol: fax}"]

        # WHEN
        error = refused(subscriptions=json.dumps(items))

        # THEN
        assert {problem.keys[0] for problem in error.problems} == {"subscriptions[0].name", "subscriptions[2].protocol"}

    @pytest.mark.parametrize(
        "policy",
        [
            "{event_type: [order.rejected, {prefix: order.}]}",
            "{currency: [{exists: true}, {anything-but: [EUR]}]}",
            "{event_id: [{suffix: rejected}]}",
        ],
    )
    def test_the_operators_of_filter_policies_are_accepted(self, policy: str) -> None:
        # GIVEN
        item = f"{{name: a, protocol: sqs, filter_policy: {policy}}}"

        # WHEN
        config = parsed(subscriptions=json.dumps([item]))

        # THEN
        assert config.subscriptions[0].filter_policy
