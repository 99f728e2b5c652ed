"""Paths (path.py) through the worker, for batches in which orders share an article. The worker
first settles these orders together, in one transaction. Then it processes their messages one by
one. In this file, a group is a set of such orders, not a message group."""

from __future__ import annotations

from collections.abc import Callable

from lab.simulation.crash_points.api_paths import killed_after
from lab.simulation.crash_points.path import Path, Run, ends
from lab.simulation.crash_points.stage import Stage
from lab.simulation.crash_points.worker_paths import THREE, WORKER
from lab.simulation.fakes import Call, Fault
from lab.simulation.fakes.errors import client_error
from lab.simulation.fakes.faults import answer_lost, transaction_cancelled
from lab.simulation.fakes.wire import Perform, Response


def _group(stage: Stage) -> Run:
    for key in ("one", "two", "three"):
        stage.accept(key, ("SKU-1", 2))
    return stage.world.deliver


def _two_articles(stage: Stage) -> Run:
    for key in ("one", "two"):
        stage.accept(key, ("SKU-1", 2), ("SKU-2", 1))
    return stage.world.deliver


def _pair(stage: Stage) -> Run:
    for key in ("one", "two"):
        stage.accept(key)
    return stage.world.deliver


def _group_and_others(stage: Stage) -> Run:
    """Prepare a batch with a processed order, a message that is not JSON, and a new order for the same article."""
    stage.accept("old")
    processed = stage.message()
    stage.world.drain()
    stage.accept("bad")
    stage.message().body = "not JSON"
    stage.world.orders_queue.resend(processed)
    stage.accept("one")
    return stage.world.deliver


def _api_killed_before_store(stage: Stage) -> Run:
    stage.post("one", process=killed_after("SendMessage"))
    stage.post("two", process=killed_after("SendMessage"))
    return stage.world.deliver


def _group_twice(stage: Stage) -> Run:
    """Prepare a batch of three messages: two of one order, and one of another order for the same article."""
    stage.accept()
    twice = stage.message()
    stage.accept("other")
    stage.world.orders_queue.resend(twice)
    return stage.world.deliver


def _group_fault(fault: Fault) -> Callable[[Call], Fault | None]:
    def on_call(call: Call) -> Fault | None:
        return fault if call.operation == "TransactWriteItems" and len(call.params["TransactItems"]) > 2 else None

    return on_call


def _invalid(call: Call, perform: Perform) -> Response:
    raise client_error(call.operation, "ValidationException", "Item size has exceeded the maximum (injected)")


TWO = ends(*["CONFIRMED"] * 2)
GROUP_PATHS = (
    Path("group: one article", WORKER, _group, THREE),
    Path("group: two articles", WORKER, _two_articles, TWO),
    Path(
        "group: with a processed order and a bad message",
        WORKER,
        _group_and_others,
        ends("CONFIRMED", "CONFIRMED", "FAILED"),
        later=THREE,
        dead="always",
    ),
    Path("group: orders not stored by the API", WORKER, _api_killed_before_store, TWO),
    Path("group: one order twice", WORKER, _group_twice, TWO),
    Path(
        "group: conflicts on every attempt",
        WORKER,
        _pair,
        TWO,
        background=_group_fault(transaction_cancelled(["TransactionConflict"])),
    ),
    Path("group: refused", WORKER, _pair, TWO, background=_group_fault(_invalid)),
    Path("group: answer lost", WORKER, _pair, TWO, background=_group_fault(answer_lost)),
)
