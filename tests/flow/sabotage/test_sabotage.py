"""Each sabotage is noticed by the test that is named for it, and without it that test passes."""

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
        # WHEN the test that is named for it runs
        found = sabotage.caught_by.run()
    # THEN it fails
    assert found is not None, f"{sabotage.caught_by.node} passes in spite of: {sabotage.name}"


@pytest.mark.parametrize(
    "sabotage",
    [one for one in SABOTAGES if "crash_points" not in one.caught_by.node],
    ids=lambda sabotage: sabotage.name,
)
def test_without_its_sabotage_each_test_passes(sabotage: Sabotage) -> None:
    # GIVEN the code as it is (that the crash points pass is shown by their own tests)
    # WHEN the test runs the way it is run here
    # THEN it finds nothing
    assert sabotage.caught_by.run() is None


def test_a_sabotage_ends_with_its_context() -> None:
    # GIVEN a rewritten function
    def delay() -> int:
        return retry_delay(9, base=30, cap=900, random=lambda: 0)

    with rewritten([Rewrite(TARGET, "ceiling = min(cap, ", "ceiling = min(")]):
        during = delay()
    # WHEN it is called afterwards
    # THEN it is what it was
    assert (during, delay()) == (3840, 450)


def test_a_sabotage_of_a_source_that_has_changed_is_refused() -> None:
    # GIVEN a text that the function does not have
    change = Rewrite(TARGET, "no such text", "")
    # WHEN it is to be changed
    # THEN the sabotage is refused: it would prove nothing
    with pytest.raises(LookupError, match="0 times"), rewritten([change]):
        pass


def test_a_sabotage_of_something_that_is_no_function_is_refused() -> None:
    # GIVEN a class
    change = Rewrite("runtime.logic.settle:Settler", "", "")
    # WHEN it is to be changed
    # THEN the sabotage is refused
    with pytest.raises(TypeError, match="needs a function"), rewritten([change]):
        pass
