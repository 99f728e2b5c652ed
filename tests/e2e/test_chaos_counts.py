"""Tests how the chaos test counts shared keys and judges its runs. No chaos test runs here."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest

from lab.chaos.scenario import SCARCE, Plan, missing_situations, planned_orders
from lab.chaos.verdict import Numbers, unexpectedly_dead
from local.demo.account import DeadLetter
from local.demo.audit import Evidence
from ops.load.clients import PlannedOrder, Traffic

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


def planned(caller: str, key: str) -> PlannedOrder:
    return PlannedOrder(caller, key, {})


def letter(order_id: str) -> DeadLetter:
    attributes: Any = {"order_id": {"DataType": "String", "StringValue": order_id}}
    return DeadLetter({"MessageAttributes": attributes})


def numbers_of_run(**others: Any) -> Numbers:
    """Return the numbers of a run in which every fault happened once, and which had the planned dead letters."""
    planned = {"dead_lettered": PLAN.dead_letters, "redriven": PLAN.dead_letters}
    return defaultdict(lambda: 1, planned | others)


@pytest.mark.parametrize("callers", [2, 3, 4, 7])
def test_callers_use_the_same_keys_with_the_same_bodies(callers: int) -> None:
    # GIVEN a plan whose number of orders is no multiple of its number of callers
    plan = replace(PLAN, callers=callers, orders=callers * 10 + 1)

    # WHEN its orders are made
    bodies: dict[str, list[dict[str, Any]]] = defaultdict(list)
    names: dict[str, set[str]] = defaultdict(set)
    for each in planned_orders(plan):
        bodies[each.key].append(each.body)
        names[each.key].add(each.caller)

    # THEN with each key but the last, every caller has one order. With the last key, there is one order in all. All
    # orders with the same key have equal bodies
    *whole, last = bodies
    assert all(names[key] == set(plan.names) and len(bodies[key]) == callers for key in whole)
    assert len(bodies[last]) == 1
    assert all(body == found[0] for found in bodies.values() for body in found)


def test_a_key_is_shared_if_it_was_accepted_from_several_callers() -> None:
    # GIVEN two callers who use the same two keys. With the first key, both callers' orders are accepted. With the
    # second key, one caller's order is accepted, and the other caller gets 503.
    traffic = Traffic()
    traffic.answered(planned("ada", "both"), 202, b'{"order_id": "1"}')
    traffic.answered(planned("ada", "both"), 202, b'{"order_id": "1"}')
    traffic.answered(planned("ben", "both"), 202, b'{"order_id": "2"}')
    traffic.answered(planned("ada", "hers"), 202, b'{"order_id": "3"}')
    traffic.answered(planned("ben", "hers"), 503, b"")

    # WHEN shared keys are counted
    # THEN only the first key is shared, and each caller has only its own orders
    assert traffic.shared_keys == 1
    assert (traffic.order_ids_of("ada"), traffic.order_ids_of("ben")) == ({"1", "3"}, {"2"})


def test_a_key_is_contended_if_two_callers_send_it_at_the_same_time() -> None:
    # GIVEN two callers
    traffic = Traffic()

    # WHEN they send one key at the same time, and another key one after the other
    with traffic.under_way(planned("ada", "at once")), traffic.under_way(planned("ben", "at once")):
        pass
    for caller in ("ada", "ben"):
        with traffic.under_way(planned(caller, "in turn")):
            pass

    # THEN only the first key is contended
    assert traffic.contended == {"at once"}


def test_a_run_without_shared_keys_proves_too_little() -> None:
    # GIVEN two runs with all planned faults. Callers shared a key only in the first run
    # WHEN the runs are judged
    # THEN only the second run proves too little, because it did not test shared keys
    assert missing_situations(PLAN, numbers_of_run(shared_keys=1), AT_REST) == []
    assert missing_situations(PLAN, numbers_of_run(shared_keys=0), AT_REST) == ["not seen: keys that callers share"]


def test_only_unexpected_dead_letters_are_counted() -> None:
    # GIVEN two dead letters of an order with the poison article, and one of an order without it
    rows = {"meant": {"lines": [{"sku": "POISON"}]}, "not meant": {"lines": [{"sku": "SKU-1"}]}}
    letters = [letter("meant"), letter("meant"), letter("not meant")]

    # WHEN the dead letters of orders that were not meant to fail are counted
    found = unexpectedly_dead(replace(AT_REST, orders=rows), letters, "POISON")

    # THEN only the dead letter of the order without the poison article is counted
    assert found == 1
