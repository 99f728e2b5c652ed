"""The demo's count of the events that subscribers got says so when one is missing or other than its first copy."""

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
        pytest.param([event(), event()], True, id="told twice, the same bytes"),
        pytest.param([], False, id="nobody was told"),
        pytest.param([event(), event(text=', "more": 1')], False, id="two contents"),
        pytest.param([event(), event(DEAD)], False, id="told of an order that is open"),
    ],
)
def test_what_subscribers_got_is_held_against_the_orders(events: list[Event], ok: bool) -> None:
    # GIVEN an order that went well, one that is a dead letter, and records that say so
    orders: dict[str, Any] = {GOOD: {"status": "CONFIRMED"}, DEAD: {"status": "FAILED"}}
    counted = [Finding(name, "", "", []) for name in ("G1", "G5")]

    # WHEN
    found = audit(Evidence(counted, [], orders, {}, [], [], events))

    # THEN
    assert [finding.ok for finding in found] == [True, ok]
