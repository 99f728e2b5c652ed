"""Tests how events are published again.

Also tests the periods of metrics, durations, counted nouns, and the expected outputs of runbooks.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ops.cli.context import Context
from ops.cli.order import run_replay
from ops.gateway.clients import Clients
from ops.gateway.telemetry import Query, Telemetry, Value
from ops.logic.counts import counted
from ops.logic.durations import WrongValueError, parse_duration
from ops.target import Target
from runtime.models.order import OrderStatus
from tests.ops.factories import CALLER, ORDER_ID, stored
from tests.ops.runbooks import sequences, what_it_shows
from tests.ops.test_target import BUS, outputs


@pytest.mark.parametrize(("topic", "group"), [("orders-prod-notifications", None), ("orders-prod.fifo", CALLER)])
def test_a_republished_event_names_its_group_on_a_fifo_topic(topic: str, group: str | None) -> None:
    # GIVEN a settled order
    order = stored(
        status=OrderStatus.CONFIRMED,
        caller=CALLER,
        currency="EUR",
        total="1.00",
        accepted_at="2026-01-01T00:00:01.000Z",
        settled_at="2026-01-01T00:00:02.000Z",
    )
    published: list[dict[str, Any]] = []
    arn = f"arn:aws:sns:eu-west-1:123456789012:{topic}"
    context = Context(
        Target.from_outputs("prod", outputs(notifications_topic_arn=arn)),
        cast("Clients", SimpleNamespace(sns=SimpleNamespace(publish=lambda **call: published.append(call)))),
        as_json=True,
    )
    vars(context).update(
        orders=SimpleNamespace(get=lambda _: order), worker=SimpleNamespace(event_source=lambda: "/orders-prod")
    )
    # WHEN its event is published again
    run_replay(argparse.Namespace(ids=[ORDER_ID], yes=True), context)
    # THEN a FIFO topic gets the caller's group, and a standard topic gets none
    assert [call.get("MessageGroupId") for call in published] == [group]


@pytest.mark.parametrize("yes", [True, False])
def test_an_event_is_published_again_on_a_bus_only_with_the_option_yes(yes: bool) -> None:
    # GIVEN a settled order of a stack with a bus
    order = stored(
        status=OrderStatus.CONFIRMED,
        currency="EUR",
        total="1.00",
        accepted_at="2026-01-01T00:00:01.000Z",
        settled_at="2026-01-01T00:00:02.000Z",
    )
    put: list[dict[str, Any]] = []

    def put_events(**call: Any) -> dict[str, Any]:
        put.extend(call["Entries"])
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}

    context = Context(
        Target.from_outputs("prod", outputs(notifications_topic_arn=None, notifications_bus_arn=BUS)),
        cast("Clients", SimpleNamespace(events=SimpleNamespace(put_events=put_events))),
        as_json=True,
    )
    vars(context).update(
        orders=SimpleNamespace(get=lambda _: order), worker=SimpleNamespace(event_source=lambda: "/orders-prod")
    )
    # WHEN its event is published again
    run_replay(argparse.Namespace(ids=[ORDER_ID], yes=yes), context)
    # THEN the bus gets it only with --yes. The event's source is the one that rules match
    assert [(each["EventBusName"], each["Source"]) for each in put] == [(BUS, "/orders-prod")] * yes


@pytest.mark.parametrize(("age", "period"), [("20m", 60), ("24h", 60), ("25h", 300), ("7d", 300), ("30d", 3600)])
def test_a_metric_is_read_with_a_period_whose_values_cloudwatch_still_keeps(age: str, period: int) -> None:
    # GIVEN a time that is `age` ago
    queries: list[dict[str, Any]] = []
    moments = [datetime(2026, 1, 30, hour, tzinfo=UTC) for hour in (1, 2, 3)]

    def pages(**call: Any) -> list[dict[str, Any]]:
        queries.extend(call["MetricDataQueries"])
        # The newest values come first, over two pages.
        return [
            {"MetricDataResults": [{"Id": "q0", "Timestamps": [moments[2], moments[1]], "Values": [0.0, 2.0]}]},
            {"MetricDataResults": [{"Id": "q0", "Timestamps": [moments[0]], "Values": [1.0]}]},
        ]

    client = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=pages))
    telemetry = Telemetry(cast("Any", client), cast("Any", None))
    end = datetime(2026, 1, 31, tzinfo=UTC)
    # WHEN the sum of a metric since that time is read
    values = telemetry.values([Query("k", "orders-prod", "M", {})], end - timedelta(seconds=parse_duration(age)), end)
    # THEN the query has a period whose values CloudWatch still keeps, and the values of both pages are added
    assert [query["MetricStat"]["Period"] for query in queries] == [period]
    assert values == {"k": Value(3.0, moments[1])}


def test_a_duration_of_more_than_ten_years_is_refused() -> None:
    # GIVEN durations above the limit
    # WHEN they are parsed
    # THEN they are refused, and the message names the limit
    for text in ("3651d", "999999d"):
        with pytest.raises(WrongValueError, match="allowed: up to 3650d"):
            parse_duration(text)
    assert parse_duration("3650d") == 3650 * 86_400


def test_the_expected_output_of_every_runbook_command_is_declared() -> None:
    # GIVEN the commands of all runbooks
    commands = {command for sequence in sequences() for command in sequence}
    # WHEN the expected output of each is looked up
    # THEN each has an expected text, which `make long` looks for on a running stack
    assert len(commands) > 10
    assert all(what_it_shows(command) for command in commands)


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [(0, "order", "0 orders"), (1, "dead letter", "1 dead letter"), (2, "copy", "2 copies"), (3, "key", "3 keys")],
)
def test_a_noun_agrees_with_its_number(number: int, noun: str, text: str) -> None:
    # GIVEN a number and a noun / WHEN the noun is counted / THEN it is singular only for one
    assert counted(number, noun) == text
