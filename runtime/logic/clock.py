"""The clock that the logic uses. Tests replace it."""

from datetime import UTC, datetime
from typing import Protocol

from runtime.models.fields import to_timestamp


class Clock(Protocol):
    """The functions of the standard module `time` that the logic uses; the module itself is a `Clock`."""

    def time(self) -> float:
        """Seconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment; never decreases."""

    def sleep(self, seconds: float, /) -> None:
        """Wait `seconds`."""


def timestamp(clock: Clock) -> str:
    """The present moment as a `Timestamp`."""
    return to_timestamp(datetime.fromtimestamp(clock.time(), UTC))
