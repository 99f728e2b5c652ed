"""The clock and the source of identifiers of a simulated world. No call here really sleeps."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

DEFAULT_START = 1_767_225_600.0  # 2026-01-01T00:00:00Z: a moment that is easy to recognise in a failing history


@dataclass(slots=True)
class Clock:
    """Simulated time, in seconds since the epoch. It moves by `sleep`, `advance` and `advance_to`.

    Tests of clocks that differ between processes also set `now`.
    """

    now: float = DEFAULT_START

    def time(self) -> float:
        """The current time in seconds; a drop-in for ``time.time``."""
        return self.now

    def monotonic(self) -> float:
        """The same value as :meth:`time`. It is monotonic, because no process sees simulated time go back."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Advance the clock by ``seconds``; a drop-in for ``time.sleep``."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move forward by ``seconds``.

        Raises:
            ValueError: ``seconds`` is negative.
        """
        if seconds < 0:
            raise ValueError(f"Cannot advance the clock by {seconds} s: time only moves forward, give a value >= 0.")
        self.now += seconds

    def advance_to(self, moment: float) -> None:
        """Move forward to ``moment`` (epoch seconds). A moment in the past changes nothing."""
        self.now = max(self.now, moment)

    @property
    def millis(self) -> int:
        """The current time in whole milliseconds."""
        return int(self.now * 1000)


@dataclass(slots=True)
class Entropy:
    """Seeded randomness: the same seed gives the same identifiers and the same choices.

    Identifiers begin with a count, so no identifier occurs twice, even if ``random`` is seeded again.
    """

    seed: int = 0
    random: random.Random = field(init=False)
    _made: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def uuid(self) -> str:
        """A version 4 UUID as text."""
        self._made += 1
        digits = f"{self.random.getrandbits(88):022x}"
        return f"{self._made:08x}-{digits[:4]}-4{digits[4:7]}-8{digits[7:10]}-{digits[10:]}"

    def hex(self) -> str:
        """Twelve hexadecimal digits."""
        self._made += 1
        return f"{self._made:06x}{self.random.getrandbits(24):06x}"
