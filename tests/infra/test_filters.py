"""Tests subscribers' filters: the operators, operands, attributes and event types that they may use."""

from typing import Any
from unittest.mock import Mock

import pytest
import yaml
from pydantic import JsonValue, ValidationError

from components.filter_operators import OPERATORS, lets_through, value_problem
from components.subscription_args import SubscriptionArgs
from pipeline.config.messaging import ATTRIBUTES, EVENT_TYPES
from runtime.logic import event
from runtime.store.notifications import TopicNotifications

ACCEPTED: dict[str, tuple[str, ...]] = {
    "anything-but": (
        "EUR",
        "5",
        "[EUR, USD]",
        "[1, 2.5]",
        "{prefix: E}",
        "{prefix: [E, U]}",
        "{suffix: R}",
        "{equals-ignore-case: eur}",
        "{wildcard: 'E*'}",
    ),
    "cidr": ("10.0.0.0/24", "'2001:db8::/32'"),
    "equals-ignore-case": ("eur",),
    "exists": ("true", "false"),
    "numeric": ("['=', 5]", "['<', 1.5]", "['<=', 5]", "['>=', 0, '<', 10]", "['>', 0, '<=', 5]"),
    "prefix": ("order.", "{equals-ignore-case: ORDER}"),
    "suffix": (".rejected", "{equals-ignore-case: REJECTED}"),
    "wildcard": ("'order.*'", "'*a*'"),
}
REFUSED: dict[str, tuple[str, ...]] = {
    "anything-but": (
        "[]",
        "{numeric: ['=', 5]}",
        "[[EUR]]",
        ".nan",
        "[EUR, 5]",
        "[true]",
        "null",
        "{}",
        "{prefix: 5}",
        "{prefix: []}",
        "{wildcard: 'a**'}",
        "{prefix: E, suffix: R}",
    ),
    "cidr": ("10.0.0.0/33", "shop", "10"),
    "equals-ignore-case": ("5", "[eur]"),
    "exists": ("'yes'", "1", "null"),
    "numeric": (
        "['<']",
        "5",
        "[]",
        "['<', '5']",
        "['<', 5, '>', 1]",
        "['>', 5, '<', 5]",
        "['~', 5]",
        "['=', true]",
        "['=', .inf]",
    ),
    "prefix": ("5", "[order.]", "{suffix: a}", "{equals-ignore-case: 5}"),
    "suffix": ("null", "{prefix: a}", "{}"),
    "wildcard": ("'a**'", "5"),
}


NOT_ON_A_TOPIC: dict[str, tuple[str, ...]] = {
    "anything-but": ("{prefix: [E, U]}", "{suffix: R}", "{equals-ignore-case: eur}", "{wildcard: 'E*'}"),
    "prefix": ("{equals-ignore-case: ORDER}",),
    "suffix": ("{equals-ignore-case: REJECTED}",),
    "wildcard": ("'order.*'", "'*a*'"),
}
"""Operands that EventBridge accepts and SNS refuses."""


def each(table: dict[str, tuple[str, ...]]) -> list[str]:
    """Return every operator of the table with each of its operands, as YAML."""
    return [f"{{{operator}: {operand}}}" for operator, operands in table.items() for operand in operands]


def test_every_operator_has_accepted_and_refused_operands() -> None:
    # GIVEN / WHEN / THEN
    assert set(ACCEPTED) == set(REFUSED) == set(OPERATORS)


ON_A_TOPIC, ON_A_BUS = "filter_policy: {currency: [%s]}", "event_pattern: {detail: {currency: [%s]}}"


def subscriber(filters: str, item: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(f"{{name: own, protocol: sqs, {filters % item}}}")
    return found


@pytest.mark.parametrize("item", each(ACCEPTED))
def test_an_operand_that_aws_accepts_is_accepted(item: str) -> None:
    # GIVEN / WHEN / THEN
    SubscriptionArgs.model_validate(subscriber(ON_A_BUS, item))
    if item not in each(NOT_ON_A_TOPIC):
        SubscriptionArgs.model_validate(subscriber(ON_A_TOPIC, item))


@pytest.mark.parametrize("item", each(NOT_ON_A_TOPIC))
def test_an_operand_that_only_eventbridge_accepts_is_refused_on_a_topic(item: str) -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValidationError, match=r"allowed: (for|a text, a number)"):
        SubscriptionArgs.model_validate(subscriber(ON_A_TOPIC, item))


@pytest.mark.parametrize("item", each(REFUSED))
@pytest.mark.parametrize("filters", [ON_A_TOPIC, ON_A_BUS])
def test_an_operand_that_aws_refuses_is_refused(item: str, filters: str) -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValidationError):
        SubscriptionArgs.model_validate(subscriber(filters, item))


@pytest.mark.parametrize(
    ("item", "matches"),
    [
        ("order.rejected", True),
        ("order", False),
        (5, False),
        (None, False),
        ({"prefix": "order."}, True),
        ({"prefix": "orders."}, False),
        ({"prefix": {"equals-ignore-case": "ORDER."}}, True),
        ({"suffix": ".rejected"}, True),
        ({"suffix": {"equals-ignore-case": "Rejected"}}, True),
        ({"suffix": ".confirmed"}, False),
        ({"equals-ignore-case": "ORDER.rejected"}, True),
        ({"equals-ignore-case": "order"}, False),
        ({"wildcard": "*.rejected"}, True),
        ({"wildcard": "order*confirmed"}, False),
        ({"wildcard": "order?rejected"}, False),
        ({"anything-but": "order.rejected"}, False),
        ({"anything-but": ["order.confirmed", "order.rejected"]}, False),
        ({"anything-but": ["order.confirmed"]}, True),
        ({"anything-but": [5]}, True),
        ({"anything-but": {"prefix": "order."}}, False),
        ({"anything-but": {"prefix": ["shop.", "order."]}}, False),
        ({"anything-but": {"prefix": ["shop.", "bill."]}}, True),
        ({"anything-but": {"wildcard": "*.confirmed"}}, True),
        ({"anything-but": {"equals-ignore-case": "ORDER.REJECTED"}}, False),
        ({"exists": True}, True),
        ({"exists": False}, False),
        ({"numeric": ["=", 5]}, False),
        ({"cidr": "10.0.0.0/24"}, False),
    ],
)
def test_a_filter_value_matches_a_text_as_in_aws(item: JsonValue, matches: bool) -> None:
    # GIVEN / WHEN / THEN
    assert value_problem(item) is None
    assert lets_through(item, "order.rejected") is matches


def test_filters_may_use_exactly_the_published_attributes_and_event_types() -> None:
    # GIVEN
    topic = Mock()
    published = event.Event("id", "order.rejected", "EUR", "{}", "group", "/orders", "2026-01-01T00:00:00Z")

    # WHEN
    TopicNotifications(topic, "arn").publish(published)

    # THEN
    assert set(topic.publish.call_args.kwargs["MessageAttributes"]) == set(ATTRIBUTES)
    assert set(event.EVENT_TYPES.values()) == set(EVENT_TYPES)
