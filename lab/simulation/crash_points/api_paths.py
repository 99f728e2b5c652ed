"""Paths of the API's handlers."""

from __future__ import annotations

from collections.abc import Callable

from lab.simulation.crash_points.path import Path, Prepare, Run, ends
from lab.simulation.crash_points.stage import Stage
from lab.simulation.fakes import Call, Fault, Process, ProcessKilled
from lab.simulation.fakes.faults import crash_after, throttled, write_conflict
from lab.simulation.requests import order_body
from lab.simulation.world import ORDERS

CREATE, GET = "create_order", "get_order"
OTHER_BODY = order_body(("SKU-1", 3))


def killed_after(operation: str) -> Process:
    """Return a process that is killed right after its first call of ``operation``."""

    def on_call(call: Call) -> Fault | None:
        return crash_after if call.operation == operation else None

    return Process(on_call=on_call)


def _post(stage: Stage, *, body: str | None = None, caller: str = "ann") -> Run:
    return lambda process: stage.post(body=body, caller=caller, process=process)


def _first_call(stage: Stage) -> Run:
    return _post(stage)


def _replay(stage: Stage) -> Run:
    stage.accept()
    return _post(stage)


def _after_kill(operation: str, *then: Callable[[Stage], object]) -> Prepare:
    """Prepare a second POST of the same order.

    The first POST is killed after its call of ``operation``. Afterwards, each function of ``then`` is called.
    """

    def prepare(stage: Stage) -> Run:
        stage.post(process=killed_after(operation))
        for happens in then:
            happens(stage)
        return _post(stage)

    return prepare


def _drained(stage: Stage) -> None:
    stage.world.drain()


def _dead_lettered(stage: Stage) -> None:
    stage.message().body = "not JSON"
    stage.world.drain()


def _overtaken(stage: Stage) -> Run:
    """Prepare a run in which the worker processes the message before the API stores the order."""

    def run(process: Process) -> object:
        def overtake(call: Call) -> None:
            if call.operation == "SendMessage" and stage.world.cloud.wire.process is process:
                stage.world.deliver()

        stage.world.cloud.wire.after = overtake
        return stage.post(process=process)

    return run


def _mismatch(stage: Stage) -> Run:
    stage.accept()
    return _post(stage, body=OTHER_BODY)


def _mismatch_in_progress(stage: Stage) -> Run:
    stage.post(process=killed_after("PutItem"))
    return lambda process: stage.world.post("k", OTHER_BODY, caller="ann", process=process)


def _expired(stage: Stage) -> Run:
    stage.accept()
    stage.world.drain()
    stage.records_expire()
    return _post(stage)


def _other_caller(stage: Stage) -> Run:
    stage.accept()
    return _post(stage, caller="bob")


def _refused(stage: Stage) -> Run:
    return lambda process: stage.world.post("k", '{"currency": "EUR", "lines": []}', caller="ann", process=process)


def _get(stage: Stage, caller: str) -> Run:
    order_id = stage.accept()

    def run(process: Process) -> object:
        try:
            return stage.world.cloud.wire.run(process, lambda: stage.world.get(order_id, caller=caller))
        except ProcessKilled:
            return None

    return run


# --- failures --------------------------------------------------------------------------------------------------------


def _queue_down(call: Call) -> Fault | None:
    return throttled if call.service == "sqs" else None


def _orders_down(call: Call) -> Fault | None:
    return throttled if call.params.get("TableName") == ORDERS else None


def _row_busy(call: Call) -> Fault | None:
    return write_conflict if call.params.get("TableName") == ORDERS else None


CONFIRMED = ends("CONFIRMED")
SENT = CONFIRMED | ends()
"""The possible ends if the caller does not retry: the order is confirmed, or no order exists."""
API_PATHS = (
    Path("first call", CREATE, _first_call, CONFIRMED),
    Path("first call, no retries", CREATE, _first_call, SENT, no_retries=True),
    Path("overtaken by the worker", CREATE, _overtaken, CONFIRMED),
    Path("replay", CREATE, _replay, CONFIRMED),
    Path("in progress", CREATE, _after_kill("PutItem"), CONFIRMED),
    Path("lease has passed", CREATE, _after_kill("PutItem", Stage.lease_passes), CONFIRMED),
    Path("killed after the send", CREATE, _after_kill("SendMessage", Stage.lease_passes), CONFIRMED),
    Path(
        "killed after the send, processed", CREATE, _after_kill("SendMessage", _drained, Stage.lease_passes), CONFIRMED
    ),
    Path(
        "killed after the send, dead-lettered",
        CREATE,
        _after_kill("SendMessage", _dead_lettered, Stage.lease_passes),
        CONFIRMED,
        dead="always",
    ),
    Path("other body", CREATE, _mismatch, CONFIRMED),
    Path("other body, first request in progress", CREATE, _mismatch_in_progress, CONFIRMED),
    Path("key has expired", CREATE, _expired, CONFIRMED),
    Path("other caller, same key", CREATE, _other_caller, ends("CONFIRMED", "CONFIRMED")),
    Path("queue throttled", CREATE, _first_call, CONFIRMED, background=_queue_down),
    Path("orders throttled", CREATE, _first_call, CONFIRMED, background=_orders_down),
    Path("orders throttled, no retries", CREATE, _first_call, SENT, background=_orders_down, no_retries=True),
    Path("order row busy", CREATE, _first_call, CONFIRMED, background=_row_busy),
    Path("own order", GET, lambda stage: _get(stage, "ann"), CONFIRMED),
    Path("somebody else's order", GET, lambda stage: _get(stage, "bob"), CONFIRMED),
)
CALLS_NOTHING = (Path("body fails validation", CREATE, _refused, ends()),)
"""Paths that must not call any service; a test checks this. They have no crash points."""
