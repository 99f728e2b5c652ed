"""Tests that the demo's check of delivered events reports missing events, wrong events and copies that differ."""

from typing import Any

import pytest

from local.demo.account import Event
from local.demo.audit import Evidence, audit
from ops.audit.judge import Finding

GOOD, DEAD = "good", "dead"


def event(order_id: str = GOOD, text: str = "") -> Event:
    return Event(f'{{"id": "{order_id}:order.confirmed"{text}}}')


@pytest.mark.parametrize(
    ("events", "ok"),
    [
        pytest.param([event(), event()], True, id="delivered twice with the same bytes"),
        pytest.param([], False, id="not delivered"),
        pytest.param([event(), event(text=', "more": 1')], False, id="delivered with two contents"),
        pytest.param([event(), event(DEAD)], False, id="delivered for an order that is not settled"),
    ],
)
def test_delivered_events_are_compared_with_the_orders(events: list[Event], ok: bool) -> None:
    # GIVEN a confirmed order, a failed order, and no violation in the findings of `ops audit` for guarantees G1 and G5
    orders: dict[str, Any] = {GOOD: {"status": "CONFIRMED"}, DEAD: {"status": "FAILED"}}
    counted = [Finding(name, "", "", []) for name in ("G1", "G5")]

    # WHEN
    found = audit(Evidence(counted, [], orders, {}, [], [], events))

    # THEN
    assert [finding.ok for finding in found] == [True, ok]
