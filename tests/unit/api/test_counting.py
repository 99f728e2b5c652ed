"""Tests what a count is in CloudWatch, and what has no canonical form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runtime.http.endpoint import count
from runtime.logic.canonical import canonical
from runtime.metric import MetricName
from runtime.observability import metrics


@pytest.fixture
def counted() -> Iterator[dict[str, dict[str, object]]]:
    """Yield what is counted in one invocation, by name."""
    metrics.clear_metrics()
    yield metrics.metric_set
    metrics.clear_metrics()


def test_a_count_is_one(counted: dict[str, dict[str, object]]) -> None:
    # GIVEN an invocation that has counted nothing
    # WHEN it counts twice
    count(MetricName.ORDER_ACCEPTED)
    count(MetricName.ORDER_ACCEPTED)
    # THEN CloudWatch gets two ones, as a count
    assert counted[MetricName.ORDER_ACCEPTED]["Unit"] == "Count"
    assert counted[MetricName.ORDER_ACCEPTED]["Value"] == [1.0, 1.0]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_write_has_no_canonical_form(number: float) -> None:
    # GIVEN a number that is none in JSON
    # WHEN its canonical form is wanted
    # THEN there is none: two bodies would be the same request by accident
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"quantity": number})
