"""Collects metrics from several threads, for one thread to emit."""

from collections import Counter
from dataclasses import dataclass, field

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from runtime.observability import Metric


@dataclass(frozen=True, slots=True)
class Tally:
    """Powertools' Metrics is not safe in threads; appending to a list is."""

    _counts: list[Metric] = field(default_factory=list)
    _durations: list[tuple[Metric, float]] = field(default_factory=list)

    def count(self, metric: Metric) -> None:
        """Count one."""
        self._counts.append(metric)

    def duration(self, metric: Metric, milliseconds: float) -> None:
        """Note a duration."""
        self._durations.append((metric, milliseconds))

    def emit(self, metrics: Metrics) -> None:
        """Add everything to `metrics`, from the thread that owns it."""
        for metric, number in Counter(self._counts).items():
            metrics.add_metric(metric.value, MetricUnit.Count, number)
        for metric, milliseconds in self._durations:
            metrics.add_metric(metric.value, MetricUnit.Milliseconds, milliseconds)
