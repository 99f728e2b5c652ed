"""Tests that a function's init runs no garbage collection, and that later collections skip the objects of init."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.functions import FUNCTIONS

ROOT = Path(__file__).parents[2]
VARIABLES = dict(
    line.split("=", 1) for line in (ROOT / "tests/infra/package/functions.env").read_text(encoding="utf-8").splitlines()
)
PROBE = """
import gc, sys
import runtime.handlers  # in Lambda, it disables garbage collection before the function is imported
ran = []
gc.callbacks.append(lambda phase, info: ran.append(phase))
__import__(sys.argv[1])
print(len(ran) > 0, gc.isenabled(), gc.get_freeze_count() > 10_000)
"""


def init(module: str, **environment: str) -> list[str]:
    """Return whether collections ran during the import, whether they are enabled, and whether objects are frozen."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, module],
        env={**os.environ, **VARIABLES, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.parametrize("name", [each.key for each in FUNCTIONS])
def test_init_runs_no_garbage_collection_and_freezes_its_objects(name: str) -> None:
    # GIVEN / WHEN a function starts in Lambda
    ran, enabled, frozen = init(f"runtime.handlers.{name}", AWS_LAMBDA_FUNCTION_NAME="f")

    # THEN
    assert (ran, enabled, frozen) == ("False", "True", "True")


def test_outside_lambda_an_import_of_a_function_does_not_change_garbage_collection() -> None:
    # GIVEN / WHEN
    ran, enabled, frozen = init("runtime.handlers.process_order")

    # THEN
    assert (ran, enabled, frozen) == ("True", "True", "False")
