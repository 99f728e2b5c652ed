"""Runs the Pulumi program in this process."""

import asyncio
import os
import runpy
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.stack import run_in_stack

from local.deploy.loop import event_loop
from local.deploy.monitor import Deployed, RealResources, install
from local.deploy.resources import DeployError
from local.services.aws import Aws
from pipeline.config.stack_file import StackSettings

PROGRAM = "__main__.py"


@dataclass(frozen=True)
class Deployment:
    """Result of a run of the program: the stack's outputs and every resource except components."""

    outputs: dict[str, Any]
    resources: tuple[Deployed, ...]


def deploy(
    root: Path, aws: Aws, settings: StackSettings, created: Callable[[str, str], None] = lambda *_: None
) -> Deployment:
    """Run `__main__.py` of `root` and create its resources.

    `created` is called with type and name of each created resource. Only the main thread may call `deploy`, and
    runs must not overlap, because the SDK keeps its state in the process.

    Raises `DeployError`. The error message names the resource, or says what is wrong in the program or configuration.
    """
    # In Pulumi's SDK, "mocks" are objects that replace the engine. These mocks create real resources.
    mocks = RealResources(aws.connect(), created)
    with inside(root), event_loop() as loop:
        # The loop must exist before the mocks are installed, because `install` schedules calls that the run waits for.
        monitor = install(mocks, settings.project, settings.stack)
        pulumi.runtime.set_all_config(dict(settings.config))
        _run(loop, mocks)
    return Deployment(monitor.stack_outputs, tuple(sorted(monitor.deployed, key=lambda each: each.urn)))


def _run(loop: asyncio.AbstractEventLoop, mocks: RealResources) -> None:
    def program() -> None:
        runpy.run_path(PROGRAM, run_name="__main__")

    try:
        loop.run_until_complete(run_in_stack(program))
    except (KeyboardInterrupt, SystemExit):
        raise
    except Exception as error:
        if mocks.error is not None:
            raise mocks.error from None
        raise _explain(error) from error
    if mocks.error is not None:
        raise mocks.error


def _explain(error: Exception) -> DeployError:
    """Return the error's own message for the known error types, and the end of the traceback for any other error."""
    if isinstance(error, DeployError):
        return error
    if isinstance(error, pulumi.RunError) or type(error).__module__.startswith(("components.", "pulumi.")):
        return DeployError(str(error))
    lines = traceback.format_exception(error)
    return DeployError("The program failed:\n" + "".join(lines[-8:]).rstrip())


@contextmanager
def inside(root: Path) -> Iterator[None]:
    """Make `root` the working directory and the first import path, as the engine does."""
    before, path = Path.cwd(), list(sys.path)
    os.chdir(root)
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = path
