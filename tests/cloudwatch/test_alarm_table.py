"""Tests that the alarm table, the published metrics, the registered resources and the runbooks agree, and that an
invalid table is refused."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.alarms.component import runbook_link
from components.alarms.model import Alarm, AlarmTable, Composite, Metric, Threshold, Tier
from lab.recording.fake_outputs import arn
from lab.simulation.cloudwatch.evaluator_metrics import MetricKey
from lab.simulation.cloudwatch.metrics_data import AWS_METRICS, SERVICES, find, own_metrics
from lab.simulation.cloudwatch.registered import (
    BUS_RULES,
    LIMITS,
    PREFIX,
    SUBSCRIBED,
    THRESHOLDS,
    WATCHED,
    composite_alarms,
    metric_alarms,
    register_alarms,
)
from pipeline.alarms import alarm_table
from pipeline.config.alarm_thresholds import AlarmThresholds
from pipeline.functions import API_FUNCTIONS

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
PARTS = ("Customers", "Why", "Look", "Do", "Over when", "Wake somebody")
TABLE = alarm_table(THRESHOLDS, LIMITS, certificate=True)
NOTIFYING: tuple[Alarm | Composite, ...] = (*TABLE.alarms, *TABLE.composites)
RESOURCES = register_alarms()


def headings() -> Mapping[tuple[str, str], str]:
    """Return the text below each second-level heading, by file and heading."""
    found: dict[tuple[str, str], str] = {}
    for path in RUNBOOKS.glob("*.md"):
        for section in re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            heading, text = section.split("\n", 1)
            found[path.stem, heading.strip()] = text
    return found


WITH_BUS = {
    each.name: each for resources in (RESOURCES, register_alarms(bus=True)) for each in metric_alarms(resources)
}


@pytest.mark.parametrize("alarm", WITH_BUS.values(), ids=WITH_BUS)
def test_an_alarm_watches_only_published_metrics_and_handles_periods_without_data(alarm: Any) -> None:
    # GIVEN
    published = (*AWS_METRICS, *own_metrics(PREFIX))

    # WHEN
    entries = {query: find(query.key, published) for query in alarm.metrics.values()}

    # THEN
    for query, entry in entries.items():
        assert entry is not None, f"not published: {query.key}"
        statistic = re.sub(r"\(:\d+\)", "(:n)", query.statistic)
        assert statistic in entry.advice, (
            f"{query.statistic} of {query.key.name} is not a useful statistic; use one of {entry.advice}"
        )
        dimensions = dict(query.key.dimensions)
        assert dimensions.get("service", SERVICES.get(query.key.name)) == SERVICES.get(query.key.name)
    # AND an alarm with a metric that is not published in quiet periods uses FILL or treats gaps as not breaching
    sparse = any(entry.sparse for entry in entries.values() if entry is not None)
    filled = any("FILL(" in expression for expression in alarm.expressions.values())
    assert not sparse or filled or alarm.treat_missing_data == "notBreaching"


@pytest.mark.parametrize(
    ("namespace", "name", "dimensions"),
    [
        ("AWS/ApiGateway", "5XXError", {"ApiId": "x"}),
        ("AWS/ApiGateway", "Latency", {"FunctionName": "x"}),
        ("AWS/DynamoDB", "SystemErrors", {"TableName": "x"}),
        ("AWS/DynamoDB", "UserErrors", {"TableName": "x"}),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", {}),
        # Without the dimension EventBusName, AWS publishes this metric only for rules on the
        # default bus. Our rules are on a custom bus.
        ("AWS/Events", "FailedInvocations", {"RuleName": "x"}),
    ],
)
def test_metrics_that_aws_publishes_only_with_another_name_or_other_dimensions_are_not_listed(
    namespace: str, name: str, dimensions: dict[str, str]
) -> None:
    # GIVEN
    metric = Metric(namespace, name, dimensions, "Sum")

    # WHEN
    entry = find(_key(metric), AWS_METRICS)

    # THEN
    assert entry is None


def _key(metric: Metric) -> MetricKey:
    return MetricKey.of(str(metric.namespace), metric.name, {k: str(v) for k, v in metric.dimensions.items()})


def test_every_alarm_has_a_runbook_and_every_runbook_an_alarm() -> None:
    # GIVEN
    bus = alarm_table(THRESHOLDS, LIMITS, BUS_RULES, bus_dead_letters=True)
    wanted = {(row.runbook, row.heading) for row in (*NOTIFYING, *bus.alarms)}

    # WHEN
    written = set(headings())

    # THEN
    assert written == wanted


@pytest.mark.parametrize(("where", "text"), headings().items(), ids=lambda value: "-".join(value)[:40])
def test_a_runbook_has_the_six_parts_and_only_commands_of_ops(where: tuple[str, str], text: str) -> None:
    # GIVEN / WHEN
    found = re.findall(r"^\*\*([^*]+):\*\*", text, flags=re.MULTILINE)
    blocks = re.findall(r"```console\n(.*?)```", text, flags=re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]

    # THEN
    assert tuple(found) == PARTS, where
    assert commands, where
    assert all(line.startswith("python -m ops ") for line in commands), where


@pytest.mark.parametrize(
    "inputs", [r.inputs for r in RESOURCES if r.type.endswith(":MetricAlarm")], ids=lambda it: it["name"]
)
def test_an_alarm_has_one_metric_or_queries(inputs: Mapping[str, Any]) -> None:
    # GIVEN the inputs that describe a single metric. AWS refuses them if an alarm also has queries
    single = {"metricName", "namespace", "period", "dimensions"}

    # WHEN
    given = single & {name for name, value in inputs.items() if value is not None}

    # THEN
    assert given == (set() if inputs.get("metricQueries") else single)


def test_every_alarm_notifies_its_tier_either_alone_or_through_its_composite() -> None:
    # GIVEN
    topics = {arn("sns", f"{PREFIX}-alarms-{tier}"): tier for tier in Tier}
    actions = {a.name: a.actions for a in metric_alarms(RESOURCES)} | {
        c.name: c.actions for c in composite_alarms(RESOURCES)
    }

    for row in TABLE.alarms:
        # WHEN
        through = TABLE.composite_of(row.name)
        notifying = through or row
        alone = actions[f"{PREFIX}-{row.name}"]
        notified = actions[f"{PREFIX}-{notifying.name}"]

        # THEN
        assert {topics[t] for targets in notified.values() for t in targets} == {notifying.tier}
        assert through is None or not any(alone.values())
        assert through is None or f"{PREFIX}-{row.name}" in _rule(through.name)


def _rule(name: str) -> frozenset[str]:
    return next(c for c in composite_alarms(RESOURCES) if c.name == f"{PREFIX}-{name}").alarms()


@pytest.mark.parametrize("row", NOTIFYING, ids=lambda row: row.name)
def test_a_description_has_the_runbooks_link_and_fits_into_1024_characters(row: Alarm | Composite) -> None:
    # GIVEN
    physical = f"{PREFIX}-{row.name}"
    inputs = next(r.inputs for r in RESOURCES if physical in {r.inputs.get("name"), r.inputs.get("alarmName")})

    # WHEN
    description = inputs["alarmDescription"]

    # THEN
    assert description.endswith(runbook_link(SUBSCRIBED.runbook_base_url, row))
    assert len(description) <= 1024
    assert row.title in description


def test_alarms_use_all_watched_resources_except_tables_and_api_functions() -> None:
    # GIVEN
    metrics = [metric for row in TABLE.alarms for metric in row.metrics.values()]

    # WHEN
    used = {value for m in metrics for value in (m.namespace, *m.dimensions.values()) if not isinstance(value, str)}

    # THEN
    assert {ref.key for ref in used} == {key for key in WATCHED if not key.endswith("_table")} - {
        each.output for each in API_FUNCTIONS
    }


def test_a_topic_accepts_messages_of_this_stacks_alarms_and_a_receiver_is_subscribed() -> None:
    # GIVEN / WHEN
    policies = [r.inputs["policy"] for r in RESOURCES if r.type.endswith(":TopicPolicy")]
    subscriptions = [r.inputs for r in RESOURCES if r.type.endswith(":TopicSubscription")]

    # THEN
    assert len(policies) == len(Tier)
    assert all(arn("cloudwatch", f"alarm:{PREFIX}-*") in policy for policy in policies)
    assert [s["endpoint"] for s in subscriptions] == ["https://pager.example.org/hook"]


def test_the_alarms_on_missing_orders_and_certificate_expiry_do_not_exist_by_default() -> None:
    # GIVEN / WHEN
    table = alarm_table(AlarmThresholds(), LIMITS)

    # THEN
    names = {row.name for row in (*table.alarms,)} | {composite.name for composite in table.composites}
    assert not names & {"orders-missing", "intake-silent", "certificate-expiry"}


def test_age_alarms_fire_before_sqs_deletes_messages() -> None:
    # GIVEN
    rows = {row.name: row for row in TABLE.alarms}

    # WHEN
    queue, dead = rows["queue-retention-half"].threshold.value, rows["dead-letter-retention-half"].threshold.value

    # THEN the alarm on dead letters fires before SQS deletes a dead letter, even if the message was in the orders queue
    # for that queue's whole retention period
    assert queue == LIMITS.queue_retention / 2
    assert dead + LIMITS.queue_retention < LIMITS.dead_letter_retention


def row_of(**overrides: Any) -> Alarm:
    values: dict[str, Any] = {
        "name": "a",
        "title": "t",
        "metrics": {"m": Metric("AWS/SQS", "NumberOfMessagesSent", {}, "Sum")},
        "threshold": Threshold(1, "messages", "any"),
        "period": 60,
        "periods": 1,
        "to_alarm": 1,
        "missing": "missing",
        "tier": Tier.PAGE,
        "runbook": "api",
        "why": "w",
    }
    return Alarm(**(values | overrides))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"metrics": {}}, "no expression"),
        ({"to_alarm": 2}, "2 of 1"),
        ({"period": 90}, "multiple of 60"),
        ({"period": 3540, "periods": 25, "to_alarm": 1}, "a day"),
        ({"period": 3600, "periods": 169, "to_alarm": 1}, "seven days"),
        ({"metrics": dict.fromkeys(map(str, range(11)), Metric("n", "m", {}, "Sum")), "expression": "x"}, "allows 10"),
    ],
)
def test_a_row_that_cloudwatch_would_refuse_cannot_be_made(overrides: dict[str, Any], message: str) -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValueError, match=message):
        row_of(**overrides)


@pytest.mark.parametrize(("period", "periods"), [(60, 1_440), (3_540, 24), (3_600, 168), (86_400, 7)])
def test_a_row_may_look_back_as_far_as_cloudwatch_allows(period: int, periods: int) -> None:
    # GIVEN / WHEN
    row = row_of(period=period, periods=periods, to_alarm=periods)

    # THEN
    assert row.period * row.periods <= (86_400 if period < 3_600 else 7 * 86_400)


def test_thresholds_use_only_the_listed_units() -> None:
    # GIVEN / WHEN
    bus = alarm_table(THRESHOLDS, LIMITS, BUS_RULES, bus_dead_letters=True)
    units = {row.threshold.unit for row in (*TABLE.alarms, *bus.alarms)}

    # THEN
    counted = {"attempts", "executions", "messages", "notifications", "orders per half hour", "requests"}
    assert units == {*counted, "days", "milliseconds", "percent", "seconds"}


@pytest.mark.parametrize(
    ("alarms", "members", "message"),
    [
        ((row_of(), row_of()), (), "unique"),
        ((row_of(),), (("b",),), "do not exist"),
        ((row_of(),), (("a",), ("a",)), "one composite only"),
    ],
)
def test_a_table_is_refused_if_names_repeat_or_if_a_member_is_unknown_or_in_two_composites(
    alarms: tuple[Alarm, ...], members: tuple[tuple[str, ...], ...], message: str
) -> None:
    # GIVEN
    composites = tuple(Composite(f"c{i}", "t", Tier.PAGE, "api", "w", names) for i, names in enumerate(members))

    # WHEN / THEN
    with pytest.raises(ValueError, match=message):
        AlarmTable(alarms, composites)


def test_the_dead_letter_retention_must_exceed_the_queue_retention() -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValueError, match="must exceed queue_retention"):
        replace(LIMITS, dead_letter_retention=LIMITS.queue_retention)
