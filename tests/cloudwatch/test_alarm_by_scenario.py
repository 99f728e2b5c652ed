"""Tests how each alarm behaves in its own scenarios, against a table written by hand."""

import re
from collections.abc import Callable, Collection, Iterator
from functools import cache

import pytest

from lab.simulation.cloudwatch.evaluator_alarm import Behaviour, MetricAlarm, State, evaluate_alarm
from lab.simulation.cloudwatch.evaluator_metrics import MetricKey, MetricStore
from lab.simulation.cloudwatch.metrics_data import AWS_METRICS, find, own_metrics
from lab.simulation.cloudwatch.registered import PREFIX, composite_alarms, metric_alarms, register_alarms
from lab.simulation.cloudwatch.scenarios import BUS_CAUSES, BUS_HEALTHY, CAUSES, HEALTHY, START, Series

PUBLISHED = (*AWS_METRICS, *own_metrics(PREFIX))
HEALTH: Series = {**HEALTHY, **BUS_HEALTHY}
_WITHOUT_DATA = {
    (State.OK, State.OK): "OK",
    (State.ALARM, State.ALARM): "ALARM",
    (State.OK, State.ALARM): "unchanged",
    (State.INSUFFICIENT_DATA, State.INSUFFICIENT_DATA): "unknown",
}
_SIGNS = {"GreaterThanOrEqualToThreshold": ">=", "GreaterThanThreshold": ">", "LessThanThreshold": "<"}

# Written by hand. If you change or add an alarm on purpose, change or add its line here. Example:
# "page 2/3x5m >=25 Sum notBreaching: OK" has the tier, the number of periods that must breach (2 of
# the last 3, each of 5 minutes), the threshold, the statistics, the treatment of missing data, and
# the alarm's state without any data ("unchanged" means: the alarm keeps its state).
# "needs a,b of 3" means: the alarm has three metrics and can be raised only with both a and b.
ROWS = {
    "accepting-14x-1h": "page 1/1x60m >=1.44 Sum notBreaching: OK needs errors,requests of 2",
    "accepting-14x-5m": "page 1/1x5m >=1.44 Sum notBreaching: OK needs errors,requests of 2",
    "accepting-6x-6h": "page 1/1x360m >=0.6 Sum notBreaching: OK needs errors,requests of 2",
    "accepting-6x-30m": "page 1/1x30m >=0.6 Sum notBreaching: OK needs errors,requests of 2",
    "accepting-3x-1d": "ticket 1/1x1440m >=0.3 Sum notBreaching: OK needs errors,requests of 2",
    "accepting-3x-2h": "ticket 1/1x120m >=0.3 Sum notBreaching: OK needs errors,requests of 2",
    "accepting-1x-3d": "ticket 1/1x4320m >=0.1 Sum notBreaching: OK needs errors,requests of 2",
    "accepting-1x-6h": "ticket 1/1x360m >=0.1 Sum notBreaching: OK needs errors,requests of 2",
    "settling-14x-1h": "page 1/1x60m >=14.4 Sum TC(:600000) notBreaching: OK needs accepted of 2",
    "settling-14x-5m": "page 1/1x5m >=14.4 Sum TC(:600000) notBreaching: OK needs accepted,failed of 3",
    "settling-6x-6h": "page 1/1x360m >=6 Sum TC(:600000) notBreaching: OK needs accepted of 2",
    "settling-6x-30m": "page 1/1x30m >=6 Sum TC(:600000) notBreaching: OK needs accepted,failed of 3",
    "settling-3x-1d": "ticket 1/1x1440m >=3 Sum TC(:600000) notBreaching: OK needs accepted of 2",
    "settling-3x-2h": "ticket 1/1x120m >=3 Sum TC(:600000) notBreaching: OK needs accepted,failed of 3",
    "settling-1x-3d": "ticket 1/1x4320m >=1 Sum TC(:600000) notBreaching: OK needs accepted of 2",
    "settling-1x-6h": "ticket 1/1x360m >=1 Sum TC(:600000) notBreaching: OK needs accepted,failed of 3",
    "certificate-expiry": "notify 1/1x1440m <30 Minimum ignore: unchanged",
    "api-4xx-surge": "notify 2/2x5m >=50 Sum notBreaching: OK needs errors,requests of 2",
    "api-latency": "notify 3/3x5m >=3000 p99 notBreaching: OK",
    "idempotency-conflicts": "notify 2/2x5m >=20 Sum notBreaching: OK",
    "idempotency-mismatches": "notify 2/2x5m >=10 Sum notBreaching: OK",
    "rejection-rate": "notify 1/1x15m >=30 Sum notBreaching: OK needs rejected of 2",
    "orders-missing": "page 2/2x30m <10 Sum breaching: ALARM",
    "worker-concurrency": "ticket 4/6x5m >=8 Maximum notBreaching: OK",
    "account-concurrency": "ticket 4/6x5m >=800 Maximum notBreaching: OK",
    "attempt-failure-rate": "page 2/3x5m >=25 Sum notBreaching: OK needs failed of 3",
    "attempts-keep-failing": "notify 4/6x5m >=1 Sum notBreaching: OK",
    "oldest-message-age": "page 3/5x1m >=600 Maximum notBreaching: OK",
    "worker-not-running": "page 6/9x1m >=1 Maximum Sum notBreaching: OK needs waiting of 2",
    "queue-retention-half": "page 1/1x5m >=172800 Maximum notBreaching: OK",
    "dead-letter-queue-not-empty": "page 1/1x1m >=1 Maximum ignore: unchanged needs visible of 2",
    "order-dead-lettered": "page 1/20x1m >=1 Sum notBreaching: OK needs exhausted of 2",
    "dead-letters-old": "page 1/1x5m >=1800 Maximum ignore: unchanged",
    "dead-letter-retention-half": "page 1/1x5m >=432000 Maximum notBreaching: OK",
    "notifications-failed": "notify 2/3x5m >=1 Sum notBreaching: OK",
    "notifications-redriven": "notify 1/1x5m >=1 Sum notBreaching: OK",
    "notifications-lost": "page 1/15x1m >=1 Sum notBreaching: OK",
    "notifications-failed-billing": "notify 1/1x5m >=1 Sum notBreaching: OK",
    "notifications-failed-mail": "notify 1/1x5m >=1 Sum notBreaching: OK",
    "notifications-redriven-billing": "notify 1/1x5m >=1 Sum notBreaching: OK",
    "notifications-redriven-mail": "notify 1/1x5m >=1 Sum notBreaching: OK",
    "notifications-lost-billing": "page 1/15x1m >=1 Sum notBreaching: OK",
    "notifications-lost-mail": "page 1/15x1m >=1 Sum notBreaching: OK",
    "bus-dead-letter-queue-not-empty": "page 1/1x1m >=1 Maximum ignore: unchanged needs visible of 2",
}

