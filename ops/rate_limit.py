"""Limits the rate of messages."""

from dataclasses import dataclass

from runtime.logic.clock import Clock


@dataclass(slots=True)
class RateLimit:
    """Limit of `per_second` messages on average since the first message."""

    per_second: float
    clock: Clock
    _next: float = 0.0

    def wait(self, count: int) -> None:
        """Wait until `count` more messages may be sent."""
        now = self.clock.monotonic()
        if self._next > now:
            self.clock.sleep(self._next - now)
        self._next = max(now, self._next) + count / self.per_second
