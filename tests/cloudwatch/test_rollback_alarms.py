"""Tests the alarms that roll a deployment back. As on AWS, their metrics may arrive late."""

import pytest

from lab.recording.stacks import recorded
from lab.simulation.cloudwatch.evaluator_alarm import MetricAlarm, State, evaluate_alarm
from lab.simulation.cloudwatch.evaluator_metrics import MetricStore
from lab.simulation.cloudwatch.registered import metric_alarms
from pipeline.functions import FUNCTIONS

MINUTE = 60
BEGIN = 100 * MINUTE
CANARY = 5 * MINUTE
"""Seconds of the shortest canary."""
LAGS = (0, MINUTE, 2 * MINUTE)
"""Seconds from the end of a minute until its metrics can be read."""
BAD = {"5xx": 6, "Count": 60, "Errors": 0, "AttemptFailed": 6, "OrderConfirmed": 54, "OrderRejected": 0}
"""Metrics of a minute in which a tenth of the calls reaches the new version and fails."""
GOOD = {"5xx": 0, "Count": 60, "Errors": 0, "AttemptFailed": 0, "OrderConfirmed": 60, "OrderRejected": 0}


def rollback_alarm(function: str) -> MetricAlarm:
    found = recorded("prod").one("aws:cloudwatch/metricAlarm:MetricAlarm", f"deploy-{function}-rollback")
    (alarm,) = metric_alarms([found])
    return alarm


def state_at(alarm: MetricAlarm, now: int, *, lag: int, bad_until: int) -> State:
    """Return the alarm's state at `now`, when the metrics of the last `lag` seconds have not arrived yet."""
    store = MetricStore()
    for minute in range(BEGIN - 10 * MINUTE, now - lag, MINUTE):
        values = BAD if BEGIN <= minute < bad_until else GOOD
        for query in alarm.metrics.values():
            store.put(query.key, minute, values[query.key.name], "Count")
    return evaluate_alarm(alarm, store, now, State.OK)


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("function", [each.name for each in FUNCTIONS])
def test_a_bad_version_raises_the_alarm_within_the_shortest_canary_even_if_metrics_are_two_minutes_late(
    function: str, lag: int
) -> None:
    # GIVEN
    alarm = rollback_alarm(function)

    # WHEN
    moments = range(BEGIN + MINUTE, BEGIN + CANARY, MINUTE)
    states = [state_at(alarm, now, lag=lag, bad_until=BEGIN + CANARY) for now in moments]

    # THEN
    assert State.ALARM in states
    # A minute whose metrics have not arrived yet does not count as a good minute.
    assert set(states[states.index(State.ALARM) :]) == {State.ALARM}


@pytest.mark.parametrize("function", [each.name for each in FUNCTIONS])
def test_the_alarm_recovers_soon_after_the_rollback_so_that_a_repair_can_be_deployed(function: str) -> None:
    # GIVEN
    alarm = rollback_alarm(function)
    end = BEGIN + CANARY

    # WHEN
    state = state_at(alarm, end + CANARY, lag=2 * MINUTE, bad_until=end)

    # THEN
    assert state == State.OK
