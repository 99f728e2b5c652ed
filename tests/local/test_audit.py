"""The demo's count of the guarantees says so when one does not hold."""

from dataclasses import replace
from typing import Any

import pytest

from local.demo.account import Acceptance, DeadLetter, Event, Receive
from local.demo.audit import Evidence, audit

GOOD, DEAD = "good", "dead"


def received(message_id: str, attempt: int = 1, outcome: str = "processed", order_id: str | None = GOOD) -> Receive:
    return Receive(message_id, order_id, attempt, outcome, error="", replayed=False)


def letter(order_id: str) -> DeadLetter:
    attributes: Any = {"order_id": {"DataType": "String", "StringValue": order_id}}
    return DeadLetter({"MessageId": "dead-message", "MessageAttributes": attributes})


def row(order_id: str, status: str) -> dict[str, Any]:
    line = {"sku": "SKU-1", "quantity": 2}
    return {
        "order_id": order_id,
        "status": status,
        "total": "2",
        "currency": "EUR",
        "accepted_at": "then",
        "lines": [line],
    }


def answer(order_id: str, **overrides: str) -> dict[str, Any]:
    known = {"order_id": order_id, "total": "2", "currency": "EUR", "accepted_at": "then"}
    return {"id": f"key of {order_id}", "answer": known | overrides}


def event(order_id: str = GOOD, text: str = "") -> Event:
    return Event(f'{{"id": "{order_id}:order.confirmed"{text}}}')


def evidence(**overrides: Any) -> Evidence:
    """One order that went well and one that is a dead letter."""
    whole = Evidence(
        acceptances=[Acceptance(GOOD, replayed=False), Acceptance(GOOD, replayed=True), Acceptance(DEAD, False)],
        answers=[answer(GOOD), answer(DEAD)],
        orders={GOOD: row(GOOD, "CONFIRMED"), DEAD: row(DEAD, "FAILED")},
        stock={"SKU-1": {"sku": "SKU-1", "opening": 10, "available": 8}},
        receives=[received("m1"), received("m2", 1, "failed", DEAD), received("m2", 2, "failed", DEAD)],
        dead_letters=[letter(DEAD)],
        waiting=0,
        max_receives=2,
        events=[event()],
    )
    return replace(whole, **overrides)


def broken(found: Evidence) -> list[str]:
    return [finding.name for finding in audit(found) if not finding.ok]


def test_all_holds() -> None:
    # GIVEN evidence without fault
    # WHEN it is judged
    # THEN nothing is broken
    assert broken(evidence()) == []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param("G1", {"orders": {GOOD: row(GOOD, "CONFIRMED")}, "dead_letters": []}, id="an order vanished"),
        pytest.param(
            "G1", {"orders": {GOOD: row(GOOD, "CONFIRMED"), DEAD: row(DEAD, "ACCEPTED")}}, id="dead letter not marked"
        ),
        pytest.param("G2", {"stock": {"SKU-1": {"opening": 10, "available": 6}}}, id="stock moved twice"),
        pytest.param("G2", {"answers": [answer(GOOD), answer(GOOD), answer(DEAD)]}, id="two keys, one order"),
        pytest.param("G3", {"answers": [answer(GOOD, accepted_at="now"), answer(DEAD)]}, id="another answer stored"),
        pytest.param("G3", {"acceptances": [Acceptance(GOOD, replayed=False)] * 2}, id="new twice"),
        pytest.param(
            "G4", {"receives": [received("m1"), received("m2", 1, "failed", DEAD)]}, id="a receive too few, dead letter"
        ),
        pytest.param(
            "G4",
            {"receives": [received("m1", 1, "failed"), received("m1", 2), *evidence().receives[1:]]},
            id="a neighbour failed",
        ),
        pytest.param("G4", {"receives": [*evidence().receives, received("m3")]}, id="done twice"),
        pytest.param("G4", {"dead_letters": [letter(DEAD), letter(DEAD)]}, id="two dead letters of one message"),
        pytest.param("G5", {"events": []}, id="nobody was told"),
        pytest.param("G5", {"events": [event(), event(text=', "more": 1')]}, id="two contents"),
        pytest.param("G5", {"events": [event(), event(DEAD)]}, id="told of an order that is open"),
    ],
)
def test_what_is_broken_is_named(name: str, change: dict[str, Any]) -> None:
    # GIVEN evidence with one fault
    found = evidence(**change)

    # WHEN it is judged
    # THEN that guarantee does not hold
    assert name in broken(found)


def test_copies_that_met_are_no_failure() -> None:
    # GIVEN an order whose message was delivered twice at once: the later copy waited, then found it done
    copies = [received("copy", 1, "deferred"), replace(received("copy", 2), replayed=True)]

    # WHEN it is judged
    # THEN nothing is broken
    assert broken(evidence(receives=[*evidence().receives, *copies])) == []
