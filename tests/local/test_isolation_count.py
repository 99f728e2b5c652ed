"""Tests which violations of isolation the demo's check reports, and when it repeats a lookup."""

import pytest

from local.demo.callers import Lookup, LookupResults, isolation, look_up_all
from ops.gateway.http import Answer

OWNERS = {"order-1": "hash-of-ada", "order-2": "hash-of-ada", "order-3": "hash-of-ben"}
ACCEPTED = {"ada": {"order-1", "order-2"}, "ben": {"order-3"}}
UNAVAILABLE = "ben was answered 503 for order-3"
SEEN = {"ada": {"order-1", "order-2"}, "ben": {"order-3"}, "a caller without a token": set[str]()}


def test_callers_who_see_only_their_own_orders_are_isolated() -> None:
    # GIVEN callers who found exactly their own orders
    # WHEN the check judges their lookups
    finding = isolation(LookupResults(OWNERS, SEEN, ACCEPTED))
    # THEN isolation holds, and every lookup is counted
    assert finding.ok
    assert finding.counted == (
        "3 requesters each looked up all 3 orders of 2 callers: 3 look-ups succeeded, 6 were refused"
    )


@pytest.mark.parametrize(
    ("results", "violations"),
    [
        (
            LookupResults(OWNERS, SEEN | {"a caller without a token": {"order-3"}}),
            ["order-3 is seen by a caller without a token and by ben"],
        ),
        (LookupResults(OWNERS, SEEN | {"ben": set()}), ["order-3 is seen by nobody"]),
        (
            LookupResults(OWNERS, {"ada": set(OWNERS), "ben": set()}),
            ["ada sees orders of 2 callers"],
        ),
        (
            LookupResults(OWNERS, SEEN, ACCEPTED | {"ben": {"order-1", "order-3"}}),
            ["ben got 202 for order-1 and does not find it"],
        ),
        (
            LookupResults(OWNERS, SEEN, ACCEPTED | {"ben": {"order-3", "order-4"}}),
            ["ben got 202 for order-4 and does not find it"],
        ),
        (LookupResults(OWNERS, SEEN, ACCEPTED | {"ben": set()}), ["ben finds order-3 and got no 202 for it"]),
        (LookupResults(OWNERS, SEEN, unexpected=(UNAVAILABLE,)), [UNAVAILABLE]),
    ],
    ids=[
        "two callers see an order",
        "nobody sees an order",
        "one caller sees all orders",
        "a 202 for another caller's order",
        "a 202 for an order that does not exist",
        "no 202 for an order that is found",
        "an unexpected status",
    ],
)
def test_a_violation_of_isolation_is_named(results: LookupResults, violations: list[str]) -> None:
    # GIVEN results that show a violation
    # WHEN the check judges them
    finding = isolation(results)
    # THEN isolation does not hold, and the finding names the violation
    assert not finding.ok
    assert finding.violations == violations


@pytest.mark.parametrize(
    ("statuses", "unexpected"),
    [([503, 429, 200], ()), ([503, 503, 503, 200], ("ada was answered 503 for order-1",)), ([404], ())],
    ids=["found at the third request", "503 three times", "not found"],
)
def test_a_lookup_that_is_answered_503_or_429_is_repeated(statuses: list[int], unexpected: tuple[str, ...]) -> None:
    # GIVEN an API that gives these answers to a lookup
    left = iter(statuses)
    lookup = Lookup("ada", lambda _: Answer(next(left), {"retry-after": "0"}, b"", 0))
    # WHEN an order is looked up
    results = look_up_all({"order-1": {"caller": "hash-of-ada"}}, [lookup])
    # THEN the lookup is sent at most three times, and only its last answer counts
    assert results.unexpected == unexpected
    assert results.seen == {"ada": {"order-1"} if 200 in statuses[:3] else set()}
