"""Tests that each deliberate mistake in the code (a sabotage) is noticed: the test `Sabotage.caught_by` fails.

Without the mistake, this test passes.
"""

from __future__ import annotations

import pytest

from runtime.logic.backoff import retry_delay
from tests.flow.sabotage.rewrite import Rewrite, rewritten
from tests.flow.sabotage.sabotages import SABOTAGES, Sabotage

TARGET = "runtime.logic.backoff:retry_delay"


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.name)
def test_each_sabotage_is_caught_by_its_test(sabotage: Sabotage) -> None:
    # GIVEN the code with one deliberate mistake
    with rewritten(sabotage.changes):
        # WHEN the sabotage's test runs
        found = sabotage.caught_by.run()
    # THEN it fails
    assert found is not None, f"{sabotage.caught_by.node} passes despite: {sabotage.name}"


@pytest.mark.parametrize(
    "sabotage",
    [one for one in SABOTAGES if "crash_points" not in one.caught_by.node],
    ids=lambda sabotage: sabotage.name,
)
def test_each_test_passes_without_its_sabotage(sabotage: Sabotage) -> None:
    # GIVEN the unchanged code. Tests of crash points are left out, because test_crash_points.py runs them all
    # WHEN the sabotage's test runs
    # THEN it passes
    assert sabotage.caught_by.run() is None


def test_a_sabotage_is_undone_when_its_context_ends() -> None:
    # GIVEN a rewritten function
    def delay() -> int:
        return retry_delay(9, base=30, cap=900, random=lambda: 0)

    with rewritten([Rewrite(TARGET, "ceiling = min(cap, ", "ceiling = min(")]):
        during = delay()
    # WHEN it is called after the context
    # THEN it runs its original code
    assert (during, delay()) == (3840, 450)


def test_a_sabotage_is_refused_if_the_source_does_not_contain_the_text_to_replace() -> None:
    # GIVEN a change of a text that the function does not contain
    change = Rewrite(TARGET, "no such text", "")
    # WHEN the change is applied
    # THEN it is refused, because it would test nothing
    with pytest.raises(LookupError, match="0 times"), rewritten([change]):
        pass


def test_a_sabotage_of_a_class_is_refused() -> None:
    # GIVEN a class as a target
    change = Rewrite("runtime.logic.settle:Settler", "", "")
    # WHEN a change is applied
    # THEN it is refused
    with pytest.raises(TypeError, match="needs a function"), rewritten([change]):
        pass
