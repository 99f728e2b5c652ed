"""Runs the small mistakes around `runtime/`: each is put to the tests that run what it is in, until one fails."""

import argparse
import fnmatch
import json
import shutil
import sys
import time
from collections import Counter, defaultdict
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import coverage

from lab.mutation import forks
from lab.mutation.edits import Edit
from lab.mutation.folders import DRIFT, FOLDERS, RECORDED, Tree, concerned
from lab.mutation.listed import read_listed
from lab.mutation.report import Report
from lab.mutation.results import Mutant, Verdict

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / ".build" / "mutation-around"
LISTED: Final = Path(__file__).with_name("survivors.toml")
_MEASURED: Final = FOLDER / "measured"
_COPY: Final = FOLDER / "copy"
_RESULTS: Final = FOLDER / "results.jsonl"
_LEAST_PATIENCE: Final = 60
_PATIENCE: Final = 8
"""The tests of a mutant are without end after so many times what they take without one."""
Measured = dict[str, Any]
"""Of a test, or of a file of tests: its `seconds`, and the `lines` that it runs, by path."""
_PASSED: Final = {0, 5}
"""pytest's "all passed" and "no tests"."""


def run(options: argparse.Namespace) -> int:
    """Run, print the table and what is wrong; 1 if anything is."""
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
        _judge({edit: folder for edit, folder in mutants.items() if _digest(edit) not in killed})
        print(f"The run took {(time.monotonic() - started) / 60:.0f} min.\n")
    results = _read_results()
    found = [_mutant(edit, folder, results) for edit, folder in mutants.items()]
    least = {name: folder.least for name, folder in FOLDERS.items()}
    report = Report(found, {} if options.only else read_listed(LISTED), least)
    problems = report.problems(complete=not options.only)
    recorded = Counter(folder for edit, folder in mutants.items() if _by(edit, results) == RECORDED)
    alone = [f"Of {folder}, {count} were noticed by {RECORDED} alone." for folder, count in recorded.items()]
    print("\n".join([*report.table(), "", *alone, "", *problems]))
    return 1 if problems else 0


def _judge(mutants: dict[Edit, str]) -> None:
    """Make each mistake and keep what came of it."""
    forks.copy_tree(ROOT, _COPY)
    forks.load(ROOT)
    measured = _measure(set(mutants.values()))
    survived = _pass(mutants, measured)
    recorded = {
        edit: folder
        for edit, folder in survived.items()
        if FOLDERS[folder].concerns(RECORDED) and edit.path.endswith(".py")
    }
    _pass(recorded, {RECORDED: {"lines": {edit.path: list(range(1, 1000)) for edit in recorded}, "seconds": 60}})


def _pass(mutants: dict[Edit, str], measured: dict[str, Measured]) -> dict[Edit, str]:
    """Put mutants to the tests that concern them; those that survive."""
    noticed_by, survived = Counter[tuple[str, str]](), dict[Edit, str]()
    for number, (edit, folder) in enumerate(mutants.items(), 1):
        started = time.monotonic()
        source = (_COPY / edit.path).read_bytes()
        chosen = concerned(edit, folder, source, {name: each["lines"] for name, each in measured.items()})
        tests: dict[str, list[str]] = defaultdict(list)
        for name in chosen:
            tests[name.partition("::")[0]].append(name)
        seconds = {file: sum(measured[name]["seconds"] for name in names) for file, names in tests.items()}
        order = sorted(tests, key=lambda file: (1 + seconds[file]) / (1 + noticed_by[edit.path, file]))
        runs = [(tests[file], seconds[file]) for file in order]
        verdict, by = _try(edit.path, edit.applied(source), runs)
        noticed_by[edit.path, by.partition("::")[0]] += 1
        if verdict is Verdict.SURVIVED:
            survived[edit] = folder
        record = {"of": _digest(edit), "verdict": verdict, "by": by, "name": edit.name}
        with _RESULTS.open("a") as results:
            results.write(json.dumps(record) + "\n")
        print(f"{number}/{len(mutants)} {time.monotonic() - started:.0f} s {verdict} {edit.name} {by}", flush=True)
    return survived


def _measure(folders: set[str]) -> dict[str, Measured]:
    """Run each file of tests that concerns them once without a mistake: what its tests take, and the lines they run.

    By test where the tests of all its folders stand alone, else by file.
    """
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")} - set(DRIFT)
    measured: dict[str, Measured] = {}
    _MEASURED.mkdir(parents=True, exist_ok=True)
    for file in sorted(file for file in files if any(FOLDERS[folder].concerns(file) for folder in folders)):
        result = _MEASURED / f"{file.replace('/', '.')}.json"
        of = sha256((ROOT / file).read_bytes()).hexdigest()
        if not result.exists() or json.loads(result.read_text())["of"] != of:
            print(f"measuring {file}", flush=True)
            result.unlink(missing_ok=True)
            forks.forked(_COPY, partial(_measured, file, of, result), result.with_suffix(".log"), 600)
        if result.exists():
            measured |= json.loads(result.read_text())["tests"]
        else:
            print(f"LEFT OUT, as it fails without any mistake: {file}; see {result.with_suffix('.log')}", flush=True)
    return measured


def _measured(file: str, of: str, result: Path) -> int:
    """Run a file of tests in this process and write down what was measured, if none fails."""
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
        name = str(Path(path).relative_to(_COPY))
        for line, contexts in data.contexts_by_lineno(path).items():
            for test in tests if contexts == [""] and not by_test else tests.keys() & set(contexts):
                tests[test]["lines"].setdefault(name, []).append(line)
    if code in _PASSED:
        result.write_text(json.dumps({"of": of, "tests": tests}))
    return code


def _try(path: str, text: bytes, runs: list[tuple[list[str], float]]) -> tuple[Verdict, str]:
    """Run tests with another text of a file, until one fails: which.

    Those of a file in a process of their own, as when they were measured: what fails because of the file before it
    counts for nothing.
    """
    first = FOLDER / "first"
    first.write_text("")

    def work(tests: list[str]) -> int:
        code, seen = forks.run_tests(tests)
        first.write_text(seen.first)
        return int(code not in _PASSED)

    with forks.mutated(_COPY / path, text):
        for tests, seconds in runs:
            code = forks.forked(_COPY, partial(work, tests), FOLDER / "log", _LEAST_PATIENCE + _PATIENCE * seconds)
            if code:
                verdict = Verdict.TIMEOUT if code == forks.TIMEOUT else Verdict.KILLED
                return verdict, first.read_text() or tests[0]
    return Verdict.SURVIVED, ""


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
    """Return what a result is of: the mutated file as a whole."""
    return f"{edit.path} {sha256(edit.applied((ROOT / edit.path).read_bytes())).hexdigest()}"
