"""Tests what the storm says about its callers, without a storm: which keys they share, and a run in which they share
none.
"""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest

from lab.chaos.scenario import SCARCE, Plan, weak, wishes
from lab.chaos.verdict import Numbers, innocent
from local.demo.account import DeadLetter
from local.demo.audit import Evidence
from ops.load.clients import Traffic, Wish

PLAN = Plan(orders=50, clients=5, kills=1, outage_seconds=1)
AT_REST = Evidence(
    counted=[],
    acceptances=[],
    orders={},
    stock={SCARCE: {"available": 0}},
    receives=[],
    dead_letters=[],
    events=[],
)


def wish(caller: str, key: str) -> Wish:
    return Wish(caller, key, {})


def letter(order_id: str) -> DeadLetter:
    attributes: Any = {"order_id": {"DataType": "String", "StringValue": order_id}}
    return DeadLetter({"MessageAttributes": attributes})


def rough(**others: Any) -> Numbers:
    """Everything happened once, but that dead letters were as many as planned."""
    planned = {"dead_lettered": PLAN.dead_letters, "redriven": PLAN.dead_letters}
    return defaultdict(lambda: 1, planned | others)


@pytest.mark.parametrize("callers", [2, 3, 4, 7])
def test_every_key_is_wanted_by_all_callers_with_one_body(callers: int) -> None:
    # GIVEN a plan with several callers, whose orders are no multiple of them
    plan = replace(PLAN, callers=callers, orders=callers * 10 + 1)

    # WHEN the orders are made up
    bodies: dict[str, list[dict[str, Any]]] = defaultdict(list)
    names: dict[str, set[str]] = defaultdict(set)
    for each in wishes(plan):
        bodies[each.key].append(each.body)
        names[each.key].add(each.caller)

    # THEN each key has one order of each caller, all alike; only the last key may lack some
    *whole, last = bodies
    assert all(names[key] == set(plan.names) and len(bodies[key]) == callers for key in whole)
    assert len(bodies[last]) == 1
    assert all(body == found[0] for found in bodies.values() for body in found)


def test_a_key_is_shared_when_several_callers_were_answered_under_it() -> None:
    # GIVEN answers to two callers under one key, to one of them under a second, and a refusal of the other there
    traffic = Traffic()
    traffic.answered(wish("ada", "both"), 202, b'{"order_id": "1"}')
    traffic.answered(wish("ada", "both"), 202, b'{"order_id": "1"}')
    traffic.answered(wish("ben", "both"), 202, b'{"order_id": "2"}')
    traffic.answered(wish("ada", "hers"), 202, b'{"order_id": "3"}')
    traffic.answered(wish("ben", "hers"), 503, b"")

    # WHEN they are counted
    # THEN only the first is shared, and each was told of its own orders
    assert traffic.shared_keys == 1
    assert (traffic.told("ada"), traffic.told("ben")) == ({"1", "3"}, {"2"})


def test_a_key_is_contended_while_requests_of_two_callers_are_under_way() -> None:
    # GIVEN two callers who send one key at once, and another key one after the other
    traffic = Traffic()

    # WHEN they do
    with traffic.under_way(wish("ada", "at once")), traffic.under_way(wish("ben", "at once")):
        pass
    for caller in ("ada", "ben"):
        with traffic.under_way(wish(caller, "in turn")):
            pass

    # THEN the first is contended
    assert traffic.contended == {"at once"}


def test_a_run_without_a_shared_key_is_weak() -> None:
    # GIVEN runs as rough as promised, in one of which no key was shared
    # WHEN they are judged
    # THEN that one would prove less than it says
    assert weak(PLAN, rough(shared_keys=1), AT_REST) == []
    assert weak(PLAN, rough(shared_keys=0), AT_REST) == ["not seen: keys that callers share"]


def test_a_dead_letter_is_innocent_when_its_order_was_not_meant_to_fail() -> None:
    # GIVEN dead letters of an order that wants the poison, twice, and of one that does not
    rows = {"guilty": {"lines": [{"sku": "POISON"}]}, "innocent": {"lines": [{"sku": "SKU-1"}]}}
    letters = [letter("guilty"), letter("guilty"), letter("innocent")]

    # WHEN they are judged
    found = innocent(replace(AT_REST, orders=rows), letters, "POISON")

    # THEN one is innocent
    assert found == 1
