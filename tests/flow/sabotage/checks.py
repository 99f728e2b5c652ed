"""Runs the test that must notice a sabotage. It runs in this process: the sabotage changes the code only here."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from lab.simulation.crash_points.cases import PATHS, cases, run_case

CRASH_POINTS = "tests/flow/test_crash_points.py::test_guarantees_hold_whatever_happens_at_any_call"


@dataclass(frozen=True, slots=True)
class Check:
    """A test, and a function that runs it.

    Attributes:
        node: The test's pytest id.
        run: Returns the test's failure message, or ``None`` if it passes.
    """

    node: str
    run: Callable[[], str | None]


def crash_points(function: str, path: str) -> Check:
    """Return the test of one path's crash points. The test stops at the first violation."""
    return Check(f"{CRASH_POINTS}[{function}-{path}]", partial(_first_violation, function, path))


def test(file: str, name: str) -> Check:
    """Return the check that runs a test function. The function must use no fixtures."""
    return Check(f"{file}::{name}", partial(_failure, file.removesuffix(".py").replace("/", "."), name))


def _first_violation(function: str, name: str) -> str | None:
    (path,) = [path for path in PATHS if (path.function, path.name) == (function, name)]
    with warnings.catch_warnings():
        # pytest turns Powertools' warning about a missing Lambda context into an error. In Lambda the code would go on.
        warnings.simplefilter("ignore")
        try:
            found = list(cases(path))
            outcomes = (run_case(case) for case in found)
            violation = next((text for outcome in outcomes for text in outcome.violations), None)
        except AssertionError as failure:
            return str(failure)
    return violation if found else "there are no crash points"


def _failure(module: str, name: str) -> str | None:
    try:
        getattr(importlib.import_module(module), name)()
    except AssertionError as failure:
        return str(failure).strip().partition("\n")[0] or "assertion failed"
    return None
