"""Plays rounds in one or several processes, and counts their outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context
from random import Random
from typing import Final

from lab.fuzz.batches import BATCHES, play_batches
from lab.fuzz.hostile import Hostile
from lab.fuzz.requests import REQUESTS, play_requests
from lab.fuzz.watch import Watch

EVENTS, BATCH = "events", "batches"
KINDS: Final[dict[str, tuple[Callable[[Hostile], Watch], int]]] = {
    EVENTS: (play_requests, REQUESTS),
    BATCH: (play_batches, BATCHES),
}
"""By kind: the function that plays a round, and the number of events or batches in a round."""

_CHUNK: Final = 50
"""Number of rounds in a chunk, which one process plays."""
_CHUNKS_PER_PROCESS: Final = 20
"""A process ends after this many chunks. Simulated worlds contain reference cycles, and so fill the
process's memory."""


@dataclass
class FuzzCounts:
    """Counts of the played rounds.

    Attributes:
        seed: The seed of each kind's first round; each further round adds 1.
        rounds: The number of rounds by kind.
        counted: How often each name of `Watch.counted` occurred.
        violations: Each round that had violations: its kind, its seed, and the violations.
        seconds: The elapsed time.
    """

    seed: int
    rounds: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    counted: Counter[str] = field(default_factory=Counter)
    violations: list[tuple[str, int, list[str]]] = field(default_factory=list)
    seconds: float = 0

    def played(self, kind: str) -> int:
        """Return the number of played events or batches."""
        return self.rounds[kind] * KINDS[kind][1]

    def text(self) -> str:
        """Return the counts as text."""
        counted = ", ".join(f"{name} {count:,}" for name, count in self.counted.most_common())
        played = " and ".join(f"{self.played(kind):,} {kind}" for kind in KINDS)
        return (
            f"{played} from seed {self.seed}: {len(self.violations)} rounds with violations, {self.seconds:.0f} s\n"
            f"  {counted}\n"
        )


def play_round(kind: str, seed: int) -> Watch:
    """Play one round. The same seed always makes the same round."""
    return KINDS[kind][0](Hostile(Random(f"{kind} {seed}")))


def play_chunk(chunk: tuple[str, range]) -> FuzzCounts:
    """Play the rounds of one kind with these seeds, and return their counts."""
    kind, seeds = chunk
    tally = FuzzCounts(seeds.start)
    for seed in seeds:
        try:
            watch = play_round(kind, seed)
        except Exception as error:  # noqa: BLE001 - a failed round is reported and does not end the others
            tally.violations.append((kind, seed, [f"the round itself failed: {type(error).__name__}: {error}"]))
            continue
        tally.counted.update(watch.counted)
        if watch.violations:
            tally.violations.append((kind, seed, watch.violations))
    tally.rounds[kind] = len(seeds)
    return tally


def play(tally: FuzzCounts, wanted: dict[str, int], workers: int) -> Iterator[None]:
    """Play until `tally` has the wanted numbers of events and batches. Yields after each chunk."""
    chunks: list[tuple[str, range]] = []
    for kind, number in wanted.items():
        first, last = tally.seed + tally.rounds[kind], tally.seed + -(-number // KINDS[kind][1])
        chunks += [(kind, range(start, min(start + _CHUNK, last))) for start in range(first, last, _CHUNK)]
    for part in map(play_chunk, chunks) if workers == 1 else _on_processes(chunks, workers):
        tally.counted += part.counted
        tally.violations += part.violations
        for kind, rounds in part.rounds.items():
            tally.rounds[kind] += rounds
        yield


def _on_processes(chunks: list[tuple[str, range]], workers: int) -> Iterator[FuzzCounts]:
    # A fork of this process would copy its threads and locks, so a fork server is used.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with context.Pool(workers, maxtasksperchild=_CHUNKS_PER_PROCESS) as pool:
        yield from pool.imap(play_chunk, chunks)
