"""Tests that the handlers emit exactly the metrics that we declare."""

from typing import Final

import pytest

from components.alarms.model import Alarm
from lab.simulation.cloudwatch.causes import BY_METRIC, emitted_by
from lab.simulation.cloudwatch.evaluator_metrics import MetricKey
from lab.simulation.cloudwatch.metrics_data import SERVICES, own_metrics
from lab.simulation.cloudwatch.registered import LIMITS, THRESHOLDS
from lab.simulation.cloudwatch.scenarios import CAUSES
from lab.simulation.observed import NAMESPACE
from pipeline.alarms import alarm_table
from pipeline.alarms.context import NAMESPACE as OWN
from runtime.metric import MetricName

DECLARED: Final = {entry.name: entry for entry in own_metrics(NAMESPACE)}


@pytest.mark.parametrize("metric", MetricName)
def test_each_metric_is_emitted_by_its_cause_with_the_declared_unit_and_dimensions(metric: MetricName) -> None:
    # GIVEN
    declared = DECLARED[metric.value]

    # WHEN
    found = [each for each in emitted_by(metric) if each.key.name == metric.value]

    # THEN
    assert found, f"the cause of {metric} does not emit it"
    for each in found:
        assert each.key == MetricKey.of(NAMESPACE, metric.value, {"service": SERVICES[metric.value]})
        assert frozenset({"service"}) in declared.dimension_sets
        assert (each.unit, each.resolution) == (declared.unit, declared.resolution)
        assert all(value >= 0 for value in each.values)


def test_every_declared_metric_has_a_cause_and_nothing_undeclared_is_emitted() -> None:
    # GIVEN / WHEN
    emitted = {each.key.name for metric in BY_METRIC for each in emitted_by(metric)}

    # THEN
    assert emitted == set(DECLARED) == {metric.value for metric in MetricName}


def test_an_outcome_is_counted_once_and_its_latency_is_in_milliseconds() -> None:
    # GIVEN / WHEN an order that waits for 400 s
    values = {each.key.name: each.values for each in emitted_by(MetricName.ACCEPTED_TO_SETTLED)}

    # THEN
    assert values["OrderConfirmed"] == (1.0,)
    assert values["AcceptedToSettledLatency"] == (400_000.0,)


def test_each_failed_attempt_is_counted_and_the_failed_last_attempt_is_also_counted_separately() -> None:
    # GIVEN / WHEN
    emitted = emitted_by(MetricName.LAST_ATTEMPT_FAILED)

    # THEN
    totals = {
        name: sum(sum(each.values) for each in emitted if each.key.name == name)
        for name in ("AttemptFailed", "LastAttemptFailed")
    }
    assert totals == {"AttemptFailed": 8, "LastAttemptFailed": 1}


@pytest.mark.parametrize("row", alarm_table(THRESHOLDS, LIMITS, certificate=True).alarms, ids=lambda row: row.name)
def test_if_an_alarm_watches_our_own_metrics_its_scenario_publishes_at_least_one_of_them(row: Alarm) -> None:
    # GIVEN
    watched = {m.name for m in row.metrics.values() if m.namespace == OWN}

    # WHEN
    published = {key.name for key in CAUSES[row.name] if dict(key.dimensions).get("service")}

    # THEN
    assert bool(watched) == bool(watched & published) == bool(published)
    assert published <= {metric.value for metric in BY_METRIC}
