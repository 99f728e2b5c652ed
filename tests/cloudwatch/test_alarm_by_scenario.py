"""Tests what each row does, by scenarios of its own, against a table written by hand: tier, window, threshold,
silence.
"""

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
_SILENCE = {
    (State.OK, State.OK): "well",
    (State.ALARM, State.ALARM): "alarm",
    (State.OK, State.ALARM): "as before",
    (State.INSUFFICIENT_DATA, State.INSUFFICIENT_DATA): "unknown",
}
_SIGNS = {"GreaterThanOrEqualToThreshold": ">=", "GreaterThanThreshold": ">", "LessThanThreshold": "<"}

# Written by hand: a row that was changed on purpose, or is new, is changed or added here.
ROWS = {
    "accepting-14x-1h": "page 1/1x60m >=1.44 Sum notBreaching: well needs errors,requests of 2",
    "accepting-14x-5m": "page 1/1x5m >=1.44 Sum notBreaching: well needs errors,requests of 2",
    "accepting-6x-6h": "page 1/1x360m >=0.6 Sum notBreaching: well needs errors,requests of 2",
    "accepting-6x-30m": "page 1/1x30m >=0.6 Sum notBreaching: well needs errors,requests of 2",
    "accepting-3x-1d": "ticket 1/1x1440m >=0.3 Sum notBreaching: well needs errors,requests of 2",
    "accepting-3x-2h": "ticket 1/1x120m >=0.3 Sum notBreaching: well needs errors,requests of 2",
    "accepting-1x-3d": "ticket 1/1x4320m >=0.1 Sum notBreaching: well needs errors,requests of 2",
    "accepting-1x-6h": "ticket 1/1x360m >=0.1 Sum notBreaching: well needs errors,requests of 2",
    "settling-14x-1h": "page 1/1x60m >=14.4 Sum TC(:600000) notBreaching: well needs accepted of 2",
    "settling-14x-5m": "page 1/1x5m >=14.4 Sum TC(:600000) notBreaching: well needs accepted,failed of 3",
    "settling-6x-6h": "page 1/1x360m >=6 Sum TC(:600000) notBreaching: well needs accepted of 2",
    "settling-6x-30m": "page 1/1x30m >=6 Sum TC(:600000) notBreaching: well needs accepted,failed of 3",
    "settling-3x-1d": "ticket 1/1x1440m >=3 Sum TC(:600000) notBreaching: well needs accepted of 2",
    "settling-3x-2h": "ticket 1/1x120m >=3 Sum TC(:600000) notBreaching: well needs accepted,failed of 3",
    "settling-1x-3d": "ticket 1/1x4320m >=1 Sum TC(:600000) notBreaching: well needs accepted of 2",
    "settling-1x-6h": "ticket 1/1x360m >=1 Sum TC(:600000) notBreaching: well needs accepted,failed of 3",
    "certificate-expiry": "notify 1/1x1440m <30 Minimum ignore: as before",
    "api-4xx-surge": "notify 2/2x5m >=50 Sum notBreaching: well needs errors,requests of 2",
    "api-latency": "notify 3/3x5m >=3000 p99 notBreaching: well",
    "idempotency-conflicts": "notify 2/2x5m >=20 Sum notBreaching: well",
    "idempotency-mismatches": "notify 2/2x5m >=10 Sum notBreaching: well",
    "rejection-rate": "notify 1/1x15m >=30 Sum notBreaching: well needs rejected of 2",
    "orders-missing": "page 2/2x30m <10 Sum breaching: alarm",
    "worker-concurrency": "ticket 4/6x5m >=8 Maximum notBreaching: well",
    "account-concurrency": "ticket 4/6x5m >=800 Maximum notBreaching: well",
    "attempt-failure-rate": "page 2/3x5m >=25 Sum notBreaching: well needs failed of 3",
    "attempts-keep-failing": "notify 4/6x5m >=1 Sum notBreaching: well",
    "oldest-message-age": "page 3/5x1m >=600 Maximum notBreaching: well",
    "worker-not-running": "page 6/9x1m >=1 Maximum Sum notBreaching: well needs waiting of 2",
    "queue-retention-half": "page 1/1x5m >=172800 Maximum notBreaching: well",
    "dead-letter-queue-not-empty": "page 1/1x1m >=1 Maximum ignore: as before needs visible of 2",
    "order-dead-lettered": "page 1/20x1m >=1 Sum notBreaching: well needs exhausted of 2",
    "dead-letters-old": "page 1/1x5m >=1800 Maximum ignore: as before",
    "dead-letter-retention-half": "page 1/1x5m >=432000 Maximum notBreaching: well",
    "notifications-failed": "notify 2/3x5m >=1 Sum notBreaching: well",
    "notifications-redriven": "notify 1/1x5m >=1 Sum notBreaching: well",
    "notifications-lost": "page 1/15x1m >=1 Sum notBreaching: well",
    "notifications-failed-billing": "notify 1/1x5m >=1 Sum notBreaching: well",
    "notifications-failed-mail": "notify 1/1x5m >=1 Sum notBreaching: well",
    "notifications-redriven-billing": "notify 1/1x5m >=1 Sum notBreaching: well",
    "notifications-redriven-mail": "notify 1/1x5m >=1 Sum notBreaching: well",
    "notifications-lost-billing": "page 1/15x1m >=1 Sum notBreaching: well",
    "notifications-lost-mail": "page 1/15x1m >=1 Sum notBreaching: well",
    "bus-dead-letter-queue-not-empty": "page 1/1x1m >=1 Maximum ignore: as before needs visible of 2",
}

