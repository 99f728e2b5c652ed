"""Finds every crash point of every path, applies every disturbance to it, and checks each state that follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby

from lab.simulation import invariants
from lab.simulation.crash_points.api_paths import API_PATHS
from lab.simulation.crash_points.disturbances import Disturbance, disturbances
from lab.simulation.crash_points.fifo_paths import FIFO_PATHS
from lab.simulation.crash_points.group_paths import GROUP_PATHS
from lab.simulation.crash_points.path import Path
from lab.simulation.crash_points.stage import Stage, staged
from lab.simulation.crash_points.worker_paths import WORKER_PATHS
from lab.simulation.fakes import Call, Process
from lab.simulation.world import ORDERS

PATHS = (*API_PATHS, *WORKER_PATHS, *GROUP_PATHS, *FIFO_PATHS)
STATUSES = frozenset({200, 202, 404, 409, 422, 503})


@dataclass(frozen=True, slots=True)
class Case:
    """One disturbance at one call of one path."""

    path: Path
    call: Call
    disturbance: Disturbance

    def __str__(self) -> str:
        return f"{self.path.name}: call {self.call.index} ({self.call.operation}), {self.disturbance.name}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a case, its violations and its calls.

    Attributes:
        end: One of four words. ``same``: the disturbed run itself reached the end state of an
            undisturbed run. ``retried``: the caller or the queue had to retry. ``redriven``: a dead
            letter had to be redriven (but a path that always has dead letters counts as
            ``retried``). ``violated``: a guarantee failed.
        violations: Each violation, with the moment at which a check found it.
        calls: The calls of the disturbed run.
    """

    end: str
    violations: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)


def calls_of(path: Path) -> list[Call]:
    """Return the calls of a path's undisturbed run."""
    with staged(path.deployment) as stage:
        process = Process(on_call=path.background)
        path.prepare(stage)(process)
        return process.calls


def crash_points(path: Path) -> list[Call]:
    """Return the crash points of a path: the calls of its undisturbed run.

    If a path calls one operation more than three times in a row, only the first two of these calls and the last are
    crash points. The calls between them differ only in the time at which they are made.
    """
    repeats = [list(group) for _, group in groupby(calls_of(path), key=lambda call: call.operation)]
    return [call for group in repeats for call in (group if len(group) <= 3 else [*group[:2], group[-1]])]


def cases(path: Path) -> Iterator[Case]:
    """Yield every disturbance of every crash point of a path."""
    for call in crash_points(path):
        for disturbance in disturbances(call):
            yield Case(path, call, disturbance)


def run_case(case: Case, *also: tuple[int, Disturbance]) -> Outcome:
    """Play a case to its end. ``also`` lists further disturbances of the same run, each with the index of its call.

    Raises:
        AssertionError: the run did not make the recorded call, so the path is not deterministic.
    """
    path = case.path
    with staged(path.deployment) as stage:
        stage.no_retries, stage.recover = path.no_retries, lambda: path.recover(stage)
        run = path.prepare(stage)
        before = _orders_as_text(stage)
        planned = {
            index: disturbance.fault(stage) for index, disturbance in ((case.call.index, case.disturbance), *also)
        }
        stage.process = Process(faults=planned, on_call=path.background)
        result = run(stage.process)
        _check_recording(case, stage.process)
        unwritten = _orders_as_text(stage) == before
        unmarked = unwritten and (stage.down or _could_not_write(planned.keys(), stage.process))
        at_once = _state(stage, result)
        violations, dead = _check_after_run(stage, path, may_be_unmarked=unmarked, erased=_erased(case, stage.process))
        if violations:
            history = "; then ".join([str(case), *(f"call {index}, {second.name}" for index, second in also)])
            return Outcome("violated", [f"{history}: {text}" for text in violations], stage.process.calls)
    if at_once == _undisturbed(path):
        return Outcome("same", calls=stage.process.calls)
    return Outcome("redriven" if dead and path.dead != "always" else "retried", calls=stage.process.calls)


def _check_recording(case: Case, process: Process) -> None:
    made = process.calls[case.call.index].operation if len(process.calls) > case.call.index else "nothing"
    if made != case.call.operation:
        raise AssertionError(f"{case}: the run called {made} instead; a path must make the same calls every time.")


