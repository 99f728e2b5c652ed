"""Disturbances of a call: faults that the fakes offer, and faults that move `Stage`'s clock or affect later calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

from lab.simulation.crash_points.stage import Stage
from lab.simulation.fakes import FAULTS, Call, Fault, client_error
from lab.simulation.fakes.faults import arrives_late, cancellation, deadline, throttled
from lab.simulation.fakes.wire import Perform, Response

TRANSIENT = ("TransactionConflict", "ThrottlingError")


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One disturbance of one call.

    Attributes:
        name: Unique among the disturbances of the call.
        column: The column of the printed table; several disturbances may share a column.
        fault: Returns the fault for a stage.
        kills: Whether the disturbance kills the process, which then makes no further call.
    """

    name: str
    column: str
    fault: Callable[[Stage], Fault]
    kills: bool = False


def _deadline(stage: Stage) -> Fault:
    return deadline(stage.deadline_passes)


def _arrives_late(stage: Stage) -> Fault:
    return arrives_late(stage.late)


def _zombie_before(stage: Stage) -> Fault:
    """The process pauses before the call until its lease has ended and all other runs are done. Then it continues."""

    def fault(call: Call, perform: Perform) -> Response:
        stage.lease_passes()
        stage.retry_and_drain()
        return perform()

    return fault


def _zombie_after(stage: Stage) -> Fault:
    """The process pauses as in `_zombie_before`, but after the call's effect and before its answer."""

    def fault(call: Call, perform: Perform) -> Response:
        response = perform()
        stage.lease_passes()
        stage.retry_and_drain()
        return response

    return fault


def _down_from_here(*, every_service: bool) -> Callable[[Stage], Fault]:
    """The call's service, or every service, throttles this call and all later calls of the run."""

    def make(stage: Stage) -> Fault:
        def fault(call: Call, perform: Perform) -> Response:
            stage.down = True
            others, down = stage.process.on_call, call.service

            def on_call(later: Call) -> Fault | None:
                if every_service or later.service == down:
                    return throttled
                return others(later) if others is not None else None

            stage.process.on_call = on_call
            return throttled(call, perform)

        return fault

    return make


def _in_progress(_: Stage) -> Fault:
    def fault(call: Call, perform: Perform) -> Response:
        raise client_error(call.operation, "TransactionInProgressException", "The token's transaction is in progress")

    return fault


def _cancelled(mix: tuple[str | None, ...]) -> Callable[[Stage], Fault]:
    """Cancel the transaction with these reason codes, one for each item.

    For an item with the code ``None``, the fake evaluates the item's condition and reports the real
    result, as AWS always does.
    """

    def make(stage: Stage) -> Fault:
        def fault(call: Call, perform: Perform) -> Response:
            truth = stage.world.cloud.dynamodb.transactions.reasons(call.params["TransactItems"])
            raise cancellation(
                [fact if code is None else {"Code": code} for code, fact in zip(mix, truth, strict=True)]
            )

        return fault

    return make


SPECIAL = (
    Disturbance("effect arrives late", "effect arrives late", _arrives_late, kills=True),
    Disturbance("deadline passes", "deadline passes", _deadline, kills=True),
    Disturbance("zombie before", "zombie before", _zombie_before),
    Disturbance("zombie after", "zombie after", _zombie_after),
    Disturbance("service down", "service down", _down_from_here(every_service=False)),
    Disturbance("all down", "all down", _down_from_here(every_service=True)),
)
IN_PROGRESS = Disturbance("transaction in progress", "transaction cancelled", _in_progress)
COLUMNS = (
    *(kind.name for kind in FAULTS if kind.name not in {"conflict", "conflict on 2nd", "item throttled"}),
    *(special.column for special in SPECIAL),
    "transaction cancelled",
)
"""The columns of the printed table."""


def disturbances(call: Call) -> Iterator[Disturbance]:
    """Yield every disturbance of ``call``. A transaction also has one cancellation for each mix of reasons."""
    for kind in FAULTS:
        if kind.name in COLUMNS and kind.fits(call):
            yield Disturbance(kind.name, kind.name, _plain(kind.fault), kills=kind.name.startswith("crash"))
    yield from SPECIAL
    if call.operation == "TransactWriteItems":
        yield IN_PROGRESS
        for mix in product((None, *TRANSIENT), repeat=len(call.params["TransactItems"])):
            if any(mix):
                name = ", ".join(code or "true reason" for code in mix)
                yield Disturbance(f"cancelled: {name}", "transaction cancelled", _cancelled(mix))


def _plain(fault: Fault) -> Callable[[Stage], Fault]:
    return lambda _: fault
