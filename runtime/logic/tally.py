"""Collects metrics from several threads, for one thread to emit."""

from dataclasses import dataclass, field

from runtime.metric import Metric


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts and durations (milliseconds) of one invocation.

    Powertools' Metrics is not safe in threads; appending to a list is.
    """

    counts: list[Metric] = field(default_factory=list)
    durations: list[tuple[Metric, float]] = field(default_factory=list)

    def count(self, metric: Metric) -> None:
        """Count one."""
        self.counts.append(metric)

    def duration(self, metric: Metric, milliseconds: float) -> None:
        """Note a duration."""
        self.durations.append((metric, milliseconds))
