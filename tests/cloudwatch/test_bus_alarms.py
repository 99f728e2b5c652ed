"""Tests which alarms a stack with a bus has instead of the alarms of a topic."""

from lab.simulation.cloudwatch.registered import (
    BUS_RULES,
    LIMITS,
    THRESHOLDS,
    WATCHED_WITH_BUS,
)
from lab.simulation.cloudwatch.scenarios import BUS_CAUSES
from pipeline.alarms import alarm_table
from pipeline.alarms.sections import dashboard_sections

TOPIC = alarm_table(THRESHOLDS, LIMITS, certificate=True)
BUS = alarm_table(THRESHOLDS, LIMITS, BUS_RULES, bus_dead_letters=True, certificate=True)
OF_TOPIC = {"notifications-failed", "notifications-redriven", "notifications-lost"}
OF_BUS = "bus-dead-letter-queue-not-empty"


def test_a_bus_replaces_each_alarm_of_a_topic_by_one_alarm_for_each_rule() -> None:
    # GIVEN / WHEN
    topic, bus = ({row.name for row in table.alarms} for table in (TOPIC, BUS))

    # THEN
    assert topic - bus == OF_TOPIC
    assert bus - topic == set(BUS_CAUSES) == {f"{row}-{rule}" for row in OF_TOPIC for rule in BUS_RULES} | {OF_BUS}
    assert {each.name for each in BUS.composites} == {each.name for each in TOPIC.composites}


def test_a_bus_without_a_dead_letter_queue_lacks_only_the_alarm_on_that_queue() -> None:
    # GIVEN / WHEN
    table = alarm_table(THRESHOLDS, LIMITS, BUS_RULES, certificate=True)

    # THEN
    assert {row.name for row in BUS.alarms} - {row.name for row in table.alarms} == {OF_BUS}


def test_a_stack_with_a_topic_has_no_alarm_on_the_dead_letter_queue_of_a_bus() -> None:
    # GIVEN / WHEN
    table = alarm_table(THRESHOLDS, LIMITS, bus_dead_letters=True, certificate=True)

    # THEN
    assert table == TOPIC


def test_the_alarms_watch_all_resources_of_the_bus_and_no_resource_outside_the_stack() -> None:
    # GIVEN
    metrics = [metric for row in BUS.alarms for metric in row.metrics.values()]

    # WHEN
    used = {value.key for m in metrics for value in (m.namespace, *m.dimensions.values()) if not isinstance(value, str)}

    # THEN
    assert used <= set(WATCHED_WITH_BUS)
    assert {key for key in WATCHED_WITH_BUS if key.startswith("events_")} <= used


def test_the_dashboard_has_all_alarms_and_its_orders_section_has_the_alarms_on_redrives() -> None:
    # GIVEN / WHEN
    _, flowing, *others = dashboard_sections(BUS, LIMITS.objectives)

    # THEN
    assert {f"notifications-redriven-{rule}" for rule in BUS_RULES} <= set(flowing.alarms)
    assert {name for section in (flowing, *others) for name in section.alarms} == {row.name for row in BUS.alarms}
