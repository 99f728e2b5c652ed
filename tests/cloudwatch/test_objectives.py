"""Tests the alarms of the objectives by examples: which registered alarm sends a page, and in which minute."""

from collections.abc import Callable
from typing import Final

import pytest

from lab.simulation.cloudwatch.evaluator import AlarmRun
from lab.simulation.cloudwatch.evaluator_alarm import State, evaluate_alarm
from lab.simulation.cloudwatch.evaluator_metrics import MetricStore
from lab.simulation.cloudwatch.registered import PREFIX
from lab.simulation.cloudwatch.scenarios import START, api, function, own, sqs
from pipeline.alarms.objectives import BURNS, Burn
from tests.cloudwatch.test_alarms_fire import alarm_of, deployed

HOUR: Final = 60
"""One hour in minutes."""
CountsOfMinute = Callable[[int], dict[str, float]]
"""A function that returns the counts of a minute: `requests`, `failed` requests, orders `settled` in time, orders
settled `late`, and failed `attempts`."""


def store_of(counts_of: CountsOfMinute, minutes: int) -> MetricStore:
    """Return the metrics of the first `minutes` minutes of a shop with these counts."""
    store = MetricStore()
    for minute in range(minutes):
        at, seen = (
            START + 60 * minute,
            {"requests": 0.0, "failed": 0.0, "settled": 0.0, "late": 0.0, "attempts": 0.0} | counts_of(minute),
        )
        if seen["requests"]:
            store.put(api("Count"), at, seen["requests"], "Count")
            store.put(api("5xx"), at, seen["failed"], "Count")
        if taken := seen["requests"] - seen["failed"]:
            store.put(own("OrderAccepted"), at, taken, "Count")
        latencies = [900.0] * int(seen["settled"]) + [9e6] * int(seen["late"])
        if latencies:
            store.put(own("AcceptedToSettledLatency"), at, latencies, "Milliseconds")
            store.put(own("OrderConfirmed"), at, len(latencies), "Count")
            store.put(function("Invocations", "process_order"), at, len(latencies), "Count")
        if seen["attempts"]:
            store.put(own("AttemptFailed"), at, seen["attempts"], "Count")
    return store


