"""Tests which calls a fault rule matches, and when the rule ends."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.proxy.faults import FaultKind, FaultRule, Faults
from tests.local.factories import rule


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("made", "hit", "spared"),
    [
        (rule(), [("sqs", "SendMessage")], [("sqs", "DeleteMessage"), ("dynamodb", "SendMessage")]),
        # A rule for the whole service also matches calls that do not name their operation.
        (rule(service="dynamodb", operation=None), [("dynamodb", "PutItem"), ("dynamodb", None)], [("sqs", None)]),
        (
            rule(containing="SKU-1"),
            [("sqs", "SendMessage", b'{"sku": "SKU-1"}')],
            [("sqs", "SendMessage", b'{"sku": "SKU-2"}'), ("sqs", "SendMessage")],
        ),
    ],
    ids=["operation", "service", "text"],
)
def test_a_rule_matches_only_the_calls_that_it_describes(made: FaultRule, hit: list[Any], spared: list[Any]) -> None:
    # GIVEN
    faults = Faults()
    faults.add(made)
    # WHEN / THEN
    assert [faults.decide(*call) for call in hit] == [FaultKind.ERROR] * len(hit)
    assert [faults.decide(*call) for call in spared] == [None] * len(spared)


@given(count=st.integers(1, 20), calls=st.integers(0, 60))
def test_rule_ends_after_its_count(count: int, calls: int) -> None:
    # GIVEN a rule that ends after `count` faults
    faults = Faults()
    faults.add(rule(count=count))

    # WHEN calls are made
    hits = sum(faults.decide("sqs", "SendMessage") is not None for _ in range(calls))

    # THEN at most `count` calls fail. The list shows how many failed, and whether the rule has ended
    assert hits == min(count, calls)
    assert [(each.hits, each.expired) for each in faults.list()] == [(hits, calls >= count)]


def test_rule_ends_after_its_time() -> None:
    # GIVEN a rule for ten seconds
    clock = Clock()
    faults = Faults(clock=clock)
    faults.add(rule(seconds=10))

    # WHEN time passes
    clock.now = 9.9
    before = faults.decide("sqs", "SendMessage")
    clock.now = 10.0

    # THEN the rule applies until its end, and not after
    assert before is FaultKind.ERROR
    assert faults.decide("sqs", "SendMessage") is None
    assert faults.list()[0].expired


def test_probability_is_applied_to_each_call() -> None:
    # GIVEN a rule with probability 0.5 and known random numbers
    dice = iter([0.4, 0.6, 0.49])
    faults = Faults(random=lambda: next(dice))
    faults.add(rule(probability=0.5))

    # WHEN three calls are made
    decided = [faults.decide("sqs", "SendMessage") for _ in range(3)]

    # THEN the random numbers decide which calls fail, and `matched` counts all three calls
    assert decided == [FaultKind.ERROR, None, FaultKind.ERROR]
    assert (faults.list()[0].matched, faults.list()[0].hits) == (3, 2)


def test_the_next_rule_applies_after_a_rule_is_used_up() -> None:
    # GIVEN two rules, of which the first ends after one fault
    faults = Faults()
    faults.add(rule(count=1, kind=FaultKind.RESET))
    faults.add(rule(kind=FaultKind.TIMEOUT))

    # WHEN two calls are made
    decided = [faults.decide("sqs", "SendMessage") for _ in range(2)]

    # THEN the first rule applies to the first call, and the second rule to the second call
    assert decided == [FaultKind.RESET, FaultKind.TIMEOUT]


def test_clear_removes_all_rules() -> None:
    # GIVEN two rules
    faults = Faults()
    faults.add(rule())
    faults.add(rule(service="sns", operation=None))

    # WHEN all rules are removed
    count = faults.clear()

    # THEN no call fails any more
    assert count == 2
    assert faults.decide("sqs", "SendMessage") is None
    assert faults.list() == []