# The composite alarms: tier, rule ("&" means and, "," means or), suppressor, and its wait and
# extension periods in seconds.
TOGETHER = {
    "api-failing": "page accepting-14x-1h & accepting-14x-5m, accepting-6x-6h & accepting-6x-30m",
    "budget-burning": "ticket accepting-3x-1d & accepting-3x-2h, accepting-1x-3d & accepting-1x-6h, "
    "settling-3x-1d & settling-3x-2h, settling-1x-3d & settling-1x-6h",
    "dead-letters": "page dead-letter-queue-not-empty, order-dead-lettered; processing-failing 120 1800",
    "further-dead-letters": "page order-dead-lettered & dead-letters-old; processing-failing 120 1800",
    "intake-silent": "page orders-missing; api-failing 120 3600",
    "notifications-undelivered": "notify notifications-failed, notifications-redriven",
    "processing-failing": "page attempt-failure-rate, oldest-message-age, worker-not-running, "
    "settling-14x-1h & settling-14x-5m, settling-6x-6h & settling-6x-30m; api-failing 120 600",
}


def test_composite_alarms_match_the_table() -> None:
    # GIVEN / WHEN
    found = {}
    for each in composite_alarms(register_alarms()):
        rule = re.sub(r'ALARM\("([^"]+)"\)|[()]', r"\1", each.rule).replace(" OR ", ", ").replace(" AND ", " & ")
        suppression = f"; {each.suppressor} {each.wait_period} {each.extension_period}" if each.suppressor else ""
        (tier,) = {target.rpartition("-")[2] for target in each.actions[State.ALARM]}
        found[each.name.removeprefix(f"{PREFIX}-")] = f"{tier} {rule}{suppression}".replace(f"{PREFIX}-", "")

    # THEN
    assert found == TOGETHER