def pages_of(counts_of: CountsOfMinute, begin: int, end: int) -> list[tuple[str, int]]:
    """Return each page from minute `begin` to `end`: its alarm, and the minutes since `begin`.

    The alarm `intake-silent` is left out.
    """
    alarms, composites = deployed()
    others = [each for each in composites if not each.name.endswith("-intake-silent")]
    run = AlarmRun(store_of(counts_of, end), alarms, others).run(START + 60 * (begin - 10), START + 60 * end)
    notices = [
        n for n in run.notices if n.target.endswith("-page") and n.state == State.ALARM and n.at >= START + 60 * begin
    ]
    return [(each.alarm.removeprefix(f"{PREFIX}-"), (each.at - START) // 60 - begin) for each in notices]


def quiet(minute: int) -> dict[str, float]:
    """Return the counts of a minute at 20 orders an hour."""
    return {"requests": 1, "settled": 1} if minute % 3 == 0 else {}


def test_an_alarm_pages_within_15_minutes_if_every_request_of_a_quiet_shop_fails() -> None:
    # GIVEN
    def down(minute: int) -> dict[str, float]:
        return quiet(minute) | ({"failed": 1, "settled": 0} if minute >= 8 * HOUR and minute % 3 == 0 else {})

    # WHEN
    pages = pages_of(down, 8 * HOUR, 8 * HOUR + 15)

    # THEN
    assert [name for name, _ in pages] == ["api-failing"]
    assert pages[0][1] <= 11


def test_an_alarm_pages_within_15_minutes_if_all_orders_of_a_quiet_shop_fail() -> None:
    # GIVEN orders that are tried again after growing pauses: about one attempt a minute fails
    def failing(minute: int) -> dict[str, float]:
        return quiet(minute) | ({"settled": 0, "attempts": 1} if minute >= 8 * HOUR else {})

    # WHEN
    pages = pages_of(failing, 8 * HOUR, 8 * HOUR + 15)

    # THEN
    assert [name for name, _ in pages] == ["processing-failing"]


@pytest.mark.parametrize("failures", [1, 2])
def test_one_or_two_failed_requests_in_a_quiet_night_page_nobody(failures: int) -> None:
    # GIVEN
    def shop(minute: int) -> dict[str, float]:
        return quiet(minute) | ({"failed": 1, "settled": 0} if minute in [8 * HOUR, 8 * HOUR + 3][:failures] else {})

    # WHEN / THEN
    assert pages_of(shop, 8 * HOUR, 10 * HOUR) == []


def busy(minute: int) -> dict[str, float]:
    """Return the counts of a minute at 1,500 orders an hour."""
    return {"requests": 25, "settled": 25}


def test_a_steady_error_rate_of_4_percent_pages_within_the_documented_time() -> None:
    # GIVEN
    def leaking(minute: int) -> dict[str, float]:
        return {"requests": 25, "failed": 1, "settled": 24} if minute >= 6 * HOUR else busy(minute)

    # WHEN
    pages = pages_of(leaking, 6 * HOUR, 7 * HOUR)

    # THEN after 21.6 minutes, 1.44 % of the last hour's requests have failed: 14.4 times the error budget
    assert pages == [("api-failing", 22)]


def test_a_burst_of_orders_that_waits_in_the_queue_pages_nobody() -> None:
    # GIVEN 1,000 orders in one minute (a usual hour has 20). All are settled within eight minutes
    def burst(minute: int) -> dict[str, float]:
        since = minute - 6 * HOUR
        return {"requests": 1000 if since == 0 else 0, "settled": 125 if 1 <= since <= 8 else 0} | (
            quiet(minute) if since < 0 else {}
        )

    # WHEN / THEN
    assert pages_of(burst, 6 * HOUR, 7 * HOUR) == []


def test_dead_letters_that_are_redriven_late_cause_no_page() -> None:
    # GIVEN twice as many late orders as new ones, and some failed attempts
    def redriven(minute: int) -> dict[str, float]:
        return busy(minute) | ({"late": 50, "attempts": 2} if 6 * HOUR <= minute < 6 * HOUR + 10 else {})

    # WHEN / THEN
    assert pages_of(redriven, 6 * HOUR, 7 * HOUR) == []


@pytest.mark.parametrize("burn", BURNS, ids=lambda burn: f"{burn.rate:g}")
@pytest.mark.parametrize(("objective", "budget"), [("accepting", 0.1), ("settling", 1)])
def test_both_alarms_of_a_burn_rate_fire_above_this_rate_and_not_below_it(
    burn: Burn, objective: str, budget: float
) -> None:
    # GIVEN a steady share of bad requests, or of orders that are never settled
    names = [each.name for each in deployed()[0] if f"-{objective}-{int(burn.rate)}x-" in each.name]
    states = {}
    for word, factor in (("above", 1.1), ("below", 0.9)):
        bad = burn.rate * budget * factor * 1_000
        # Minutes between two values of a metric: the short window then has two or three values.
        step = burn.short // 150
        accepting = {"requests": 1e5, "failed": bad, "settled": 0.0, "attempts": 0.0}
        settling = {"requests": 1e5, "failed": 0.0, "settled": 1e5 - bad, "attempts": 9.0}
        shop = accepting if objective == "accepting" else settling
        store = MetricStore()
        for minute in range(0, burn.long // 60, step):
            at = START + 60 * minute
            store.put(api("Count"), at, shop["requests"], "Count")
            store.put(api("5xx"), at, shop["failed"], "Count")
            store.put(own("OrderAccepted"), at, shop["requests"] / 100, "Count")
            store.put(own("AcceptedToSettledLatency"), at, [900] * round(shop["settled"] / 100), "Milliseconds")
            store.put(own("AttemptFailed"), at, shop["attempts"], "Count")

        # WHEN
        now = START + burn.long + 60
        alarms = [alarm_of(name.removeprefix(f"{PREFIX}-")) for name in names]
        states[word] = {evaluate_alarm(each, store, now, State.OK) for each in alarms}

    # THEN
    assert len(names) == 2
    assert states == {"above": {State.ALARM}, "below": {State.OK}}


def test_a_later_dead_letter_causes_another_page_although_an_earlier_one_is_still_in_the_queue() -> None:
    # GIVEN dead letters at 6:00 and at 8:00. SQS publishes no metrics of the idle dead-letter queue after 7:00
    first, second = 6 * HOUR, 8 * HOUR

    store = store_of(quiet, 9 * HOUR)
    for minute in (first, second):
        store.put(own("MessageDeadLettered"), START + 60 * minute, 1, "Count")
    for minute in range(first, second - HOUR):
        at = START + 60 * minute
        store.put(sqs("ApproximateNumberOfMessagesVisible", "dead_letter_queue"), at, 1, "Count")
        store.put(sqs("ApproximateAgeOfOldestMessage", "dead_letter_queue"), at, 60 * (minute - first), "Seconds")

    # WHEN
    alarms, composites = deployed()
    others = [each for each in composites if not each.name.endswith("-intake-silent")]
    run = AlarmRun(store, alarms, others).run(START + 60 * (first - 10), START + 60 * (9 * HOUR))

    # THEN
    pages = [(n.alarm, (n.at - START) // 60) for n in run.notices if n.state == State.ALARM]
    assert [name.removeprefix(f"{PREFIX}-") for name, _ in pages] == ["dead-letters", "further-dead-letters"]
    assert pages[1][1] - second <= 4
