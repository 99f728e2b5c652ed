"""Runs tests in forked processes, which have the heavy libraries already."""

import gc
import importlib
import os
import re
import shutil
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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
"""With them the heavy libraries are loaded, once. The tree's own modules each process loads anew, from the copy."""
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
    "ignore::pytest.PytestAssertRewriteWarning",  # of what is loaded once for all
    "--no-header",
    "--tb=line",
)
_MARKS: Final = "not e2e and not engine and not long"
TIMEOUT: Final = -1


def copy_tree(root: Path, folder: Path) -> None:
    """Copy the tree at `root` to `folder`, sharing its environment."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root, folder, ignore=_SKIPPED)
    (folder / ".venv").symlink_to(Path(sys.prefix))


@contextmanager
def mutated(file: Path, text: bytes) -> Iterator[None]:
    """A file with another content until the context ends; compiled byte code of neither is taken for the other's."""
    before, times = file.read_bytes(), file.stat()
    file.write_bytes(text)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns + 10**12))
    try:
        yield
    finally:
        file.write_bytes(before)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def load(root: Path) -> None:
    """Import what the tests take long to import, for all processes that are forked afterwards."""
    # Hypothesis then has no deadline, which a busy machine would miss, and the same examples for each mutant.
    os.environ["CI"] = "true"
    for name in _LOADING:
        importlib.import_module(name)
    # Pulumi's package of AWS loads a service by the first look at what it has.
    services = importlib.import_module("pulumi_aws")
    for path in (root / "components").rglob("*.py"):
        for service, name in re.findall(r"\baws\.(\w+)\.([A-Z]\w+)", path.read_text()):
            getattr(getattr(services, service), name)
    # What is loaded stays: no child looks for garbage in it.
    gc.freeze()


class Seen:
    """A pytest plugin that remembers the first test that failed, and the seconds of each; `begin` is told each name."""

    def __init__(self, begin: Callable[[str], object]) -> None:
        self._begin = begin
        self.first = ""
        self.seconds: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Tell that a test begins."""
        self._begin(item.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember a test."""
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.first = self.first or report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember a file that cannot be imported."""
        if report.failed:
            self.first = self.first or report.nodeid


def run_tests(tests: list[str], begin: Callable[[str], object] = lambda _: None) -> tuple[int, Seen]:
    """pytest's exit code, and what was seen of the tests; in this process."""
    seen = Seen(begin)
    code = pytest.main([*_OPTIONS, "-m", _MARKS, *tests], plugins=[seen])
    return int(code), seen


def forked(folder: Path, work: Callable[[], Any], log: Path, seconds: float) -> int:
    """Do `work` in a process of its own in `folder`, with its modules and no others; its exit code, or `TIMEOUT`.

    Args:
        folder: The copy of the tree.
        work: What is done; its result is the exit code.
        log: What it prints.
        seconds: After this long it is killed, with all that it started.
    """
    child = os.fork()
    if child == 0:
        _become(folder, log)
        code = 99
        try:
            code = int(work())
        finally:
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


def _become(folder: Path, log: Path) -> None:
    os.setsid()
    os.chdir(folder)
    # A mutant's byte code must not be taken for the next one's.
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    with log.open("w") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    for name in [name for name in sys.modules if name.split(".")[0] in _OURS]:
        del sys.modules[name]
    sys.path[:] = [str(folder), *(path for path in sys.path if path and not (Path(path) / "pipeline").is_dir())]
    importlib.invalidate_caches()
