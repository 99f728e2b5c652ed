"""The demo's count of isolation says so when a caller sees what is not its own."""

import pytest

from local.demo.callers import Door, Sights, isolation, look
from ops.gateway.http import Answer

OWNERS = {"order-1": "hash-of-ada", "order-2": "hash-of-ada", "order-3": "hash-of-ben"}
TOLD = {"ada": {"order-1", "order-2"}, "ben": {"order-3"}}
SEEN = {"ada": {"order-1", "order-2"}, "ben": {"order-3"}, "without a token": set[str]()}


def test_each_sees_its_own() -> None:
    # GIVEN callers that found what they ordered
    # WHEN that is judged
    finding = isolation(Sights(OWNERS, SEEN, TOLD))
    # THEN it holds, and all looks are counted
    assert finding.ok
    assert finding.counted == "2 callers, 3 orders; each looked for all: 3 found, 6 of others refused"


@pytest.mark.parametrize(
    ("sights", "violations"),
    [
        (
            Sights(OWNERS, SEEN | {"without a token": {"order-3"}}),
            ["order-3 is seen by ben, without a token"],
        ),
        (Sights(OWNERS, SEEN | {"ben": set()}), ["order-3 is seen by nobody"]),
        (
            Sights(OWNERS, {"ada": set(OWNERS), "ben": set()}),
            ["ada sees orders of 2 callers"],
        ),
        (
            Sights(OWNERS, SEEN, TOLD | {"ben": {"order-1", "order-3"}}),
            ["ben was told of order-1 and does not find it"],
        ),
        (
            Sights(OWNERS, SEEN, TOLD | {"ben": {"order-3", "order-4"}}),
            ["ben was told of order-4 and does not find it"],
        ),
        (Sights(OWNERS, SEEN, TOLD | {"ben": set()}), ["ben finds order-3 and was not told of it"]),
        (Sights(OWNERS, SEEN, odd=("ben was answered 503 for order-3",)), ["ben was answered 503 for order-3"]),
    ],
    ids=[
        "seen by two",
        "seen by nobody",
        "one sees all",
        "told of another's",
        "told of none",
        "not told",
        "another answer",
    ],
)
def test_what_is_seen_by_somebody_else_is_named(sights: Sights, violations: list[str]) -> None:
    # GIVEN one look that is wrong
    # WHEN it is judged
    finding = isolation(sights)
    # THEN it does not hold, and says what was seen
    assert not finding.ok
    assert finding.violations == violations


@pytest.mark.parametrize(
    ("statuses", "odd"),
    [([503, 429, 200], ()), ([503, 503, 503, 200], ("ada was answered 503 for order-1",)), ([404], ())],
    ids=["later found", "never", "not its own"],
)
def test_an_answer_that_says_later_is_asked_for_again(statuses: list[int], odd: tuple[str, ...]) -> None:
    # GIVEN an API that answers one lookup like this
    left = iter(statuses)
    door = Door("ada", lambda _: Answer(next(left), {"retry-after": "0"}, b"", 0))
    # WHEN it is asked for an order
    sights = look({"order-1": {"caller": "hash-of-ada"}}, [door])
    # THEN only the last answer counts
    assert sights.odd == odd
    assert sights.seen == {"ada": {"order-1"} if 200 in statuses[:3] else set()}
