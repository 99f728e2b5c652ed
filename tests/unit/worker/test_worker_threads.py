"""Which threads a batch runs on, and what it counts from them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from runtime.logic.batch import on_threads
from runtime.logic.tally import Tally
from runtime.observability import Metric, metrics


@pytest.fixture
def counted() -> Iterator[dict[str, Any]]:
    """What is counted in one invocation, by name."""
    metrics.clear_metrics()
    yield metrics.metric_set
    metrics.clear_metrics()


@pytest.mark.parametrize(("threads", "items"), [(1, 3), (5, 1), (5, 0)])
def test_where_one_thread_is_enough_it_is_the_callers_own(threads: int, items: int) -> None:
    # GIVEN one thread, or not more than one item
    # WHEN they are done
    used = on_threads(threads, lambda _: threading.get_ident(), range(items))
    # THEN no other thread was started
    assert used == [threading.get_ident()] * items


def test_never_more_threads_than_are_allowed_run_at_once() -> None:
    # GIVEN two threads, and items that wait for each other in pairs: a third at once would break the pair
    pair, running, most, lock = threading.Barrier(2, timeout=10), 0, 0, threading.Lock()

    def work(item: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        pair.wait()
        with lock:
            running -= 1
        pair.wait()
        return item

    # WHEN eight are done
    done = on_threads(2, work, range(8))
    # THEN they are in order, and two ran at once
    assert (done, most) == (list(range(8)), 2)


def test_counts_and_durations_have_their_units(counted: dict[str, Any]) -> None:
    # GIVEN what a batch has counted
    tally = Tally()
    tally.count(Metric.ORDER_CONFIRMED)
    tally.count(Metric.ORDER_CONFIRMED)
    tally.duration(Metric.ACCEPTED_TO_SETTLED, 12.5)
    # WHEN it is emitted
    tally.emit(metrics)
    # THEN CloudWatch gets a count of two and a time in milliseconds
    shown = {name: (each["Unit"], each["Value"]) for name, each in counted.items()}
    assert shown == {
        Metric.ORDER_CONFIRMED: ("Count", [2.0]),
        Metric.ACCEPTED_TO_SETTLED: ("Milliseconds", [12.5]),
    }
