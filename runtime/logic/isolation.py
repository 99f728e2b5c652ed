"""The sequence of the messages in an isolated batch.

One of these messages may have killed a process (ADR 0004).
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """The facts about a delivery before it runs.

    Attributes:
        receive_count: How often the message has been received.
        lease_end: When the lease of the message's unfinished run ends or ended (epoch milliseconds). 0: the
            idempotency record could not be read. `None`: the message has no unfinished run, or too little time is left
            to run the message.
    """

    receive_count: int
    lease_end: int | None


def isolation_order(candidates: Sequence[Candidate]) -> list[int]:
    """Return the indices of `candidates` in the sequence in which they run.

    The messages without an unfinished run come first, sorted by their receive counts, the highest first. The suspects
    follow, sorted by the end of their leases, the earliest first. If a killer stops an isolated batch, the killer's run
    leaves a new lease. The suspects that were still waiting have older leases, which end earlier. So in the next batch
    these suspects run before the killer, and it cannot stop them again.
    """

    def rank(index: int) -> int:
        # A suspect's rank is the end of its lease, which is never negative. All other ranks are
        # negative, so the suspects are sorted after all others.
        candidate = candidates[index]
        return -candidate.receive_count if candidate.lease_end is None else candidate.lease_end

    return sorted(range(len(candidates)), key=rank)
