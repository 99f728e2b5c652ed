"""Runs threads one at a time. At each call to AWS the test chooses which thread continues."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from unittest.mock import patch

from lab.simulation.fakes import Call
from lab.simulation.fakes.wire import Wire
from runtime.handlers.powertools import batch

T = TypeVar("T")
Choose = Callable[[Sequence[int]], int]
"""Gets the numbers of the tasks that can continue, and returns the number of the next one."""
TIMEOUT_SECONDS = 60


@dataclass(slots=True)
class Interleaver:
    """Lets one thread run at a time. Before each call to AWS, ``choose`` selects the thread that continues.

    ``choose`` is called only when all threads wait, so the same choices give the same sequence of calls.
    """

    wire: Wire
    choose: Choose
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: dict[int, threading.Event] = field(default_factory=dict)
    _unfinished: int = 0
    _threads: int = 0
    _stopped: bool = False
    _task: threading.local = field(default_factory=threading.local)

    def run(self, *works: Callable[[], T]) -> list[T]:
        """Run each function in its own thread, interleaved; returns the results in the order of ``works``."""
        with ThreadPoolExecutor(len(works)) as pool:
            return list(self.map(pool, len(works), lambda work: work(), works))

    def map(
        self, pool: ThreadPoolExecutor, threads: int, function: Callable[[Any], T], items: Iterable[Any]
    ) -> Iterator[T]:
        """Run ``pool.map`` with interleaved threads."""
        numbered = list(enumerate(items))
        self._unfinished, self._threads = len(numbered), threads
        outer, self.wire.before = self.wire.before, self._before

        def task(one: tuple[int, Any]) -> T:
            self._task.number = one[0]
            try:
                self._wait()
                return function(one[1])
            except BaseException:
                self._stop()
                raise
            finally:
                del self._task.number
                self._finish()

        def finished() -> Iterator[T]:
            try:
                yield from ThreadPoolExecutor.map(pool, task, numbered)
            finally:
                self.wire.before = outer

        return finished()

    def _before(self, _: Call) -> None:
        if hasattr(self._task, "number"):
            self._wait()

    def _wait(self) -> None:
        gate, mine = threading.Event(), self.wire.process
        with self._lock:
            if self._stopped:
                return
            self._waiting[self._task.number] = gate
            self._continue_one()
        if not gate.wait(TIMEOUT_SECONDS):
            raise TimeoutError(f"Task {self._task.number} was not chosen within {TIMEOUT_SECONDS} s.")
        self.wire.process = mine

    def _finish(self) -> None:
        with self._lock:
            self._unfinished -= 1
            self._continue_one()

    def _stop(self) -> None:
        """Release all threads after a task has raised an error. From then on, they run in any
        sequence. If the error is that the task's simulated process was killed, the other tasks of
        this process end too, each at its next call to AWS."""
        with self._lock:
            self._stopped = True
            while self._waiting:
                self._waiting.popitem()[1].set()

    def _continue_one(self) -> None:
        """If all tasks that have a thread are waiting, let one of them continue."""
        if self._waiting and len(self._waiting) == min(self._threads, self._unfinished):
            self._waiting.pop(self.choose(sorted(self._waiting))).set()


@contextmanager
def interleaved_batches(wire: Wire, choose: Choose) -> Iterator[None]:
    """Interleave the threads of the worker's pool in this context; ``choose`` selects the task that continues."""

    class Pool(ThreadPoolExecutor):
        def map(self, fn: Any, *iterables: Any, **_: Any) -> Iterator[Any]:
            (items,) = iterables
            return Interleaver(wire, choose).map(self, self._max_workers, fn, items)

    with patch.object(batch, "ThreadPoolExecutor", Pool):
        yield


def by_script(script: Sequence[int]) -> Choose:
    """Choose the task numbers of ``script`` in turn. If the next task cannot continue, or the script has ended, choose
    the lowest number of a task that can continue."""
    steps = iter(script)

    def choose(waiting: Sequence[int]) -> int:
        wanted = next(steps, waiting[0])
        return wanted if wanted in waiting else waiting[0]

    return choose
