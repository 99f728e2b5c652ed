"""Tests composite alarms against AWS's documentation: their rules, and the suppression of their actions."""

from collections.abc import Sequence

import pytest

from lab.simulation.cloudwatch.evaluator import AlarmRun
from lab.simulation.cloudwatch.evaluator_alarm import MetricQuery, State
from lab.simulation.cloudwatch.evaluator_composite import CompositeAlarm, parse_rule
from lab.simulation.cloudwatch.evaluator_math import ExpressionSyntaxError
from lab.simulation.cloudwatch.evaluator_metrics import MetricKey, MetricStore
from tests.cloudwatch.test_evaluator import alarm_of, store_of

OK, ALARM, NONE = State.OK, State.ALARM, State.INSUFFICIENT_DATA


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        # Modelled on the examples of AlarmRule in AWS's page on "PutCompositeAlarm".
        ("ALARM(cpu) AND ALARM(disk)", False),
        ("ALARM(cpu) AND NOT ALARM(deploying)", True),
        ("(ALARM(cpu) OR ALARM(disk)) AND OK(net)", True),
        ("ALARM(disk) OR ALARM(cpu) AND OK(disk)", True),
        ("INSUFFICIENT_DATA(deploying)", True),
        ('ALARM("cpu")', True),
        ("ALARM(arn:aws:cloudwatch:eu-central-1:123456789012:alarm:cpu)", True),
        ("TRUE", True),
        ("FALSE OR NOT TRUE", False),
    ],
)
def test_a_composite_rule_is_evaluated_as_documented(rule: str, expected: bool) -> None:
    # GIVEN
    states = {"cpu": ALARM, "disk": OK, "net": OK, "deploying": NONE}

    # WHEN
    result = parse_rule(rule)(states)

    # THEN
    assert result is expected


@pytest.mark.parametrize("rule", ["", "ALARM()", "ALARM(a) ALARM(b)", "(ALARM(a)", "AND", "cpu", "NOT"])
def test_a_malformed_composite_rule_is_refused(rule: str) -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ExpressionSyntaxError):
        parse_rule(rule)


def composite_of(**overrides: object) -> CompositeAlarm:
    values: dict[str, object] = {
        "name": "c",
        "rule": "ALARM(a)",
        "actions": {State.ALARM: ("page",), State.OK: ("page",)},
        "suppressor": "s",
        "wait_period": 120,
        "extension_period": 300,
    }
    return CompositeAlarm(**(values | overrides))  # type: ignore[arg-type]  # the dataclass refuses unknown names


def suppressed_run(a: Sequence[float], s: Sequence[float]) -> AlarmRun:
    one = {"evaluation_periods": 1, "datapoints_to_alarm": 1, "actions": {}}
    other = MetricKey.of("AWS/SQS", "Other")
    store = store_of(*a)
    for i, value in enumerate(s):
        store.put(other, 60 * i, value, "Count")
    alarms = [alarm_of(**one), alarm_of(name="s", metrics={"m": MetricQuery(other, "Maximum")}, **one)]
    return AlarmRun(store, alarms, [composite_of()]).run(60, 60 * len(a))


def notified(run: AlarmRun) -> list[tuple[int, State]]:
    return [(notice.at // 60, notice.state) for notice in run.notices]


def test_a_composite_waits_for_its_suppressor_and_then_acts() -> None:
    # GIVEN / WHEN
    run = suppressed_run(a=[0, 9, 9, 9, 9, 0, 0], s=[0] * 7)

    # THEN
    assert notified(run) == [(4, ALARM), (6, OK)]


def test_a_composite_does_not_act_while_its_suppressor_is_in_alarm_but_acts_after_the_extension() -> None:
    # GIVEN / WHEN
    run = suppressed_run(a=[0] + [9] * 14, s=[0, 0, 9, 9, 9] + [0] * 10)

    # THEN
    assert notified(run) == [(10, ALARM)]


def test_a_composite_that_recovers_within_the_extension_notifies_nobody() -> None:
    # GIVEN / WHEN
    run = suppressed_run(a=[0] + [9] * 6 + [0] * 8, s=[0, 9, 9, 9, 9] + [0] * 10)

    # THEN
    assert notified(run) == []


def test_a_composite_that_names_an_unknown_alarm_is_refused() -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValueError, match="do not exist"):
        AlarmRun(MetricStore(), [], [composite_of(suppressor=None)])