def _could_not_write(disturbed: Collection[int], process: Process) -> bool:
    """Return whether the disturbances can be the reason why the run marked no order ``FAILED``.

    They can be if all of the run's updates of the orders table were disturbed, or if the run was
    killed at a call and all earlier calls were reads.
    """
    writes = [
        call.index
        for call in process.calls
        if call.params.get("TableName") == ORDERS and call.operation == "UpdateItem"
    ]
    read_only = process.killed and all(call.operation == "GetItem" for call in process.calls[:-1])
    return read_only or (bool(writes) and all(index in disturbed for index in writes))


def _erased(case: Case, process: Process) -> bool:
    """Return whether a failed run may have deleted the idempotency record after the end of the run's lease.

    Powertools deletes the record without a condition. So the run may delete the record that a later
    run has written. Then the next answer is not marked as a replay. Nothing else changes.
    """
    late = process.calls[case.call.index :] if case.disturbance.name.startswith("zombie") else []
    if case.disturbance.name == "effect arrives late":
        late = [case.call]
    return any(call.operation == "DeleteItem" for call in late)


# --- after the disturbed run -----------------------------------------------------------------------------------------


def _check_after_run(stage: Stage, path: Path, *, may_be_unmarked: bool, erased: bool) -> tuple[list[str], int]:
    """Play the retries, late effects and redrives after the disturbed run, and check after each step. Return
    the violations, and the number of dead letters after the retries."""
    world, found = stage.world, list[str]()
    dead = 0

    def check(moment: str, *more: Callable[[], list[str]]) -> None:
        texts = invariants.violations(world) + [text for one in more for text in one()]
        found.extend(f"{moment}: {text}" for text in texts)

    def marked() -> list[str]:
        return invariants.dead_letters_are_marked(world) if path.marked and not may_be_unmarked else []

    check("after the run", marked, lambda: _unexpected_statuses(stage))
    stage.retry_and_drain()
    dead = len(world.dead_letters.messages)
    check("after retries", marked, lambda: _dead_letters(path, dead), lambda: stage.stuck)
    if stage.late:
        stage.late_effects_arrive()
        stage.retry_and_drain()
        check("late effects", marked)
    stage.everything_is_delivered_again()
    check("delivered again")
    stage.everything_is_redriven()
    if path.fifo and path.dead == "never":
        check("in order", lambda: invariants.in_order(world))
    check("redriven", lambda: _wrong_end(stage, path.ends))
    check("replays", lambda: [] if erased else invariants.replays_are_marked(world))
    stage.records_expire()
    stage.retry_and_drain()
    stage.everything_is_delivered_again()
    check("a day later", lambda: _wrong_end(stage, path.later or path.ends), lambda: stage.stuck)
    return found, dead


def _unexpected_statuses(stage: Stage) -> list[str]:
    answers = Counter(one.response["statusCode"] for one in stage.world.exchanges if one.response is not None)
    return [f"{count} answers had the status {status}" for status, count in answers.items() if status not in STATUSES]


def _dead_letters(path: Path, dead: int) -> list[str]:
    if path.dead == "never" and dead:
        return [f"{dead} dead letters, although this path allows none"]
    return ["no dead letter for a message that always fails"] if path.dead == "always" and not dead else []


def _wrong_end(stage: Stage, ends: frozenset[tuple[str, ...]]) -> list[str]:
    statuses = stage.statuses()
    return [] if statuses in ends else [f"the orders are {statuses}, expected {sorted(ends)}"]


# --- comparing ends --------------------------------------------------------------------------------------------------


def _state(stage: Stage, result: object) -> tuple[object, ...]:
    """Return the parts of a run's end state that are compared with the undisturbed run.

    If these parts are equal and no guarantee is violated, `Outcome.end` is ``same``.
    """
    status = result.get("statusCode") if isinstance(result, dict) else getattr(result, "response", result)
    if isinstance(status, dict):
        status = status.get("statusCode")
    kept = len(status) if isinstance(status, frozenset) else status
    world = stage.world
    return kept, stage.statuses(), len(world.orders_queue.messages), len(world.dead_letters.messages)


@cache
def _undisturbed(path: Path) -> tuple[object, ...]:
    with staged(path.deployment) as stage:
        stage.no_retries = path.no_retries
        return _state(stage, path.prepare(stage)(Process(on_call=path.background)))


def _orders_as_text(stage: Stage) -> str:
    """Return the orders table as text. A changed text means that a run has written to the table."""
    return repr(stage.world.orders)
