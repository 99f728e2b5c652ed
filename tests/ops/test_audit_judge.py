"""Tests how the audit judges what it has read.

G1: an open order is lost if it has no message. G5: the event of a settled order is lost if it is not published and
the order has no message. G2: the counts of stock. G4: the limit of receives.
"""

from __future__ import annotations

import itertools
from collections import defaultdict

import pytest

from ops.audit.evidence import Doubt, Evidence, Taken
from ops.audit.judge import judge
from ops.gateway.stock import Count


def test_the_totals_leave_out_articles_that_are_not_checked() -> None:
    # GIVEN six articles with confirmed units. Somebody counts the stock of `changed article` during the audit. The
    # stock of two articles is below zero: `below zero` has no reference point (an earlier count), `below zero since`
    # has one
    at = "2026-01-01T00:00:00.000Z"
    rows = {
        "fine": Count(7, {}, 10, at),
        "changed article": Count(7, {}, 14, at),
        "no reference": Count(7, {}),
        "below zero": Count(-1, {}),
        "below zero since": Count(-1, {}, 10, at),
    }
    after = {**rows, "changed article": Count(14, {}, 14, "2026-01-02T00:00:00.000Z")}
    taken = {
        "fine": Taken(3, near=1),
        "changed article": Taken(7, near=2),
        "no reference": Taken(100),
        "below zero": Taken(1_000),
        "below zero since": Taken(11),
        "no row": Taken(10_000),
    }
    # WHEN
    found = {one.name: one for one in judge(Evidence(0, before=rows, after=after, taken=defaultdict(Taken, taken)))}
    # THEN three articles are checked: `fine` and the two below zero. Only two of the three have a reference point, and
    # only the units of these two are counted
    assert found["G2"].counted == "stock of 3 articles checked; confirmed orders took 14 units since the stock count"
    assert [text for text in found["G2"].named if "not checked" in text or "at about the time of a count" in text] == [
        "changed article was counted, restocked or removed during the audit, so its stock is not checked",
        (
            "1 unit left the stock at about the time of a count; "
            "the audit cannot tell whether this was before or after the count"
        ),
    ]


@pytest.mark.parametrize("waiting", range(5))
@pytest.mark.parametrize(("lost", "silent"), list(itertools.product(range(4), repeat=2)))
def test_a_violation_is_reported_if_and_only_if_g1_or_g5_is_broken_in_every_possible_case(
    lost: int, silent: int, waiting: int
) -> None:
    # GIVEN orders that break G1 if they have no message, orders that break G5 if they have no message, and some
    # messages in the orders queue
    doubts = {
        **{f"lost-{number}": (Doubt.OPEN, Doubt.UNSTORED)[number % 2] for number in range(lost)},
        **{f"silent-{number}": Doubt.UNPUBLISHED for number in range(silent)},
    }
    # Nobody knows to which orders the messages in the queue belong. `ways` lists the possibilities: each is the
    # set of the orders that have a message. Every other order breaks its guarantee, G1 or G5.
    ways = [set(own) for own in itertools.combinations(doubts, min(waiting, len(doubts)))]
    broken = [{order_id.partition("-")[0] for order_id in doubts.keys() - own} for own in ways]

    # WHEN
    found = {one.name: one for one in judge(Evidence(0, doubts=doubts, waiting=waiting))}

    # THEN a guarantee is reported as broken if every possibility breaks it. If every possibility
    # breaks G1 or G5, but neither is broken in all of them, the findings of both guarantees say: it
    # is not known which of the two is broken
    certain = {kind: all(kind in way for way in broken) for kind in ("lost", "silent")}
    unknown = all(broken) and not any(certain.values())
    for name, kind in (("G1", "lost"), ("G5", "silent")):
        assert found[name].ok != (certain[kind] or unknown)
        assert any("which of the two is not known" in text for text in found[name].violations) == unknown
    # AND every order in doubt is named under its own guarantee only
    for order_id in doubts:
        texts = {name: [*found[name].violations, *found[name].named] for name in ("G1", "G5")}
        assert {name for name in texts if any(order_id in text for text in texts[name])} == {
            "G1" if order_id.startswith("lost") else "G5"
        }


@pytest.mark.parametrize(
    ("limit", "text"), [(5, "each may be received 5 times"), (None, "no limit of receives is known")]
)
def test_g4_names_the_limit_of_receives_if_the_queue_has_one(limit: int | None, text: str) -> None:
    # GIVEN evidence from a stack whose queue has this limit
    evidence = Evidence(0.0, max_receives=limit)

    # WHEN it is judged
    counted = {finding.name: finding.counted for finding in judge(evidence)}

    # THEN G4 says how often a message may be received, if that is known
    assert text in counted["G4"]
