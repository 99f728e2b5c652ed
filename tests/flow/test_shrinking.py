"""Tests that random histories find deliberate mistakes in the real code, and that each failing history shrinks."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from lab.simulation.histories import __main__ as command
from lab.simulation.histories.generate import history
from lab.simulation.histories.shrink import labels, only_needed, play, shrink
from lab.simulation.histories.steps import At, Deliver, Foreign, History, Post, Wait
from tests.flow.sabotage.rewrite import rewritten
from tests.flow.sabotage.sabotages import SABOTAGES, Sabotage

FOUND = {
    "the order is stored before its message is sent": "G1",
    "the API overwrites attributes that are already stored": "M2",
    "the API does not register the Lambda context": "M5",
    "a 5xx is returned from inside the idempotent function": "M5",
    "the caller is left out of the idempotency key": "M5",
    "the caller is left out of the order id": "M5",
    "the order id is random": "M5",
    "a replay is not marked as a replay": "M5",
    "the answer has the time of the latest attempt, not of the first": "G3",
    "the idempotency key is the message id": "M6",
    "the backoff has no cap": "M6",
    "the worker does not register the Lambda context": "M6",
    "the event is published before the transaction": "G5",
    "the event's time changes with each attempt": "G5",
    "the worker updates an order row but never creates one": "M6",
    "an outcome may be overwritten": "M2",
    "stock is taken without the condition that enough is left": "M3",
    "the batch response does not report a failed attempt": "G1",
    "a newer schema version counts as a permanent error": "M8",
    "the order is not marked FAILED before its last attempt starts": "M8",
    "the order is marked FAILED neither before nor after its last attempt": "M8",
}
"""For each of these sabotages, the label of an invariant. With the sabotage, at least one of the first
``MOST`` histories violates this invariant. G labels are defined in ``lab.simulation.invariants``, M labels in
``lab.simulation.histories.model``. Of the other sabotages, some need more histories, and some have
no visible effect."""
MOST = 120


def sabotage(name: str) -> Sabotage:
    """Return the sabotage with this name."""
    (found,) = [one for one in SABOTAGES if one.name == name]
    return found


def first_failing(first: int = 0, most: int = MOST, *, label: str = "") -> History:
    """Return the first history, from seed ``first`` on, that violates the invariant ``label``. An empty label means any
    invariant."""
    made = map(history, range(first, first + most))
    return next(one for one in made if (found := play(one)) and (not label or label in labels(found)))


@pytest.mark.parametrize("name", FOUND)
def test_a_mistake_is_found(name: str) -> None:
    # GIVEN a mistake in the real code
    with rewritten(sabotage(name).changes):
        # WHEN histories are played until one violates the invariant that `FOUND` names
        violations = play(first_failing(label=FOUND[name]))
    # THEN such a history exists, and violates that invariant again when it is played again
    assert FOUND[name] in labels(violations)


def test_a_history_shrinks_to_one_post_if_the_api_stores_before_it_sends() -> None:
    # GIVEN an API that stores before it sends, and a history that violates an invariant
    with rewritten(sabotage("the order is stored before its message is sent").changes):
        failing = first_failing()
        # WHEN it is shrunk
        small = shrink(failing)
        # THEN one POST and at most one other step are left, and violate an invariant that the failing history violates
        assert small.length <= 2
        assert sum(isinstance(step, Post) for step in small.steps) == 1
        assert labels(play(small)) & labels(play(failing))
        # AND the small history, written as text and read again, has the same violations
        assert play(History.read(small.text())) == play(small)
    # AND the real code passes this history
    assert play(small) == []


def test_a_history_that_oversells_stock_shrinks_to_at_most_four_posts_and_deliveries() -> None:
    # GIVEN a worker that takes stock beyond the available quantity
    with rewritten(sabotage("stock is taken without the condition that enough is left").changes):
        # WHEN a failing history is shrunk
        small = shrink(first_failing())
    # THEN at most four POSTs and deliveries are left, with no fault at any call
    assert small.length <= 4
    assert {type(step) for step in small.steps} <= {Post, Deliver}
    assert all(not getattr(step, "at", ()) for step in small.steps)
    assert play(small) == []


def test_the_history_of_a_lost_dead_letter_shrinks_to_the_message_and_one_fault() -> None:
    # GIVEN a worker that deletes a message although sending its dead letter failed
    lost = (Foreign("not JSON"), Wait(5), Deliver((At(1, "server error"),)))
    with rewritten(sabotage("a message is deleted though its dead letter was not sent").changes):
        # WHEN each history begins with a wait and the steps `lost`, and the first history that
        # fails is shrunk. (Not every history fails: in some, SQS delivers the deleted message
        # again, so it is not lost.)
        made = (one.with_steps((Wait(1), *lost, *one.steps)) for one in map(history, range(MOST)))
        small = shrink(next(one for one in made if play(one)))
    # THEN only two steps are left: the foreign message, and one delivery with a fault at one call
    assert small.steps == (Foreign("not JSON"), Deliver((At(1, "server error"),)))
    assert play(small) == []


def test_a_history_without_violations_is_not_shrunk() -> None:
    # GIVEN a history that violates nothing
    made = history(1)
    # WHEN it is shrunk
    # THEN an error reports that the history violates nothing
    with pytest.raises(ValueError, match="seed 1 violates nothing"):
        shrink(made)


def test_shrinking_keeps_exactly_the_needed_parts() -> None:
    # GIVEN 40 parts. Only the parts 3, 17 and 38 are needed
    parts = tuple(range(40))
    # WHEN the others are removed
    left = only_needed(parts, lambda some: {3, 17, 38} <= set(some))
    # THEN exactly the three needed parts are left
    assert left == (3, 17, 38)


def test_the_command_prints_how_to_replay_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a mistake in the real code
    with rewritten(sabotage("the batch response does not report a failed attempt").changes):
        # WHEN the command plays histories
        with patch.object(sys, "argv", ["simulator", "--histories", "20", "--json", str(tmp_path / "result.json")]):
            code = command.main()
        out = capsys.readouterr().out
        # THEN it fails, and prints the seed, the shrunk history and how to replay it
        assert code == 1
        seed = re.findall(r"Seed (\d+) \(", out)[0]
        assert "The history shrinks to" in out
        assert "play it again with --replay FILE" in out
        assert f'"failures": [\n  {{\n   "seed": {seed}' in (tmp_path / "result.json").read_text()
        # AND the printed history fails when it is replayed
        text = out[out.index('{"seed"') : out.index("It violates")]
        (tmp_path / "small.json").write_text(text)
        with patch.object(sys, "argv", ["simulator", "--replay", str(tmp_path / "small.json")]):
            assert command.main() == 1
    # AND the printed history passes with the real code
    with patch.object(sys, "argv", ["simulator", "--replay", str(tmp_path / "small.json")]):
        assert command.main() == 0
