"""The rows that a stack with a bus has instead of the topic's: exact, heard once, and able to fire."""

from functools import cache

import pytest

from lab.simulation.cloudwatch.evaluator_alarm import Behaviour, MetricAlarm, State
from lab.simulation.cloudwatch.evaluator_composite import CompositeAlarm
from lab.simulation.cloudwatch.metrics_data import AWS_METRICS, find
from lab.simulation.cloudwatch.registered import (
    BUS_RULES,
    LIMITS,
    PREFIX,
    THRESHOLDS,
    WATCHED_WITH_BUS,
    composite_alarms,
    metric_alarms,
    register_alarms,
)
from lab.simulation.cloudwatch.scenarios import BEGIN, BUS_CAUSES, BUS_HEALTHY, END, HORIZON, START, Phase, publish
from lab.simulation.cloudwatch.trial import on_trial
from pipeline.alarms import alarm_table
from pipeline.alarms.sections import dashboard_sections
from tests.cloudwatch.test_alarm_table import headings

TOPIC = alarm_table(THRESHOLDS, LIMITS, certificate=True)
BUS = alarm_table(THRESHOLDS, LIMITS, BUS_RULES, bus_dead_letters=True, certificate=True)
OF_TOPIC = {"notifications-failed", "notifications-redriven", "notifications-lost"}
OF_BUS = "bus-dead-letter-queue-not-empty"
BEHAVIOURS = [Behaviour(1, dynamodb_always_ignores=True), Behaviour(5)]


@cache
def deployed() -> tuple[tuple[MetricAlarm, ...], tuple[CompositeAlarm, ...]]:
    resources = register_alarms(bus=True)
    return metric_alarms(resources), composite_alarms(resources)


def test_each_rule_has_the_rows_that_the_topic_had_and_everything_else_stays() -> None:
    # GIVEN / WHEN
    topic, bus = ({row.name for row in table.alarms} for table in (TOPIC, BUS))

    # THEN
    assert topic - bus == OF_TOPIC
    assert bus - topic == set(BUS_CAUSES) == {f"{row}-{rule}" for row in OF_TOPIC for rule in BUS_RULES} | {OF_BUS}
    assert {each.name for each in BUS.composites} == {each.name for each in TOPIC.composites}


def test_a_bus_without_a_dead_letter_queue_has_no_row_for_one() -> None:
    # GIVEN / WHEN
    table = alarm_table(THRESHOLDS, LIMITS, BUS_RULES, certificate=True)

    # THEN
    assert {row.name for row in BUS.alarms} - {row.name for row in table.alarms} == {OF_BUS}


def test_a_topic_has_no_row_for_the_dead_letter_queue_of_a_bus() -> None:
    # GIVEN / WHEN
    table = alarm_table(THRESHOLDS, LIMITS, bus_dead_letters=True, certificate=True)

    # THEN
    assert table == TOPIC


def test_the_names_to_supply_are_exactly_those_that_rows_watch() -> None:
    # GIVEN
    metrics = [metric for row in BUS.alarms for metric in row.metrics.values()]

    # WHEN
    used = {value.key for m in metrics for value in (m.namespace, *m.dimensions.values()) if not isinstance(value, str)}

    # THEN
    assert used <= set(WATCHED_WITH_BUS)
    assert {key for key in WATCHED_WITH_BUS if key.startswith("events_")} <= used


def test_every_alarm_watches_what_somebody_publishes() -> None:
    # GIVEN / WHEN
    keys = {
        query.key for each in deployed()[0] for query in each.metrics.values() if query.key.namespace == "AWS/Events"
    }

    # THEN
    assert len(keys) == len(BUS_CAUSES) - 1
    assert [key for key in keys if find(key, AWS_METRICS) is None] == []


def test_rows_of_all_rules_share_a_runbook_that_exists() -> None:
    # GIVEN / WHEN
    wanted = {(row.runbook, row.heading) for row in BUS.alarms}

    # THEN
    assert wanted <= set(headings())
    assert wanted == {(row.runbook, row.heading) for row in TOPIC.alarms} | {("notifications", OF_BUS)}


def test_a_bus_without_subscribers_is_watched_by_nothing() -> None:
    # GIVEN / WHEN
    table = alarm_table(THRESHOLDS, LIMITS, ())

    # THEN
    names = [row.name for row in table.alarms] + [composite.name for composite in table.composites]
    assert not [name for name in names if name.startswith("notifications")]


def test_kept_deliveries_of_every_rule_are_where_business_is_looked_at() -> None:
    # GIVEN / WHEN
    _, flowing, *others = dashboard_sections(BUS, LIMITS.objectives)

    # THEN
    assert {f"notifications-redriven-{rule}" for rule in BUS_RULES} <= set(flowing.alarms)
    assert {name for section in (flowing, *others) for name in section.alarms} == {row.name for row in BUS.alarms}


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=["short-range", "long-range"])
@pytest.mark.parametrize("row", BUS_CAUSES)
def test_an_alarm_fires_by_its_cause_tells_somebody_and_recovers(row: str, behaviour: Behaviour) -> None:
    # GIVEN
    alarms, composites = deployed()
    alarm = next(each for each in alarms if each.name == f"{PREFIX}-{row}")

    # WHEN
    store = publish(Phase(0, HORIZON, BUS_HEALTHY), Phase(BEGIN, END, BUS_CAUSES[row]))
    run = on_trial(store, alarm, composites, behaviour)

    # THEN
    minutes = [((c.at - START) // 60, c.state) for c in run.changes if c.alarm == alarm.name]
    fired = [minute for minute, state in minutes if state == State.ALARM]
    assert len(fired) == 1
    assert BEGIN < fired[0] <= END + 30
    assert minutes[-1][1] == State.OK
    assert [n.state for n in run.notices if n.state == State.ALARM]
    assert [n.state for n in run.notices][-1] == State.OK
