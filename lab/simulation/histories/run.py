"""Plays many histories, on one process or several."""

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
# A process that never collects grows by 0.13 MB per history; after this many chunks a fresh one takes its place.
_CHUNKS_PER_PROCESS = 4


def play_seeds(seeds: Sequence[int], *, collect_every: int = _COLLECT_EVERY) -> HistoryCounts:
    """Play the histories of these seeds and count what came to pass.

    ``collect_every`` so many histories the garbage is collected; 0 leaves it to the end of the process.
    """
    tally, started = HistoryCounts(), time.process_time()
    with _rare_garbage_collection() as collect, _silent_logger():
        for number, seed in enumerate(seeds):
            player = Player(history(seed))
            try:
                violations = player.play()
            except Exception as error:  # noqa: BLE001 - one history must not end the others, and must be told
                violations = [f"{type(error).__name__}: {error}"]
            tally.add(player, violations)
            if collect_every:
                player.forget()
                if number % collect_every == collect_every - 1:
                    collect()
    tally.cpu_seconds = time.process_time() - started
    return tally


def explained(tally: HistoryCounts) -> str:
    """The first failure of a tally and the steps that it shrinks to."""
    seed, violations = min(tally.failures)
    return f"seed {seed}: {violations}\n{shrink(history(seed)).text()}"


def play_in_chunks(first: int, count: int, workers: int) -> Iterator[HistoryCounts]:
    """Play ``count`` histories from seed ``first``: a tally per chunk, in the order of their seeds."""
    chunks = [range(start, min(start + CHUNK, first + count)) for start in range(first, first + count, CHUNK)]
    if workers <= 1:
        yield from map(play_seeds, chunks)
        return
    # Not forked from here: that would copy whatever threads and locks there are.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with context.Pool(workers, initializer=gc.disable, maxtasksperchild=_CHUNKS_PER_PROCESS) as pool:
        yield from pool.imap(_play_and_leave, chunks)


def _play_and_leave(seeds: Sequence[int]) -> HistoryCounts:
    """In a process of a pool: it ends soon, and with it its garbage. Collecting is a tenth of the time of histories."""
    return play_seeds(seeds, collect_every=0)


@contextmanager
def _rare_garbage_collection() -> Iterator[Callable[[], int]]:
    """A world is one big cycle; collecting those of many histories at once is cheaper than looking all the time."""
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
    """Nobody reads the logs of histories, and asking the logger whether to write is a twentieth of their time."""
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
    """Instead of the logger's methods."""
