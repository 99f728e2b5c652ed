"""A metric store with CloudWatch's identity rules: a metric is its namespace, name and *exact* set of dimensions.

Sources: Amazon CloudWatch User Guide, "Metrics concepts" (sections "Dimensions", "Statistics", "Units", "Periods",
"Percentiles"): CloudWatch treats each unique combination of dimensions as a separate metric and does not aggregate
across them; a request for one unit does not return data points of another unit.
"""

import math
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

Series = dict[int, float]
"""Values by the start of their period (seconds since the epoch). A missing period has no key."""

_PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")
_TRIMMED_COUNT: Final = re.compile(r"TC\(:(\d+)\)")
_SIMPLE: Final[dict[str, Callable[[Sequence[float]], float]]] = {
    "Sum": math.fsum,
    "Average": lambda values: math.fsum(values) / len(values),
    "Minimum": min,
    "Maximum": max,
    "SampleCount": len,
}


@dataclass(frozen=True)
class MetricKey:
    """Identity of a metric.

    Attributes:
        namespace: an AWS namespace such as `AWS/SQS`, or the program's own.
        name: the metric's name.
        dimensions: sorted (name, value) pairs; a metric without dimensions is separate, not the sum of the others.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str] | None = None) -> "MetricKey":
        """Build a key from dimensions in any order."""
        return cls(namespace, name, tuple(sorted((dimensions or {}).items())))


@dataclass(frozen=True)
class Sample:
    """One published value: `at` in seconds since the epoch, `unit` as CloudWatch spells it (`Count`, `Seconds`, …)."""

    at: int
    value: float
    unit: str


def _time(sample: Sample) -> int:
    return sample.at


class MetricStore:
    """Published values, and the statistics over periods that CloudWatch would return for them."""

    def __init__(self) -> None:
        self._samples: dict[MetricKey, list[Sample]] = defaultdict(list)

    def put(self, key: MetricKey, at: int, values: float | Iterable[float], unit: str) -> None:
        """Publish one or more values for one moment."""
        many = [values] if isinstance(values, int | float) else values
        samples = self._samples[key]
        samples.extend(Sample(at, float(value), unit) for value in many)
        samples.sort(key=_time)

    def series(
        self, key: MetricKey, statistic: str, period: int, starts: Sequence[int], unit: str | None = None
    ) -> Series:
        """The statistic over each period `[start, start + period)`; periods without values are missing.

        Raises:
            ValueError: the statistic is unknown or not supported here.
        """
        compute = statistic_of(statistic)
        samples = self._samples.get(key, [])
        result: Series = {}
        for start in starts:
            first, last = (bisect_left(samples, at, key=_time) for at in (start, start + period))
            values = [sample.value for sample in samples[first:last] if unit is None or sample.unit == unit]
            if values:
                result[start] = float(compute(values))
        return result


def statistic_of(name: str) -> Callable[[Sequence[float]], float]:
    """The function that computes `Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount`, `pNN` or `TC(:N)`.

    Percentiles are exact here (nearest rank). CloudWatch's are approximate.

    Raises:
        ValueError: an unknown name.
    """
    if name in _SIMPLE:
        return _SIMPLE[name]
    if trimmed := _TRIMMED_COUNT.fullmatch(name):
        return lambda values: sum(value <= float(trimmed[1]) for value in values)
    match = _PERCENTILE.fullmatch(name)
    if match is None:
        raise ValueError(f"statistic {name!r} is not one of {', '.join(_SIMPLE)}, pNN (p0 to p100) or TC(:N)")
    share = float(match[1]) / 100

    def percentile(values: Sequence[float]) -> float:
        ordered = sorted(values)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    return percentile
