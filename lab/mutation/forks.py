"""Runs tests in forked processes, which inherit the loaded heavy libraries."""

import gc
import importlib
import json
import os
import re
import shutil
import signal
import sys
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import pytest

_LOADING: Final = (
    "coverage",
    "tests.conftest",
    "lab.recording.recording",
    "ops.cli.main",
    "policy.rules",
    "jsonschema",
)
"""Modules that import the heavy libraries. Each child process imports this project's modules again, from its copy of
the tree."""
_OURS: Final = {"components", "pipeline", "runtime", "local", "ops", "policy", "lab", "tests", "conftest"}
_SKIPPED: Final = shutil.ignore_patterns(
    ".venv", ".build", ".git", "__pycache__", ".*_cache", ".hypothesis", "node_modules"
)
_OPTIONS: Final = (
    "-q",
    "-x",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    "-p",
    "no:cov",
    "-p",
    "no:unraisableexception",
    "-p",
    "no:anyio",
    "-p",
    "no:hypothesispytest",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",  # for modules that the parent loaded
    "--no-header",
    "--tb=line",
)
_MARKS: Final = "not e2e and not engine and not long"
TIMEOUT: Final = -99
"""An exit code that neither a signal nor pytest causes."""


class End(StrEnum):
    """The outcome of a mutant's tests."""

    PASSED = "passed"
    FAILED = "a test failed"
    UNREAD = "a test file could not be imported"
    GONE = "a test is no longer in its file"
    LATE = "timed out"
    BROKEN = "neither passed nor failed"
    """A crash, a signal or an error of pytest itself, which proves nothing about the mutant."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The outcome of tests. `first` is the first test that failed, or the first file that could not be imported."""

    end: End
    first: str = ""


def copy_tree(root: Path, folder: Path) -> None:
    """Copy the tree at `root` to `folder`, with a link to the environment of this process."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root, folder, ignore=_SKIPPED)
    (folder / ".venv").symlink_to(Path(sys.prefix))


@contextmanager
def mutated(file: Path, text: bytes) -> Iterator[None]:
    """Replace a file's content until the context ends.

    The new content gets another modification time, so Python does not use byte code of the wrong content.
    """
    before, times = file.read_bytes(), file.stat()
    file.write_bytes(text)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns + 10**12))
    try:
        yield
    finally:
        file.write_bytes(before)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def load(root: Path) -> None:
    """Import the libraries that take long to import, for all processes that are forked afterwards."""
    # With this variable, Hypothesis always uses the same examples, and has no deadline that a busy machine could miss.
    os.environ["CI"] = "true"
    for name in _LOADING:
        importlib.import_module(name)
    # pulumi_aws imports the module of a service when one of its attributes is first read.
    services = importlib.import_module("pulumi_aws")
    for path in (root / "components").rglob("*.py"):
        for service, name in re.findall(r"\baws\.(\w+)\.([A-Z]\w+)", path.read_text()):
            getattr(getattr(services, service), name)
    # The garbage collector of a child then ignores the loaded modules.
    gc.freeze()


class Seen:
    """A pytest plugin that records the first test that failed and the seconds of each test.

    It calls `begin` with the name of each test that starts.
    """

    def __init__(self, begin: Callable[[str], object]) -> None:
        self._begin = begin
        self.started = False
        self.failed = ""
        self.unread = ""
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_sessionstart(self) -> None:
        """Record that the session started, which proves that every `conftest.py` could be imported."""
        self.started = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Call `begin`."""
        self._begin(item.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the seconds of a test, and whether it failed."""
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record the first file that cannot be imported."""
        if report.failed:
            self.unread = self.unread or report.nodeid

    def end(self, code: int) -> Ended:
        """Return what pytest's exit code means."""
        if code in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            return Ended(End.PASSED)
        if code == pytest.ExitCode.TESTS_FAILED and self.failed:
            return Ended(End.FAILED, self.failed)
        if self.unread:
            return Ended(End.UNREAD, self.unread)
        if code == pytest.ExitCode.USAGE_ERROR:
            return Ended(End.GONE if self.started else End.UNREAD)
        return Ended(End.BROKEN)


def selection(tests: list[str]) -> list[str]:
    """Return pytest's arguments for these tests. If one of them is a whole file, only the fast tests run."""
    return tests if all("::" in test for test in tests) else ["-m", _MARKS, *tests]


def run_tests(tests: list[str], begin: Callable[[str], object] = lambda _: None) -> tuple[int, Seen]:
    """Run tests in this process. Return pytest's exit code, and the plugin with its records."""
    seen = Seen(begin)
    code = pytest.main([*_OPTIONS, *selection(tests)], plugins=[seen])
    return int(code), seen


def ended(folder: Path, tests: list[str], log: Path, seconds: float) -> Ended:
    """Run tests in a separate process in `folder`, and return how they ended."""
    result = log.with_suffix(".ended")
    result.unlink(missing_ok=True)

    def work() -> int:
        code, seen = run_tests(tests)
        how = seen.end(code)
        result.write_text(json.dumps([how.end, how.first]))
        return 0

    code = forked(folder, work, log, seconds)
    if code == TIMEOUT:
        return Ended(End.LATE)
    if code or not result.exists():
        return Ended(End.BROKEN)
    end, first = json.loads(result.read_text())
    return Ended(End(end), first)


def forked(folder: Path, work: Callable[[], Any], log: Path, seconds: float) -> int:
    """Call `work` in a separate process, which runs in `folder` and imports our modules from there.

    Returns the exit code of the process, or `TIMEOUT`.

    Args:
        folder: The copy of the tree.
        work: Returns the exit code.
        log: The file for the output of the process.
        seconds: The time after which the process and its children are killed.
    """
    child = os.fork()
    if child == 0:
        code = 99
        try:
            _prepare_child(folder, log)
            code = int(work())
        finally:
            # The child must exit here even after an error, because only the parent may run the rest of the program.
            if sys.exception():
                traceback.print_exc()
            sys.stdout.flush()
            os._exit(code)
    deadline = time.monotonic() + seconds
    pause = 0.01
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended or time.monotonic() > deadline:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            if not ended:
                os.waitpid(child, 0)
            return os.waitstatus_to_exitcode(status) if ended else TIMEOUT
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)


def _prepare_child(folder: Path, log: Path) -> None:
    os.setsid()
    os.chdir(folder)
    # No mutant may leave byte code that the next mutant would use.
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    with log.open("w") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    for name in [name for name in sys.modules if name.split(".")[0] in _OURS]:
        del sys.modules[name]
    sys.path[:] = [str(folder), *(path for path in sys.path if path and not (Path(path) / "pipeline").is_dir())]
    importlib.invalidate_caches()
