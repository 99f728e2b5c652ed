"""Waits before the next try: of a message (seconds to minutes) and of a transaction (milliseconds)."""

from collections.abc import Callable
from typing import Final

Random = Callable[[], float]
"""A number in [0, 1), such as `random.random`."""

# SQS refuses to hide a message for longer than 12 hours.
MAX_VISIBILITY_SECONDS: Final = 43_200
# Beyond this power every base has reached every cap; it keeps 2**n small for any receive count.
_MAX_EXPONENT: Final = 30
_LEAST_PART: Final = 0.05
# Of the waits between tries of a transaction, in seconds, before the random part.
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.4


def retry_delay(receive_count: int, *, base: int, cap: int, random: Random) -> int:
    """Whole seconds to hide a message that failed its `receive_count`-th receive (counted from 1).

    Exponential with equal jitter: one half of `min(cap, base * 2**(n - 1))` is fixed, the other random. Full jitter
    would let a message spend its receives within seconds; the fixed half is what the retry horizon is computed from.
    """
    ceiling = min(cap, base * _doubled(receive_count), MAX_VISIBILITY_SECONDS)
    fixed = ceiling - ceiling // 2
    return fixed + int(random() * (ceiling // 2 + 1))


def conflict_pause(attempt: int, *, random: Random) -> float:
    """Seconds to wait after the `attempt`-th transaction conflict (counted from 1), with nearly full jitter.

    Contenders for one row only have to miss each other, so the wait is random but for a least part that gives the
    other transaction time to end.
    """
    return max(random(), _LEAST_PART) * min(_LONGEST_PAUSE, _FIRST_PAUSE * _doubled(attempt))


def _doubled(attempt: int) -> int:
    return 1 << min(max(attempt, 1) - 1, _MAX_EXPONENT)