def behaviour_of(alarm: MetricAlarm, cause: Series, tier: str) -> str:
    """Return the alarm's behaviour in the format of `ROWS`."""

    def state(ages: Collection[int], absent: Collection[MetricKey] = (), current: State = State.OK) -> State:
        return evaluate_alarm(alarm, _store(alarm, cause, ages, absent), START, current, Behaviour(1))

    most = alarm.evaluation_periods + 1
    to_alarm = _first(lambda m: state(range(1, m + 1)) is State.ALARM, range(1, most))
    window = _first(lambda n: state(range(n - to_alarm + 1, n + 1)) is State.ALARM, range(most, 0, -1))
    without_data = _WITHOUT_DATA[
        evaluate_alarm(alarm, MetricStore(), START, State.OK, Behaviour(1)),
        evaluate_alarm(alarm, MetricStore(), START, State.ALARM, Behaviour(1)),
    ]
    queries = alarm.metrics.items()
    needed = [name for name, query in queries if state(range(1, most + 1), [query.key]) is not State.ALARM]
    statistics = sorted({query.statistic for _, query in queries})
    window_and_number = f"{to_alarm}/{window}x{alarm.period // 60}m {_SIGNS[alarm.comparison]}{alarm.threshold:g}"
    parts = [tier, window_and_number, *statistics, f"{alarm.treat_missing_data}: {without_data}"]
    several = [f"needs {','.join(needed)} of {len(queries)}"] if len(queries) > 1 else []
    return " ".join([*parts, *several])


def _store(alarm: MetricAlarm, cause: Series, ages: Collection[int], absent: Collection[MetricKey]) -> MetricStore:
    """Return metrics: the values of `cause` in the periods `ages` (1 is the latest), healthy values in the others.

    Each value is put once for each minute of its period, but at most 60 times.
    """
    store = MetricStore()
    for age in range(1, alarm.evaluation_periods + 3):
        series = {**HEALTH, **cause} if age in ages else HEALTH
        for key in {query.key for query in alarm.metrics.values()} - {*absent}:
            value, entry = series.get(key), find(key, PUBLISHED)
            if value is not None and entry is not None:
                values = tuple(value) if isinstance(value, tuple | list) else (value,)
                minutes = min(60, alarm.period // 60)
                store.put(key, START - alarm.period * age, values * minutes, entry.unit)
    return store


def _first(holds: Callable[[int], bool], numbers: range) -> int:
    return next((number for number in numbers if holds(number)), 0)


def _rows() -> Iterator[tuple[str, str]]:
    for bus, causes in ((False, CAUSES), (True, BUS_CAUSES)):
        resources = register_alarms(bus=bus)
        alarms = {each.name.removeprefix(f"{PREFIX}-"): each for each in metric_alarms(resources)}
        composites = composite_alarms(resources)
        for name, cause in causes.items():
            alarm = alarms[name]
            notifying = next((each for each in composites if alarm.name in each.alarms()), alarm)
            tiers = {target.rpartition("-")[2] for target in notifying.actions[State.ALARM]}
            yield name, behaviour_of(alarm, cause, "+".join(sorted(tiers)))


@cache
def rows() -> dict[str, str]:
    """Return the behaviour of each alarm of a stack with a topic and of a stack with a bus, by the alarm's name."""
    return dict(_rows())


def test_the_table_lists_every_alarm_and_no_other() -> None:
    # GIVEN / WHEN / THEN
    assert set(rows()) == set(ROWS), (
        "ROWS must list exactly the deployed alarms; if these alarms are intended, add them: "
        + "; ".join(f'"{name}": "{what}"' for name, what in rows().items() if name not in ROWS)
    )


@pytest.mark.parametrize("name", ROWS)
def test_an_alarm_behaves_as_its_row_of_the_table_says(name: str) -> None:
    # GIVEN / WHEN
    does = rows().get(name, "nothing: there is no such alarm")

    # THEN
    assert does == ROWS[name], (
        f"{name}: ROWS has {ROWS[name]!r}, the alarm has {does!r}; if the alarm is right, change ROWS"
    )
