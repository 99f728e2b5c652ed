"""A pytest plugin for mutation runs: first it runs the tests that are most likely to notice a mutant.

mutmut runs the fastest tests of a mutant first, and stops at the first failure. But it measures a test without its
fixtures, which take most of the time of a test on an emulated account. This plugin measures tests with their fixtures.
It runs the tests that noticed an earlier mutant of the same function before all other tests.
"""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

_STATS = "stats"
"""mutmut's name for the run that records the functions that each test calls."""


def pytest_configure(config: pytest.Config) -> None:
    """Register `Costs` or `Sorter` if mutmut runs the tests."""
    mutant = os.environ.get("MUTANT_UNDER_TEST", "")
    folder = config.rootpath.parent / "order"
    if mutant == _STATS:
        config.pluginmanager.register(Costs(folder))
    elif "__mutmut_" in mutant:
        config.pluginmanager.register(Sorter(folder, mutant))


class Costs:
    """Measures the seconds of every test, with its fixtures."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "costs.json"
        self._seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the seconds of one phase of a test: set-up, call or tear-down."""
        self._seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        """Write the measured seconds to a file."""
        self._file.parent.mkdir(exist_ok=True)
        known = read_costs(self._file)
        self._file.write_text(json.dumps({**known, **self._seconds}))


class Sorter:
    """Sorts the tests of one mutant, and records the tests that noticed it."""

    def __init__(self, folder: Path, mutant: str) -> None:
        function = mutant.rpartition("__mutmut_")[0]
        self._costs = read_costs(folder / "costs.json")
        # The files with the tests that noticed mutants of this function, and of its module.
        self._noticed = [_noticed_file(folder, name) for name in (function, function.rpartition(".")[0])]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Run first the tests that noticed mutants of this function, then tests that noticed mutants of its module."""
        of_function, of_module = (
            Counter(file.read_text().splitlines()) if file.exists() else Counter[str]() for file in self._noticed
        )
        items[:] = sorted_tests(items, of_function, of_module, self._costs)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record a test that noticed the mutant."""
        if report.failed:
            for file in self._noticed:
                with file.open("a") as noticed:
                    noticed.write(report.nodeid + "\n")


def sorted_tests(
    items: list[pytest.Item],
    of_function: Mapping[str, int],
    of_module: Mapping[str, int],
    costs: Mapping[str, float],
) -> list[pytest.Item]:
    """Return `items`, sorted: tests that noticed more mutants first; then tests of faster files first.

    If tests of the same file noticed the same number of mutants, they keep their order, so that
    shared fixtures are set up once.
    """
    by_file: dict[Path, list[float]] = defaultdict(list)
    for item in items:
        by_file[item.path].append(costs.get(item.nodeid, 0.0))
    average = {path: sum(seconds) / len(seconds) for path, seconds in by_file.items()}

    def rank(item: pytest.Item) -> tuple[int, int, float, str]:
        return -of_function.get(item.nodeid, 0), -of_module.get(item.nodeid, 0), average[item.path], str(item.path)

    return sorted(items, key=rank)


def _noticed_file(folder: Path, name: str) -> Path:
    return folder / sha256(name.encode()).hexdigest()[:16]


def read_costs(file: Path) -> dict[str, float]:
    """Return the seconds of each test, or an empty result before the measurement."""
    read: dict[str, float] = json.loads(file.read_text()) if file.exists() else {}
    return read
