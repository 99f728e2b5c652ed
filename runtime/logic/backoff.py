"""Waiting times before the next try of a message (seconds to minutes) or of a transaction (milliseconds)."""

from collections.abc import Callable
from typing import Final

Random = Callable[[], float]
"""Returns a number in [0, 1), as `random.random` does."""

# SQS refuses to hide a message for longer than 12 hours.
MAX_VISIBILITY_SECONDS: Final = 43_200
# With this exponent, `base * 2**n` exceeds every cap. Larger exponents are not used: they only make huge numbers.
_MAX_EXPONENT: Final = 30
_LEAST_PART: Final = 0.05
# Shortest and longest pause between tries of a transaction, in seconds, before jitter.
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.4


def retry_delay(receive_count: int, *, base: int, cap: int, random: Random) -> int:
    """Return the visibility timeout (whole seconds) to set when receive number `receive_count` (from 1) has failed.

    Exponential backoff with equal jitter: one half of `min(cap, base * 2**(n - 1))` is fixed, the other is random. With
    full jitter, a message could use up its receives within seconds. The retry horizon is the sum of the fixed halves.
    """
    ceiling = min(cap, base * _doubled(receive_count), MAX_VISIBILITY_SECONDS)
    fixed = ceiling - ceiling // 2
    return fixed + int(random() * (ceiling // 2 + 1))


def conflict_pause(attempt: int, *, random: Random) -> float:
    """Return the seconds to wait after the `attempt`-th transaction conflict (from 1), with nearly full jitter.

    Because the waits are random, transactions that conflict on one row try again at different
    times. There is a minimum wait, so that the transaction that is using the row can end.
    """
    return max(random(), _LEAST_PART) * min(_LONGEST_PAUSE, _FIRST_PAUSE * _doubled(attempt))


def _doubled(attempt: int) -> int:
    return 1 << min(max(attempt, 1) - 1, _MAX_EXPONENT)