# Likewise, of what is heard together: its tier, its rows, and how long (to begin, to end) what keeps it silent does.
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


def test_what_is_heard_together_is_as_the_table_says() -> None:
    # GIVEN / WHEN
    found = {}
    for each in composite_alarms(register_alarms()):
        rule = re.sub(r'ALARM\("([^"]+)"\)|[()]', r"\1", each.rule).replace(" OR ", ", ").replace(" AND ", " & ")
        silent = f"; {each.suppressor} {each.wait_period} {each.extension_period}" if each.suppressor else ""
        (tier,) = {target.rpartition("-")[2] for target in each.actions[State.ALARM]}
        found[each.name.removeprefix(f"{PREFIX}-")] = f"{tier} {rule}{silent}".replace(f"{PREFIX}-", "")

    # THEN
    assert found == TOGETHER


def seen(alarm: MetricAlarm, cause: Series, tier: str) -> str:
    """Return what the alarm does: who hears it; how many breaching periods of how many raise it; from which number
    on; by
    which statistics; what it makes of silence; which of several metrics it cannot be raised without.
    """

    def state(ages: Collection[int], absent: Collection[MetricKey] = (), current: State = State.OK) -> State:
        return evaluate_alarm(alarm, _store(alarm, cause, ages, absent), START, current, Behaviour(1))

    most = alarm.evaluation_periods + 1
    to_alarm = _first(lambda m: state(range(1, m + 1)) is State.ALARM, range(1, most))
    window = _first(lambda n: state(range(n - to_alarm + 1, n + 1)) is State.ALARM, range(most, 0, -1))
    silent = _SILENCE[
        evaluate_alarm(alarm, MetricStore(), START, State.OK, Behaviour(1)),
        evaluate_alarm(alarm, MetricStore(), START, State.ALARM, Behaviour(1)),
    ]
    queries = alarm.metrics.items()
    needed = [name for name, query in queries if state(range(1, most + 1), [query.key]) is not State.ALARM]
    statistics = sorted({query.statistic for _, query in queries})
    window_and_number = f"{to_alarm}/{window}x{alarm.period // 60}m {_SIGNS[alarm.comparison]}{alarm.threshold:g}"
    parts = [tier, window_and_number, *statistics, f"{alarm.treat_missing_data}: {silent}"]
    several = [f"needs {','.join(needed)} of {len(queries)}"] if len(queries) > 1 else []
    return " ".join([*parts, *several])


def _store(alarm: MetricAlarm, cause: Series, ages: Collection[int], absent: Collection[MetricKey]) -> MetricStore:
    """Healthy periods, and of the ages (1: the latest) such with the cause; an hour stands for what is longer."""
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
            heard = next((each for each in composites if alarm.name in each.alarms()), alarm)
            tiers = {target.rpartition("-")[2] for target in heard.actions[State.ALARM]}
            yield name, seen(alarm, cause, "+".join(sorted(tiers)))


@cache
def rows() -> dict[str, str]:
    """Return what is seen of each row of both tables, with a topic and with a bus."""
    return dict(_rows())


def test_every_row_is_in_the_table() -> None:
    # GIVEN / WHEN / THEN
    assert set(rows()) == set(ROWS), "add to ROWS, once it is what is meant: " + "; ".join(
        f'"{name}": "{what}"' for name, what in rows().items() if name not in ROWS
    )


@pytest.mark.parametrize("name", ROWS)
def test_a_row_does_what_the_table_says(name: str) -> None:
    # GIVEN / WHEN
    does = rows().get(name, "nothing: there is no such row")

    # THEN
    assert does == ROWS[name], f"{name} was {ROWS[name]!r} and is {does!r}; if that is meant, write it into ROWS"
