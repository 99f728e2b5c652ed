"""Collects the metrics of several threads, so that one thread can emit them."""

from dataclasses import dataclass, field

from runtime.metric import MetricName


@dataclass(frozen=True, slots=True)
class BatchMetrics:
    """Counts and durations (milliseconds) of one invocation.

    Powertools' `Metrics` is not thread-safe; appending to a list is.
    """

    counts: list[MetricName] = field(default_factory=list)
    durations: list[tuple[MetricName, float]] = field(default_factory=list)

    def count(self, metric: MetricName) -> None:
        """Add one to the metric."""
        self.counts.append(metric)

    def duration(self, metric: MetricName, milliseconds: float) -> None:
        """Add a duration to the metric."""
        self.durations.append((metric, milliseconds))
