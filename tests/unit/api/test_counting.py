"""Tests how a count is emitted to CloudWatch, and which numbers have no canonical form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runtime.http.endpoint import count
from runtime.logic.canonical import canonical
from runtime.metric import MetricName
from runtime.observability import metrics


@pytest.fixture
def counted() -> Iterator[dict[str, dict[str, object]]]:
    """Yield the metrics of one invocation, by name."""
    metrics.clear_metrics()
    yield metrics.metric_set
    metrics.clear_metrics()


def test_each_count_adds_the_value_one(counted: dict[str, dict[str, object]]) -> None:
    # GIVEN an invocation that has counted nothing
    # WHEN it counts twice
    count(MetricName.ORDER_ACCEPTED)
    count(MetricName.ORDER_ACCEPTED)
    # THEN the metric has two values, both 1, with the unit Count
    assert counted[MetricName.ORDER_ACCEPTED]["Unit"] == "Count"
    assert counted[MetricName.ORDER_ACCEPTED]["Value"] == [1.0, 1.0]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_cannot_express_has_no_canonical_form(number: float) -> None:
    # GIVEN a number that JSON cannot express
    # WHEN its canonical form is computed
    # THEN this is an error. Python reads both 1e400 and 1e500 as infinity, so without the error they would be the same
    # number
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"quantity": number})
