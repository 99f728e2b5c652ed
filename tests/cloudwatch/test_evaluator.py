"""Tests the alarm evaluator against the worked examples of AWS's documentation."""

import pytest

from lab.simulation.cloudwatch.evaluator import AlarmRun
from lab.simulation.cloudwatch.evaluator_alarm import (
    Behaviour,
    MetricAlarm,
    MetricQuery,
    MissingData,
    State,
    decide,
    evaluate_alarm,
)
from lab.simulation.cloudwatch.evaluator_math import ExpressionSyntaxError, MathContext, MathError, evaluate
from lab.simulation.cloudwatch.evaluator_metrics import MetricKey, MetricStore, Series

OK, ALARM, NONE = State.OK, State.ALARM, State.INSUFFICIENT_DATA
RETAIN = None
TREATMENTS: tuple[MissingData, ...] = ("missing", "ignore", "breaching", "notBreaching")

# From AWS's page "Configuring how CloudWatch alarms treat missing data". An alarm fires if 3 of 3 periods breach, and
# in the second table if 2 of 3 breach. CloudWatch reads 5 periods: 0 is a good value, X breaches, and - is missing.
# Each row has the alarm's state for each of the `TREATMENTS`.
THREE_OF_THREE = {
    "0 - X - X": (OK, OK, OK, OK),
    "0 - - - -": (OK, OK, OK, OK),
    "- - - - -": (NONE, RETAIN, ALARM, OK),
    "0 X X - X": (ALARM, ALARM, ALARM, ALARM),
    "- - X - -": (ALARM, RETAIN, ALARM, OK),
    # From "Avoiding premature transitions to alarm state" on the same page.
    "- - - - X": (NONE, RETAIN, ALARM, OK),
    "- - - X -": (NONE, RETAIN, ALARM, OK),
    "- - - X 0": (OK, OK, OK, OK),
    "- - X - 0": (OK, OK, OK, OK),
    # From an earlier edition of the table.
    "X - - - -": (ALARM, RETAIN, ALARM, OK),
}
TWO_OF_THREE = {
    "0 - X - X": (ALARM, ALARM, ALARM, ALARM),
    "0 0 X 0 X": (ALARM, ALARM, ALARM, ALARM),
    "0 - X - -": (OK, OK, ALARM, OK),
    "- - - - 0": (OK, OK, ALARM, OK),
    "- - - X -": (ALARM, RETAIN, ALARM, OK),
}
EXAMPLES = [
    pytest.param(m, drawn, treatment, outcomes[i], id=f"{m}of3-{drawn.replace(' ', '')}-{treatment}")
    for m, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for drawn, outcomes in table.items()
    for i, treatment in enumerate(TREATMENTS)
]


@pytest.mark.parametrize("current", list(State))
@pytest.mark.parametrize(("m", "drawn", "treatment", "expected"), EXAMPLES)
def test_missing_data_is_treated_as_in_the_documentations_tables(
    m: int, drawn: str, treatment: MissingData, expected: State | None, current: State
) -> None:
    # GIVEN
    points = [{"0": False, "X": True, "-": None}[mark] for mark in drawn.split()]

    # WHEN
    state = decide(points, n=3, m=m, treatment=treatment, current=current)

    # THEN
    assert state == (current if expected is RETAIN else expected)


def series(*values: float | None) -> Series:
    return {60 * i: float(v) for i, v in enumerate(values) if v is not None}


def math_of(expression: str, **metrics: Series) -> Series:
    return evaluate(expression, MathContext(metrics, {}, [60 * i for i in range(5)]))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # "Comparison and logical operators": metric1 = [30, 20, 0, 0], metric2 = [20, -, 20, -].
        ("m1 < m2", series(0, 0, 1, 0)),
        ("m1 >= 30", series(1, 0, 0, 0)),
        ("m1 > 15 AND m2 > 15", series(1, 0, 0, 0)),
        ("m1 > 15 AND m2 > 15 OR m1 == 0", series(1, 0, 1, 1)),
        # "Basic arithmetic functions": a missing value counts as 0, and a division by zero gives no value.
        ("m1 + m2", series(50, 20, 20, 0)),
        ("m2 - m1", series(-10, -20, 20, 0)),
        ("m2 / m1", series(20 / 30, 0)),
        ("m1 / m2", series(1.5, None, 0)),
        ("2 * (m1 - 10) / 4", series(10, 5, -5, -5)),
        ("1 - 2 - m1", series(-31, -21, -1, -1)),
        # "Functions supported for metric math".
        ("FILL(m2, 7)", series(20, 7, 20, 7, 7)),
        ("DIFF(m1)", series(None, -10, -20, 0)),
    ],
)
def test_metric_math_follows_the_documentation(expression: str, expected: Series) -> None:
    # GIVEN
    m1, m2 = series(30, 20, 0, 0), series(20, None, 20, None)

    # WHEN
    result = math_of(expression, m1=m1, m2=m2)

    # THEN
    assert result == pytest.approx(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # "Using IF expressions": the three tables.
        ("IF(m1, m2, m3)", series(30, 0, 20)),
        ("IF(m1, 5, m3)", series(5, 5, 20)),
        ("IF(m1, m2, 5)", series(30, 0, 5, 5)),
        ("IF(m1, m2)", series(30, 0)),
        ("IF(m2 < 10, 10, 2)", series(2, None, 10, 10, 2)),
        ("IF(1 > 0, m3)", series(0, 0, 20, None, 20)),
    ],
)
def test_an_if_expression_follows_the_documentation(expression: str, expected: Series) -> None:
    # GIVEN
    m1, m2, m3 = series(1, 1, 0, 0, None), series(30, None, 0, 0, 30), series(0, 0, 20, None, 20)

    # WHEN
    result = math_of(expression, m1=m1, m2=m2, m3=m3)

    # THEN
    assert result == expected


