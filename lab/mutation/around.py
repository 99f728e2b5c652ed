"""Mutation testing of the code outside `runtime/`: measures the tests, runs them against each mutant, and prints
the results."""

import argparse
import fnmatch
import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import coverage

from lab.mutation import forks
from lab.mutation.edits import Edit
from lab.mutation.folders import DRIFT, FOLDERS, RECORDED, Tree
from lab.mutation.forks import End
from lab.mutation.judge import Judge, Measured
from lab.mutation.listed import read_listed
from lab.mutation.report import Report
from lab.mutation.results import Mutant, Verdict

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / ".build" / "mutation-around"
LISTED: Final = Path(__file__).with_name("survivors.toml")
_MEASURED: Final = FOLDER / "measured"
_COPIES: Final = FOLDER / "copies"
_RESULTS: Final = FOLDER / "results.jsonl"
_here: Final[list[Judge]] = []
"""The one `Judge` that `_begin` makes in each process of the pool."""


def run(options: argparse.Namespace) -> int:
    """Run the mutants unless `options.report`. Print the table and the problems. Return 1 if there is a problem."""
    mutants = {
        edit: folder
        for edit, folder in Tree(ROOT).mutants(options.seed).items()
        if not options.only or any(fnmatch.fnmatch(edit.name, each) for each in options.only)
    }
    if not options.report:
        if not options.again:
            shutil.rmtree(FOLDER, ignore_errors=True)
        killed = {of for of, each in _read_results().items() if each["verdict"] == Verdict.KILLED}
        started = time.monotonic()
        waiting = {edit: folder for edit, folder in mutants.items() if _digest(edit) not in killed}
        _judge_all(waiting, options.children)
        minutes = (time.monotonic() - started) / 60
        print(f"{len(waiting)} mutants took {minutes:.0f} min with {options.children} in parallel.\n")
    results = _read_results()
    found = [_mutant(edit, folder, results) for edit, folder in mutants.items()]
    least = {name: folder.least for name, folder in FOLDERS.items()}
    report = Report(found, {} if options.only else read_listed(LISTED), least)
    problems = report.problems(complete=True)
    recorded = Counter(folder for edit, folder in mutants.items() if _by(edit, results) == RECORDED)
    alone = [f"{folder}: {count} mutants were noticed only by {RECORDED}." for folder, count in recorded.items()]
    print("\n".join([*report.table(), "", *alone, "", *problems]))
    return 1 if problems else 0


def _judge_all(mutants: dict[Edit, str], children: int) -> None:
    """Run the tests of each mutant, and write the results to `_RESULTS`."""
    forks.load(ROOT)
    survived = _pass(mutants, _measure(set(mutants.values()), children), children)
    recorded = {
        edit: folder
        for edit, folder in survived.items()
        if FOLDERS[folder].concerns(RECORDED) and edit.path.endswith(".py")
    }
    of_all: Measured = {"lines": {each.path: range(1000) for each in recorded}, "seconds": 60}
    _pass(recorded, {RECORDED: of_all}, children)


def _pass(mutants: dict[Edit, str], measured: dict[str, Measured], children: int) -> dict[Edit, str]:
    """Run the tests that concern each mutant, and return the mutants that survive."""
    survived = dict[Edit, str]()
    with _judges(children, measured) as pool:
        work = {pool.submit(_judged, edit, folder): (edit, folder) for edit, folder in mutants.items()}
        for number, done in enumerate(as_completed(work), 1):
            edit, folder = work[done]
            verdict, by, seconds = done.result()
            if verdict is Verdict.SURVIVED:
                survived[edit] = folder
            record = {"of": _digest(edit), "verdict": verdict, "by": by, "name": edit.name}
            with _RESULTS.open("a") as results:
                results.write(json.dumps(record) + "\n")
            print(f"{number}/{len(mutants)} {seconds:.0f} s {verdict} {edit.name} {by}", flush=True)
    return survived


@contextmanager
def _judges(children: int, measured: dict[str, Measured]) -> Iterator[Executor]:
    """Yield a pool of `children` processes, each with its own judge."""
    try:
        with ProcessPoolExecutor(children, get_context("fork"), _begin, (measured,)) as pool:
            yield pool
    finally:
        shutil.rmtree(_COPIES, ignore_errors=True)


