"""Tests that each alarm is raised by its cause, notifies and recovers.

AWS does not document every case, so two possible `BEHAVIOURS` of CloudWatch are tested.
"""

from functools import cache

import pytest

from lab.simulation.cloudwatch.evaluator import AlarmRun
from lab.simulation.cloudwatch.evaluator_alarm import Behaviour, MetricAlarm, State
from lab.simulation.cloudwatch.evaluator_composite import CompositeAlarm
from lab.simulation.cloudwatch.evaluator_metrics import MetricStore
from lab.simulation.cloudwatch.registered import (
    LIMITS,
    PREFIX,
    THRESHOLDS,
    composite_alarms,
    metric_alarms,
    register_alarms,
)
from lab.simulation.cloudwatch.scenarios import (
    BEGIN,
    BUS_CAUSES,
    BUS_HEALTHY,
    CAUSES,
    END,
    HORIZON,
    START,
    Phase,
    api,
    own,
    publish,
    run_alone,
    sqs,
    step_of,
)
from pipeline.alarms import alarm_table

BEHAVIOURS = [Behaviour(1, dynamodb_always_ignores=True), Behaviour(5)]
ROWS = [row.name for row in alarm_table(THRESHOLDS, LIMITS, certificate=True).alarms]


@cache
def deployed(*, bus: bool = False) -> tuple[tuple[MetricAlarm, ...], tuple[CompositeAlarm, ...]]:
    resources = register_alarms(bus=bus)
    return metric_alarms(resources), composite_alarms(resources)


def alarm_of(row: str, *, bus: bool = False) -> MetricAlarm:
    return next(a for a in deployed(bus=bus)[0] if a.name == f"{PREFIX}-{row}")


def test_every_row_of_the_alarm_table_has_a_simulated_cause() -> None:
    # GIVEN / WHEN / THEN
    assert set(CAUSES) == set(ROWS)


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(BEHAVIOURS[0], id="short-range"),
        pytest.param(BEHAVIOURS[1], id="long-range", marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("row", [*CAUSES, *BUS_CAUSES])
def test_an_alarm_is_raised_by_its_cause_notifies_and_recovers(row: str, behaviour: Behaviour) -> None:
    # GIVEN
    bus = row in BUS_CAUSES
    alarm = alarm_of(row, bus=bus)
    step = step_of(alarm)
    healthy = [Phase(0, HORIZON, BUS_HEALTHY)] if bus else []
    store = publish(*healthy, Phase(BEGIN, END, {**CAUSES, **BUS_CAUSES}[row]), step=step)

    # WHEN
    run = run_alone(store, alarm, deployed(bus=bus)[1], behaviour)

    # THEN
    minutes = [((c.at - START) // step, c.state) for c in run.changes if c.alarm == f"{PREFIX}-{row}"]
    fired = [minute for minute, state in minutes if state == State.ALARM]
    assert len(fired) == 1
    assert BEGIN < fired[0] <= END + 30
    assert run.states[f"{PREFIX}-{row}"] in {State.OK, State.INSUFFICIENT_DATA}
    assert minutes[-1][1] == State.OK
    assert [n.state for n in run.notices if n.state == State.ALARM]
    assert [n.state for n in run.notices][-1] == State.OK


def test_healthy_metrics_raise_no_alarm() -> None:
    # GIVEN
    alarms, composites = deployed()

    # WHEN
    run = AlarmRun(publish(), alarms, composites).run(START + 60 * 45, START + 60 * (HORIZON - 1))

    # THEN
    assert [c for c in run.changes if c.state == State.ALARM] == []


def test_only_the_alarms_on_missing_orders_are_raised_if_there_is_no_data() -> None:
    # GIVEN
    alarms, composites = deployed()

    # WHEN
    run = AlarmRun(MetricStore(), alarms, composites).run(START, START + 3600)

    # THEN
    assert {c.alarm for c in run.changes if c.state == State.ALARM} == {
        f"{PREFIX}-orders-missing",
        f"{PREFIX}-intake-silent",
    }


OUTAGE = {
    **CAUSES["attempt-failure-rate"],
    api("5xx"): 38,
    own("OrderAccepted"): None,
    sqs("ApproximateAgeOfOldestMessage", "queue"): 900,
}
DEAD = {own("LastAttemptFailed"): 2, sqs("ApproximateNumberOfMessagesVisible", "dead_letter_queue"): 5}


def pages(*phases: Phase) -> list[tuple[str, State]]:
    alarms, composites = deployed()
    run = AlarmRun(publish(*phases, horizon=320), alarms, composites).run(START + 60 * 45, START + 60 * 319)
    # Notices before BEGIN are left out: they only say that metric alarms with actions went from no
    # data to OK.
    notices = [n for n in run.notices if n.target.endswith("alarms-page") and n.at >= START + 60 * BEGIN]
    return [(n.alarm.removeprefix(f"{PREFIX}-"), n.state) for n in notices]


def test_one_outage_of_a_dependency_is_one_page() -> None:
    # GIVEN an outage of 50 minutes whose dead letters are drained 20 minutes after its end
    # WHEN
    paged = pages(Phase(60, 110, OUTAGE), Phase(85, 110, DEAD), Phase(110, 130, {list(DEAD)[1]: 5}))

    # THEN
    assert paged == [("api-failing", State.ALARM), ("api-failing", State.OK)]


def test_dead_letters_cause_another_page_if_nobody_drains_them_after_an_outage() -> None:
    # GIVEN an outage of 50 minutes whose dead letters are never drained
    # WHEN
    paged = pages(Phase(60, 110, OUTAGE), Phase(85, 110, DEAD), Phase(110, 320, {list(DEAD)[1]: 5}))

    # THEN
    assert paged[-1] == ("dead-letters", State.ALARM)
    assert [name for name, state in paged if state == State.ALARM] == ["api-failing", "dead-letters"]


def test_a_single_dead_letter_is_one_page_although_it_raises_two_alarms() -> None:
    # GIVEN a dead letter that our metric counts at once. The queue was idle, so AWS publishes its metrics 15 minutes
    # later. After an hour the queue is empty
    visible = {list(DEAD)[1]: 1.0}

    # WHEN
    paged = pages(Phase(60, 61, {own("MessageDeadLettered"): 1}), Phase(75, 120, visible))

    # THEN
    assert paged == [("dead-letters", State.ALARM), ("dead-letters", State.OK)]