@pytest.mark.parametrize(
    "expression",
    [
        "SUM(m1)",
        "m1 +",
        "m9",
        "RUNNING_SUM(m1)",
        "(m1",
        "m1 m1",
        "FILL(m1)",
        "1 / 0 * m1",
        "m1 $ 2",
        '"a"',
    ],
)
def test_an_expression_that_does_not_yield_one_time_series_is_refused(expression: str) -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises((MathError, ExpressionSyntaxError)):
        math_of(expression, m1=series(1), m2=series(2))


KEY = MetricKey.of("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": "orders"})


def alarm_of(**overrides: object) -> MetricAlarm:
    values: dict[str, object] = {
        "name": "a",
        "metrics": {"m": MetricQuery(KEY, "Maximum")},
        "expressions": {},
        "returned": "m",
        "comparison": "GreaterThanThreshold",
        "threshold": 3,
        "period": 60,
        "evaluation_periods": 3,
        "datapoints_to_alarm": 3,
        "actions": {State.ALARM: ("page",), State.OK: ("page",)},
    }
    return MetricAlarm(**(values | overrides))  # type: ignore[arg-type]  # the dataclass refuses unknown names


def store_of(*values: float | None, key: MetricKey = KEY, unit: str = "Seconds") -> MetricStore:
    store = MetricStore()
    for i, value in enumerate(values):
        if value is not None:
            store.put(key, 60 * i, value, unit)
    return store


def test_an_alarm_on_three_of_three_periods_is_raised_in_the_fifth_minute_and_recovers_at_the_next_dip() -> None:
    # GIVEN the diagram on AWS's page "Alarm evaluation": periods 3 to 5 breach, period 6 does not,
    # and period 9 breaches
    store = store_of(1, 2, 4, 5, 6, 2, 1, 1, 5, 1)

    # WHEN
    run = AlarmRun(store, [alarm_of()]).run(180, 600)

    # THEN
    assert [(c.at // 60, c.state) for c in run.changes] == [(3, OK), (5, ALARM), (6, OK)]


@pytest.mark.parametrize(
    ("key", "unit"),
    [
        (MetricKey.of("AWS/SQS", "ApproximateAgeOfOldestMessage"), None),
        (MetricKey.of("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": "orders", "Region": "x"}), None),
        (MetricKey.of("AWS/SQS", "ApproximateAgeOfOldestMessages", {"QueueName": "orders"}), None),
        (MetricKey.of("AWS/Lambda", "ApproximateAgeOfOldestMessage", {"QueueName": "orders"}), None),
        (KEY, "Milliseconds"),
    ],
)
def test_an_alarm_ignores_a_metric_with_another_namespace_or_name_or_dimension_set_or_unit(
    key: MetricKey, unit: str | None
) -> None:
    # GIVEN
    store = store_of(9, 9, 9)
    alarm = alarm_of(metrics={"m": MetricQuery(key, "Maximum", unit)})

    # WHEN
    state = evaluate_alarm(alarm, store, 180, State.OK)

    # THEN
    assert state == NONE


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [("Sum", 10), ("Average", 2.5), ("Minimum", 1), ("Maximum", 4), ("SampleCount", 4), ("p50", 2), ("p99", 4)],
)
def test_statistics_are_computed_over_the_values_of_a_period(statistic: str, expected: float) -> None:
    # GIVEN
    store = MetricStore()
    store.put(KEY, 60, [1, 2, 3, 4], "Seconds")

    # WHEN
    result = store.series(KEY, statistic, 60, [0, 60, 120])

    # THEN
    assert result == {60: expected}


def test_a_period_of_five_minutes_is_evaluated_every_minute() -> None:
    # GIVEN one breach in minute 7 and a period of five minutes
    store = store_of(*[0] * 7, 9, *[0] * 12)
    alarm = alarm_of(period=300, evaluation_periods=1, datapoints_to_alarm=1)

    # WHEN
    run = AlarmRun(store, [alarm]).run(300, 1200)

    # THEN
    assert [(c.at // 60, c.state) for c in run.changes] == [(5, OK), (8, ALARM), (13, OK)]


@pytest.mark.parametrize(("always", "expected"), [(False, OK), (True, ALARM)])
def test_a_dynamodb_alarm_keeps_its_state_if_cloudwatch_always_ignores_missing_data(
    always: bool, expected: State
) -> None:
    # GIVEN throttles in the past, and no value published since then
    key = MetricKey.of("AWS/DynamoDB", "WriteThrottleEvents", {"TableName": "orders"})
    store = store_of(9, key=key, unit="Count")
    alarm = alarm_of(
        metrics={"m": MetricQuery(key, "Sum")},
        evaluation_periods=1,
        datapoints_to_alarm=1,
        treat_missing_data="notBreaching",
    )

    # WHEN
    run = AlarmRun(store, [alarm], behaviour=Behaviour(dynamodb_always_ignores=always)).run(60, 1200)

    # THEN
    assert run.states["a"] == expected