def _begin(measured: dict[str, Measured]) -> None:
    _here.append(Judge(ROOT, _COPIES / str(os.getpid()), FOLDER, measured))


def _judged(edit: Edit, folder: str) -> tuple[Verdict, str, float]:
    started = time.monotonic()
    verdict, by = _here[0].judge(edit, folder)
    return verdict, by, time.monotonic() - started


def _measure(folders: set[str], children: int) -> dict[str, Measured]:
    """Return how many seconds the tests of these folders take, and which lines they run, on unchanged code.

    A test file runs only if it has no current measurement. If one of its tests fails, the file is left out.
    If a folder's tests are independent of each other (`Folder.alone`), the result has an entry for
    each test. For other folders, it has an entry for each test file.
    """
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")} - set(DRIFT)
    wanted = sorted(file for file in files if any(FOLDERS[folder].concerns(file) for folder in folders))
    _MEASURED.mkdir(parents=True, exist_ok=True)
    measured: dict[str, Measured] = {}
    with _judges(children, {}) as pool:
        results = list(pool.map(_measure_file, wanted))
    for file, result in zip(wanted, results, strict=True):
        if result.exists():
            measured |= json.loads(result.read_text())["tests"]
        else:
            print(f"LEFT OUT, fails on the unchanged code: {file}; see {result.with_suffix('.log')}", flush=True)
    return measured


def _measure_file(file: str) -> Path:
    result = _MEASURED / f"{file.replace('/', '.')}.json"
    if not is_current(result, ROOT):
        print(f"measuring {file}", flush=True)
        result.unlink(missing_ok=True)
        forks.forked(_here[0].copy, partial(_measured, file, result), result.with_suffix(".log"), 600)
    return result


def is_current(result: Path, root: Path) -> bool:
    """Return whether a test file was measured, and it and the code that it runs have not changed since."""
    digests = json.loads(result.read_text())["of"] if result.exists() else {}
    return bool(digests) and digests == _digests(digests, root)


def _digests(names: Iterable[str], root: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that exists, by name."""
    return {name: sha256((root / name).read_bytes()).hexdigest() for name in names if (root / name).exists()}


def _measured(file: str, result: Path) -> int:
    """Run a test file in this process, and write the measurements to `result` if all its tests pass."""
    sys.dont_write_bytecode = False
    meter = coverage.Coverage(data_file=None, config_file=False, source=["."], omit=["tests/*"])
    by_test = any(folder.alone and folder.concerns(file) for folder in FOLDERS.values())
    with meter.collect():
        code, seen = forks.run_tests([file], meter.switch_context if by_test else lambda _: None)
    data = meter.get_data()
    tests: dict[str, Any] = {test: {"seconds": seconds, "lines": {}} for test, seconds in seen.seconds.items()}
    if not by_test:
        tests = {file: {"seconds": sum(seen.seconds.values()), "lines": {}}}
    for path in data.measured_files():
        name = str(Path(path).relative_to(_here[0].copy))
        for line, contexts in data.contexts_by_lineno(path).items():
            for test in tests if contexts == [""] and not by_test else tests.keys() & set(contexts):
                tests[test]["lines"].setdefault(name, []).append(line)
    if seen.end(code).end is End.PASSED:
        names = {file, *(name for each in tests.values() for name in each["lines"])}
        result.write_text(json.dumps({"of": _digests(names, _here[0].copy), "tests": tests}))
    return code


def _read_results() -> dict[str, dict[str, Any]]:
    lines = _RESULTS.read_text().splitlines() if _RESULTS.exists() else []
    return {record["of"]: record for record in map(json.loads, lines)}


def _by(edit: Edit, results: dict[str, dict[str, Any]]) -> str:
    return str(results.get(_digest(edit), {}).get("by", ""))


def _mutant(edit: Edit, folder: str, results: dict[str, dict[str, Any]]) -> Mutant:
    verdict = Verdict(results.get(_digest(edit), {}).get("verdict", Verdict.UNCLEAR))
    change = None if verdict is Verdict.KILLED else edit.change((ROOT / edit.path).read_bytes())
    return Mutant(edit.name, folder, verdict, change)


def _digest(edit: Edit) -> str:
    """Return the key of a mutant's result: the path and the hash of the whole mutated file."""
    return f"{edit.path} {sha256(edit.applied((ROOT / edit.path).read_bytes())).hexdigest()}"
