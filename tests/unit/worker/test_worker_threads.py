"""Tests the threads that a batch runs on, and the units of its metrics."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from runtime.handlers.powertools.batch import emit, on_threads
from runtime.logic.batch_metrics import BatchMetrics
from runtime.metric import MetricName
from runtime.observability import metrics


@pytest.fixture
def counted() -> Iterator[dict[str, Any]]:
    """Yield the metrics of one invocation, by name."""
    metrics.clear_metrics()
    yield metrics.metric_set
    metrics.clear_metrics()


@pytest.mark.parametrize(("threads", "items"), [(1, 3), (5, 1), (5, 0)])
def test_the_calling_thread_does_the_work_if_one_thread_is_enough(threads: int, items: int) -> None:
    # GIVEN several items for one thread, or at most one item for several threads
    # WHEN the items are processed
    used = on_threads(threads, lambda _: threading.get_ident(), range(items))
    # THEN no other thread was started
    assert used == [threading.get_ident()] * items


class SignallingItems(list[int]):
    """Items that signal when the last of them has been taken."""

    def __init__(self, items: Iterable[int]) -> None:
        super().__init__(items)
        self.all_taken = threading.Event()

    def __iter__(self) -> Iterator[int]:
        yield from super().__iter__()
        self.all_taken.set()


def test_no_more_threads_than_allowed_are_started() -> None:
    # GIVEN eight items, and two threads that are busy until the last item has been taken
    items, used = SignallingItems(range(8)), set()

    def work(item: int) -> int:
        assert items.all_taken.wait(timeout=10)
        used.add(threading.get_ident())
        return item

    # WHEN all are processed
    done = on_threads(2, work, items)
    # THEN the results are in the items' sequence, and no third thread was used
    assert done == list(range(8))
    assert len(used) <= 2


def test_items_on_two_threads_are_processed_at_the_same_time() -> None:
    # GIVEN two items that wait for each other
    pair = threading.Barrier(2, timeout=10)
    # WHEN they are processed on two threads
    done = on_threads(2, lambda _: pair.wait(), range(2))
    # THEN both run at the same time
    assert sorted(done) == [0, 1]


def test_counts_and_durations_have_their_units(counted: dict[str, Any]) -> None:
    # GIVEN the counts and durations of a batch
    tally = BatchMetrics()
    tally.count(MetricName.ORDER_CONFIRMED)
    tally.count(MetricName.ORDER_CONFIRMED)
    tally.duration(MetricName.ACCEPTED_TO_SETTLED, 12.5)
    # WHEN they are emitted
    emit(tally, metrics)
    # THEN CloudWatch gets a count of two and a time in milliseconds
    shown = {name: (each["Unit"], each["Value"]) for name, each in counted.items()}
    assert shown == {
        MetricName.ORDER_CONFIRMED: ("Count", [2.0]),
        MetricName.ACCEPTED_TO_SETTLED: ("Milliseconds", [12.5]),
    }
