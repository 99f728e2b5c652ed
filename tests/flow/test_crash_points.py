"""Tests that the guarantees (G1-G6 in docs/guarantees.md) hold after every fault at every crash point of every path."""

from __future__ import annotations

from pkgutil import iter_modules

import pytest

from lab.simulation.crash_points.api_paths import CALLS_NOTHING
from lab.simulation.crash_points.cases import PATHS, Case, Outcome, calls_of, cases, crash_points, run_case
from lab.simulation.crash_points.disturbances import COLUMNS, Disturbance, disturbances
from lab.simulation.crash_points.path import Path
from lab.simulation.crash_points.stage import Stage
from lab.simulation.crash_points.table import Table
from lab.simulation.fakes import Call, Fault
from lab.simulation.fakes.wire import Perform, Response
from runtime import handlers

LEAST_PATHS, LEAST_CRASH_POINTS, LEAST_CASES = 84, 458, 7207
"""Lower bounds. If a change makes a number smaller than its bound, lower the bound in the same change."""

HANDLERS = {module.name for module in iter_modules(handlers.__path__) if not module.ispkg}


def name_of(path: Path) -> str:
    """Return the test id of a path."""
    return f"{path.function}-{path.name}"


def kind_of(call: Call) -> tuple[str, str, str | None]:
    """Return a call's service, operation and table."""
    return call.service, call.operation, call.params.get("TableName")


def is_variant(path: Path) -> bool:
    """Return whether a path has a FIFO queue, a bus, or one of the name endings below. If so, it is marked `long`."""
    return path.fifo or path.bus or path.name.endswith(("table throttled", "conflict", "topic down", "isolated"))


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=name_of(path), marks=pytest.mark.long if is_variant(path) else ()) for path in PATHS]
)
def test_guarantees_hold_whatever_happens_at_any_call(path: Path) -> None:
    # GIVEN every crash point of a path, with every fault that can happen at it
    found = list(cases(path))
    # WHEN each of these cases is played, callers retry, the queue redelivers, and dead letters are redriven
    outcomes = [run_case(case) for case in found]
    # THEN G1-G6 hold, and every order has an allowed status
    assert found
    assert [text for outcome in outcomes for text in outcome.violations] == []


def test_paths_and_crash_points_and_cases_do_not_become_fewer() -> None:
    # GIVEN all paths
    points = [(path, call) for path in PATHS for call in crash_points(path)]
    # WHEN crash points and cases are counted
    count = sum(len(list(disturbances(call))) for _, call in points)
    # THEN no number is smaller than before, and every handler has paths
    assert {path.function for path in PATHS} == HANDLERS
    assert len({name_of(path) for path in PATHS}) == len(PATHS) >= LEAST_PATHS
    assert len(points) >= LEAST_CRASH_POINTS
    assert count >= LEAST_CASES


def test_every_kind_of_call_in_a_throttled_run_has_a_crash_point() -> None:
    # GIVEN, for each handler, the kinds of calls that are crash points
    points = {(path.function, kind_of(call)) for path in PATHS for call in crash_points(path)}
    # WHEN each path without a FIFO queue runs once for each of its crash points. In each run, the call
    # at one point is throttled, and the run goes on
    failing = [case for path in PATHS if not path.fifo for case in cases(path) if case.disturbance.name == "throttled"]
    made = {(case.path.function, kind_of(call)) for case in failing for call in run_case(case).calls}
    # THEN each kind of call that these runs make has a crash point in some path of the same handler
    assert len(failing) > 200
    assert made <= points


def test_every_column_of_the_table_has_cases() -> None:
    # GIVEN the cases of all paths
    met = {disturbance.column for path in PATHS for call in crash_points(path) for disturbance in disturbances(call)}
    # WHEN they are compared with the columns of the table
    # THEN no column is empty
    assert met == set(COLUMNS)


@pytest.mark.parametrize("path", CALLS_NOTHING, ids=name_of)
def test_a_refused_body_reaches_no_service(path: Path) -> None:
    # GIVEN a request with an invalid body
    # WHEN it is handled
    calls = calls_of(path)
    # THEN no service is called
    assert calls == []


def test_the_table_shows_paths_crash_points_and_totals() -> None:
    # GIVEN the cases of one path
    table = Table()
    (path,) = [path for path in PATHS if name_of(path) == "create_order-replay"]
    # WHEN they are put into the table
    for case in cases(path):
        table.run(case)
    # THEN the table has the path, the crash point and the totals
    text = table.text()
    assert "create_order · replay" in text
    assert "PutItem" in text
    assert f"1 paths, 1 crash points, {table.count} cases, 0 violations" in text


def test_a_violation_is_reported_with_its_case() -> None:
    # GIVEN a fault that no handler can handle: the send succeeds, but the message is lost
    def loses(stage: Stage) -> Fault:
        def fault(call: Call, perform: Perform) -> Response:
            return {"MessageId": "never sent"}

        return fault

    (path,) = [path for path in PATHS if name_of(path) == "create_order-first call, no retries"]
    (send,) = [call for call in calls_of(path) if call.operation == "SendMessage"]
    # WHEN it happens at the API's send
    outcome = run_case(Case(path, send, Disturbance("lost", "crash before", loses)))
    # THEN the case is reported as a violation of G1
    assert isinstance(outcome, Outcome)
    assert outcome.end == "violated"
    assert "G1" in outcome.violations[0]
    assert "call 1 (SendMessage), lost" in outcome.violations[0]
