"""The order in which a batch runs when one of its records may be what killed a process (ADR 0004)."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """A delivery as far as it is known before it starts.

    Attributes:
        receive_count: How often it has been received.
        lease_end: Epoch milliseconds at which the lease of its unfinished run ends or ended; `None` if its last run
            reported, or it never began.
    """

    receive_count: int
    lease_end: int | None


def isolation_order(candidates: Sequence[Candidate]) -> list[int]:
    """Indices of `candidates` in the order to run them.

    First those without an unfinished run, nearest to their last attempt first. Then the suspects, the one that began
    last at the end: a killer of an isolated batch began after the suspects that it kept from running, so it runs after
    them now and costs them no second receive.
    """

    def rank(index: int) -> int:
        # A lease is never negative: the suspects are behind all others.
        candidate = candidates[index]
        return -candidate.receive_count if candidate.lease_end is None else candidate.lease_end

    return sorted(range(len(candidates)), key=rank)
