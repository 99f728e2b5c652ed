"""Tests which version a call through an alias reaches."""

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.weights import add_weights, drawn


def function(weights: dict[str, float]) -> dict[str, object]:
    return {"aliases": {"live": {"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": weights}}}}


@given(weight=st.floats(0, 1), chance=st.floats(0, 1, exclude_max=True))
def test_the_additional_version_gets_its_share_of_calls(weight: float, chance: float) -> None:
    # GIVEN
    shifted = function({"2": weight})

    # WHEN
    version = drawn(shifted, "live", lambda: chance)

    # THEN
    assert version == ("2" if chance < weight else None)


@pytest.mark.parametrize(
    ("given_function", "qualifier"),
    [
        (None, "live"),
        ({"aliases": {"live": {"FunctionVersion": "1"}}}, "live"),
        (function({"2": 1.0}), "1"),
        (function({"2": 1.0}), None),
    ],
    ids=["no function", "no weights", "a version", "unqualified"],
)
def test_only_an_alias_with_weights_leads_to_an_additional_version(
    given_function: dict[str, object] | None, qualifier: str | None
) -> None:
    # GIVEN a call without an alias, or through an alias without weights / WHEN
    version = drawn(given_function, qualifier, lambda: 0.0)

    # THEN
    assert version is None


def test_add_weights_refuses_a_ministack_that_lacks_a_needed_name() -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(LookupError, match="no _get_function, _get_function_config, _effective"):
        add_weights(ModuleType("lambda_svc"))
