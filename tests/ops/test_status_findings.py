"""Tests the findings of `status`, its verdict and the error budgets that it computes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.gateway.alarms import Alarm, Receiver
from ops.gateway.mutes import Mute
from ops.gateway.queues import Depth
from ops.gateway.subscribers import Subscriber
from ops.gateway.telemetry import Query, Value
from ops.status.budgets import left
from ops.status.findings import Severity, findings_of, verdict_of
from ops.status.gather import Gatherer
from ops.status.reading import Reading, Unread
from ops.target import Objectives, Target
from runtime.metric import MetricName
from tests.ops.test_target import outputs

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PAGE_TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders-prod-alarms-page"
EMPTY = Depth(0, 0, 0, 4 * 86_400)


def alarm(**changes: Any) -> Alarm:
    fields: dict[str, Any] = {
        "name": "orders-prod-api-failing",
        "title": "Customers cannot place orders",
        "runbook": "https://docs.example.com/api.md#api-failing",
        "state": "OK",
        "since": NOW - timedelta(minutes=12),
        "tier": "page",
        "notifies": True,
        "muted": False,
    }
    return Alarm(**{**fields, **changes})


def counted(amount: float, ago: int = 60) -> Value:
    return Value(amount, NOW - timedelta(seconds=ago))


def reading(**changes: Any) -> Reading:
    """Return the reading of a healthy, monitored stack, with these changes."""
    fields: dict[str, Any] = {
        "now": NOW.timestamp(),
        "seconds": 3600,
        "unread": (),
        "orders": EMPTY,
        "dead": EMPTY,
        "metrics": {
            MetricName.ORDER_ACCEPTED: counted(7),
            MetricName.ORDER_CONFIRMED: counted(6),
            "requests": counted(9),
        },
        "worker": "Enabled",
        "paused": None,
        "subscribers": {"mail": 0},
        "silent": (),
        "mutes": (),
        "alarms": (alarm(),),
        "receivers": (Receiver(PAGE_TOPIC, "https", confirmed=True),),
        "page_topic": PAGE_TOPIC,
        "quota": 1000,
        "deployed": {},
    }
    return Reading(**{**fields, **changes})


def with_metrics(**more: Value) -> Reading:
    return reading(metrics={**(reading().metrics or {}), **more})


def test_a_healthy_stack_gets_the_verdict_all_is_well() -> None:
    # GIVEN a healthy, monitored stack
    # WHEN it is judged
    # THEN one line says that all is well, and counts the orders of the last hour
    assert findings_of(reading()) == []
    assert verdict_of(reading(), []).startswith("All is well: 7 orders accepted and 6 settled in the last 1h")


WRONG: dict[str, tuple[Reading, Severity, str, str]] = {
    "503": (
        with_metrics(**{MetricName.DEPENDENCY_FAILURE: counted(150)}),
        Severity.URGENT,
        "answered with 503 (the callers do not know the outcome): 150 requests ",
        "orders open",
    ),
    "few 5xx": (with_metrics(**{"5xx": counted(1), "requests": counted(99)}), Severity.WRONG, "1 of 99", "orders open"),
    "5xx for one request in ten": (
        with_metrics(**{"5xx": counted(10), "requests": counted(100)}),
        Severity.URGENT,
        "10 of 100",
        "orders open",
    ),
    "attempts": (
        with_metrics(**{MetricName.ATTEMPT_FAILED: counted(270)}),
        Severity.WRONG,
        "270 attempts to process orders failed in the last 1h 0m, the latest 1m 0s ago; 6 succeeded",
        "orders open",
    ),
    "few attempts": (
        with_metrics(**{MetricName.ATTEMPT_FAILED: counted(2), MetricName.ORDER_CONFIRMED: counted(98)}),
        Severity.LOOK,
        "2 attempts to process orders failed in the last 1h 0m, the latest 1m 0s ago; 98 succeeded",
        "orders open",
    ),
    "attempts failed long ago": (
        with_metrics(**{MetricName.ATTEMPT_FAILED: counted(270, ago=3000)}),
        Severity.LOOK,
        "the latest 50m 0s ago",
        "orders open",
    ),
    "paused": (
        reading(worker="Disabled", paused="paused 5m 0s ago by Ada: bad release"),
        Severity.WRONG,
        "by Ada: bad release",
        "worker resume",
    ),
    "waiting": (
        with_metrics(orders_age=counted(1000)),
        Severity.WRONG,
        "the oldest order has waited for 16m 40s",
        "orders open",
    ),
    "waiting long": (
        with_metrics(orders_age=counted(3 * 86_400)),
        Severity.URGENT,
        "has waited for 3d 0h",
        "orders open",
    ),
    "dead letters": (
        reading(dead=Depth(2, 1, 0, 86_400)),
        Severity.WRONG,
        "messages in the dead-letter queue: 3;",
        "dlq list",
    ),
    "old dead letters": (
        reading(dead=Depth(2, 0, 0, 86_400), metrics={"dead_age": counted(50_000)}),
        Severity.URGENT,
        "the oldest for 13h",
        "dlq list",
    ),
    "dying worker": (
        with_metrics(**{"errors of orders-prod-process-order": counted(4)}),
        Severity.WRONG,
        "orders-prod-process-order died",
        "",
    ),
    "throttled": (
        with_metrics(**{"throttles of orders-prod-create-order": counted(4)}),
        Severity.WRONG,
        "no concurrency was left",
        "",
    ),
    "quota": (with_metrics(concurrency=counted(900)), Severity.WRONG, "900 of the account's 1000", ""),
    "lost events": (
        with_metrics(events_lost=counted(1)),
        Severity.WRONG,
        "neither delivered nor kept",
        "replay-events",
    ),
    "kept events": (
        reading(subscribers={"mail": 4}),
        Severity.LOOK,
        "events in the dead-letter queue of mail: 4;",
        "replay-events",
    ),
    "overspent": (
        reading(budgets={"settling": -5_900, "accepting": 3}),
        Severity.LOOK,
        "settling in the last 30 days: 6000 % spent",
        "",
    ),
    "unconfirmed": (
        reading(silent=(Subscriber("mail", None, confirmed=False, dead_letters=None),)),
        Severity.LOOK,
        "a subscription (mail) is not confirmed",
        "",
    ),
    "disabled": (
        reading(silent=(Subscriber("mail", "billing", confirmed=False, dead_letters=None),)),
        Severity.LOOK,
        "the bus's rule billing is disabled: mail receives no events",
        "",
    ),
    "page": (reading(alarms=(alarm(state="ALARM"),)), Severity.URGENT, "raised for 12m 0s: Customers cannot", ""),
    "notice": (reading(alarms=(alarm(state="ALARM", tier="notify"),)), Severity.WRONG, "(notify)", ""),
    "ticket": (reading(alarms=(alarm(state="ALARM", tier="ticket"),)), Severity.LOOK, "(ticket)", ""),
    "no data": (
        reading(alarms=(alarm(), alarm(state="INSUFFICIENT_DATA"))),
        Severity.BLIND,
        "alarms that have no data and cannot be raised: 1 of 2 ",
        "",
    ),
    "not evaluated": (
        reading(alarms=(alarm(state="INSUFFICIENT_DATA"),), alarms_evaluated=False),
        Severity.BLIND,
        "on the embedded AWS, the stack's metrics cannot raise alarms",
        "",
    ),
    "no alarms": (reading(alarms=()), Severity.BLIND, "no alarms", ""),
    "muted by a rule without a description": (
        reading(mutes=[Mute("weekend", ("orders-prod-api-failing",), active=True, until=None, text="", ours=False)]),
        Severity.BLIND,
        "muted alarms: 1, by a rule without an end (",
        "mute list",
    ),
    "muted": (reading(alarms=(alarm(muted=True),)), Severity.BLIND, "actions are turned off: 1 (", ""),
    "no subscriber": (
        reading(receivers=(Receiver(PAGE_TOPIC, "email", confirmed=False),)),
        Severity.BLIND,
        "subscribed to pages",
        "",
    ),
    "unread": (reading(unread=(Unread("metrics", "no", gone=False),)), Severity.BLIND, "metrics could not be read", ""),
    "missing table": (
        reading(unread=(Unread("stock table", "no", gone=True),)),
        Severity.URGENT,
        "stock table does not exist",
        "",
    ),
    "mismatch": (
        reading(unread=(Unread("worker's mapping", "2 mappings", gone=False, wrong=True),)),
        Severity.URGENT,
        "the worker's mapping is wrong: 2 mappings",
        "",
    ),
}


@pytest.mark.parametrize("case", WRONG, ids=list(WRONG))
def test_a_finding_has_its_severity_its_text_and_its_commands(case: str) -> None:
    # GIVEN a stack with one problem
    seen, severity, text, command = WRONG[case]
    # WHEN it is judged
    (finding,) = findings_of(seen)
    # THEN the finding has the severity, text and command of its row, and the verdict names the problem
    assert finding.severity is severity
    assert text in finding.text
    assert command in " ".join(finding.commands)
    assert finding.text[1:] in verdict_of(seen, [finding])
    assert "well" not in verdict_of(seen, [finding])


@pytest.mark.parametrize(
    ("counts", "budgets"),
    [
        ({}, {}),
        ({"requests": 1_000}, {"accepting": 100}),
        ({"requests": 10_000, "5xx": 4, "accepted": 900, "in_time": 900}, {"accepting": 60, "settling": 100}),
        ({"requests": 10_000, "5xx": 20, "accepted": 100, "in_time": 98}, {"accepting": -100, "settling": -100}),
    ],
)
def test_an_error_budget_says_how_many_percent_of_the_allowed_failures_are_left(
    counts: dict[str, float], budgets: dict[str, float]
) -> None:
    # GIVEN objectives of 99.9 and 99 %
    objectives = Objectives(accepting_percent=99.9, settling_percent=99, promise_seconds=600)
    # WHEN / THEN
    assert left(objectives, counts) == budgets


def test_error_budgets_cover_30_days_and_count_orders_settled_within_the_promised_time() -> None:
    # GIVEN a stack with objectives, and the counts of CloudWatch
    promised = {"accepting_percent": 99.9, "settling_percent": 99, "promise_seconds": 900}
    target = Target.from_outputs("it", outputs(api_id="a", api_stage="$default", objectives=promised))
    periods: dict[str, tuple[str, timedelta]] = {}

    def values(queries: list[Query], start: datetime, end: datetime) -> dict[str, Value]:
        periods.update({each.key: (each.statistic, end - start) for each in queries})
        return {"requests": counted(1_000), "accepted": counted(1_000), "in_time": counted(995)}

    clock = SimpleNamespace(time=NOW.timestamp)
    context: Any = SimpleNamespace(target=target, telemetry=SimpleNamespace(values=values), clock=clock)
    # WHEN / THEN
    assert Gatherer(context, 3_600)._budgets() == {"accepting": 100, "settling": 50}
    assert periods["in_time"] == ("TC(:900000)", timedelta(days=30))


@given(st.sets(st.sampled_from(sorted(WRONG)), min_size=2))
def test_the_verdict_names_the_first_finding_and_counts_the_others(names: set[str]) -> None:
    # GIVEN several findings, the most urgent first
    found = [finding for name in names for finding in findings_of(WRONG[name][0])]
    ordered = sorted(found, key=lambda finding: finding.severity)
    # WHEN the verdict is made
    verdict = verdict_of(reading(), ordered)
    # THEN it names the first finding, and counts the others
    assert ordered[0].text[1:] in verdict
    assert f"({len(ordered) - 1} more below)" in verdict
