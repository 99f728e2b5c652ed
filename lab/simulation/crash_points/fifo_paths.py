"""Paths (path.py) through the API and the worker, in a stack that keeps each caller's orders in
sequence."""

from __future__ import annotations

from dataclasses import replace

from lab.simulation.crash_points.api_paths import API_PATHS, CREATE
from lab.simulation.crash_points.path import Path, Run, ends
from lab.simulation.crash_points.stage import Stage
from lab.simulation.crash_points.worker_paths import WORKER, WORKER_PATHS, table_down
from lab.simulation.fakes import Process
from lab.simulation.requests import order_body

THREE = ends(*["CONFIRMED"] * 3)
_SAME = {
    CREATE: ("first call", "replay", "lease has passed", "killed after the send", "killed after the send, processed"),
    WORKER: (
        "first receive",
        "out of stock",
        "replay: second message",
        "twin in progress",
        "confirmed, not published",
        "redriven",
        "permanent: not JSON",
        "retryable: topic down",
        "retryable: table throttled",
        "last attempt",
        "last attempt: table throttled",
    ),
}
"""Paths that also run in a FIFO stack: for each handler, names from `API_PATHS` and `WORKER_PATHS`."""


def _three(stage: Stage) -> Run:
    for key in ("one", "two", "three"):
        stage.accept(key)
    return stage.world.deliver


def _two_callers(stage: Stage) -> Run:
    stage.accept("one")
    stage.post("two", order_body(), caller="bob")
    stage.accept("three")
    return stage.world.deliver


def _behind_a_dead_letter(stage: Stage) -> Run:
    stage.accept("one")
    stage.message().body = "not JSON"
    stage.accept("two")
    return stage.world.deliver


def _between_two_others(stage: Stage) -> Run:
    """Prepare a run with a caller's second and third requests, while the first order waits in the queue."""
    stage.accept("one")

    def run(process: Process) -> object:
        exchange = stage.post("two", process=process)
        stage.accept("three")
        return exchange

    return run


def _on_a_fifo_stack(path: Path) -> Path:
    return replace(path, name=f"fifo: {path.name}", fifo=True)


_BOTH = (*API_PATHS, *WORKER_PATHS)
_BY_NAME = {(path.function, path.name): path for path in _BOTH}
FIFO_PATHS = (
    *(_on_a_fifo_stack(_BY_NAME[function, name]) for function, names in _SAME.items() for name in names),
    Path("fifo: second of three requests", CREATE, _between_two_others, THREE, fifo=True),
    Path("fifo: first of three", WORKER, _three, THREE, fifo=True),
    Path("fifo: two callers", WORKER, _two_callers, THREE, fifo=True),
    Path(
        "fifo: first of three, table throttled",
        WORKER,
        _three,
        THREE,
        background=table_down,
        fifo=True,
    ),
    Path(
        "fifo: behind a dead letter",
        WORKER,
        _behind_a_dead_letter,
        ends("CONFIRMED", "FAILED"),
        later=ends("CONFIRMED", "CONFIRMED"),
        dead="always",
        fifo=True,
    ),
)
