"""The sequence of the messages in an isolated batch, one of which may have killed a process (ADR 0004)."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """The facts about a delivery before it runs.

    Attributes:
        receive_count: How often the message has been received.
        lease_end: Epoch milliseconds at which the lease of the message's unfinished run ends or ended; 0 if its record
            could not be read; `None` if the message has no unfinished run, or if too little time is left to run it.
    """

    receive_count: int
    lease_end: int | None


def isolation_order(candidates: Sequence[Candidate]) -> list[int]:
    """Return the indices of `candidates` in the sequence in which they run.

    The messages without an unfinished run come first, sorted by their receive counts, the highest first. The suspects
    follow, sorted by the end of their leases. If a killer stopped an isolated batch, the suspects behind it did not
    run, and their leases are older than the killer's. So in the next batch the killer runs after these suspects and
    costs them no second receive.
    """

    def rank(index: int) -> int:
        # The end of a lease is never negative, so the suspects are sorted after all others.
        candidate = candidates[index]
        return -candidate.receive_count if candidate.lease_end is None else candidate.lease_end

    return sorted(range(len(candidates)), key=rank)
