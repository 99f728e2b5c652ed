"""Threads that run one at a time, and change places at calls to AWS in an order that the test chooses."""

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
"""From the numbers of the tasks that could go on, the one that does."""
PATIENCE_SECONDS = 60


@dataclass(slots=True)
class Baton:
    """Whoever has it runs; it is handed on before each call to AWS.

    The same choices give the same history: a choice is made only when every thread waits for one.
    """

    wire: Wire
    choose: Choose
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: dict[int, threading.Event] = field(default_factory=dict)
    _unfinished: int = 0
    _threads: int = 0
    _over: bool = False
    _task: threading.local = field(default_factory=threading.local)

    def run(self, *works: Callable[[], T]) -> list[T]:
        """Run each in a thread of its own, interleaved; the results are in the order of ``works``."""
        with ThreadPoolExecutor(len(works)) as pool:
            return list(self.map(pool, len(works), lambda work: work(), works))

    def map(
        self, pool: ThreadPoolExecutor, threads: int, function: Callable[[Any], T], items: Iterable[Any]
    ) -> Iterator[T]:
        """``pool.map``, interleaved."""
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
            if self._over:
                return
            self._waiting[self._task.number] = gate
            self._hand_on()
        if not gate.wait(PATIENCE_SECONDS):
            raise TimeoutError(f"The baton never came back to task {self._task.number}.")
        self.wire.process = mine

    def _finish(self) -> None:
        with self._lock:
            self._unfinished -= 1
            self._hand_on()

    def _stop(self) -> None:
        """A task has raised, so its process was killed: the pool drops what has not begun, and the others die at their
        next call. There is no order among them that could matter."""
        with self._lock:
            self._over = True
            while self._waiting:
                self._waiting.popitem()[1].set()

    def _hand_on(self) -> None:
        """Let one go on, as soon as all that can run wait for it."""
        if self._waiting and len(self._waiting) == min(self._threads, self._unfinished):
            self._waiting.pop(self.choose(sorted(self._waiting))).set()


@contextmanager
def interleaved_batches(wire: Wire, choose: Choose) -> Iterator[None]:
    """Within this context the worker's own thread pool is interleaved by ``choose``."""

    class Pool(ThreadPoolExecutor):
        def map(self, fn: Any, *iterables: Any, **_: Any) -> Iterator[Any]:
            (items,) = iterables
            return Baton(wire, choose).map(self, self._max_workers, fn, items)

    with patch.object(batch, "ThreadPoolExecutor", Pool):
        yield


def by_script(script: Sequence[int]) -> Choose:
    """Choices taken from ``script``, a task number each; one that cannot go on gives way to the next that can."""
    steps = iter(script)

    def choose(waiting: Sequence[int]) -> int:
        wanted = next(steps, waiting[0])
        return wanted if wanted in waiting else waiting[0]

    return choose
