"""Plays many histories in one or more processes."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from typing import Final
from unittest.mock import patch

from lab.simulation.histories.counts import HistoryCounts
from lab.simulation.histories.generate import history
from lab.simulation.histories.play import Player
from lab.simulation.histories.shrink import shrink
from runtime.observability import logger

CHUNK = 500
_COLLECT_EVERY = 50
# A process without garbage collection grows by 0.13 MB per history. After this many chunks a new process replaces it.
_CHUNKS_PER_PROCESS = 4


def play_seeds(seeds: Sequence[int], *, collect_every: int = _COLLECT_EVERY) -> HistoryCounts:
    """Play the histories of these seeds and return their counts.

    Garbage is collected after every ``collect_every`` histories, or never if ``collect_every`` is 0.
    """
    tally, started = HistoryCounts(), time.process_time()
    with _rare_garbage_collection() as collect, _silent_logger():
        for number, seed in enumerate(seeds):
            player = Player(history(seed))
            try:
                violations = player.play()
            except Exception as error:  # noqa: BLE001 - an error is a failure of this history, not of the others
                violations = [f"{type(error).__name__}: {error}"]
            tally.add(player, violations)
            if collect_every:
                player.forget()
                if number % collect_every == collect_every - 1:
                    collect()
    tally.cpu_seconds = time.process_time() - started
    return tally


def explained(tally: HistoryCounts) -> str:
    """Return the failure with the lowest seed, and its shrunk history."""
    seed, violations = min(tally.failures)
    return f"seed {seed}: {violations}\n{shrink(history(seed)).text()}"


def play_in_chunks(first: int, count: int, workers: int) -> Iterator[HistoryCounts]:
    """Play ``count`` histories from seed ``first``; yields the counts of each chunk, in the order of the seeds."""
    chunks = [range(start, min(start + CHUNK, first + count)) for start in range(first, first + count, CHUNK)]
    if workers <= 1:
        yield from map(play_seeds, chunks)
        return
    # A plain fork copies the locks that other threads hold, but not these threads. So nothing would release the copies.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with context.Pool(workers, initializer=gc.disable, maxtasksperchild=_CHUNKS_PER_PROCESS) as pool:
        yield from pool.imap(_play_uncollected, chunks)


def _play_uncollected(seeds: Sequence[int]) -> HistoryCounts:
    """Play a chunk in a pool's process, without garbage collection: the process ends soon, and collection takes 10 % of
    the time."""
    return play_seeds(seeds, collect_every=0)


@contextmanager
def _rare_garbage_collection() -> Iterator[Callable[[], int]]:
    """Disable automatic garbage collection. The simulated world of a history is one large reference cycle;
    collecting many worlds at once is cheaper."""
    was_enabled = gc.isenabled()
    gc.freeze()
    gc.disable()
    try:
        yield gc.collect
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()


@contextmanager
def _silent_logger() -> Iterator[None]:
    """Replace the logger's methods: nobody reads the logs of histories, and the calls would take 5 % of the time."""
    with ExitStack() as stack:
        for name in _LOGGING:
            stack.enter_context(patch.object(logger, name, _ignored))
        yield


_LOGGING: Final = (
    "debug",
    "info",
    "warning",
    "error",
    "set_correlation_id",
    "append_keys",
    "thread_safe_append_keys",
    "thread_safe_clear_keys",
)


def _ignored(*_: object, **__: object) -> None:
    """Stand in for a method of the logger."""
