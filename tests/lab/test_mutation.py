"""Tests what a mutation run copies, how it sorts the tests, which survivors it reports, and when it fails."""

import json
import pkgutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lab.mutation import results
from lab.mutation.listed import entry, read_listed, stale
from lab.mutation.order import sorted_tests
from lab.mutation.report import Report
from lab.mutation.results import IMPORT_ONLY, Change, Mutant, Verdict, forget_unkilled, function_of, read_results
from lab.mutation.tree import MUTANTS, copy_fresh, settings
from lab.recording.recording import ROOT

MUTATED = """\
class C:
    def xǁCǁm__mutmut_orig(self, a):
        if a > 1:
            return a
        return 0
    def xǁCǁm__mutmut_1(self, a):
        if a >= 1:
            return a
        return 0
    def xǁCǁm__mutmut_2(self, a):
        if a > 1:
            return a
        return 1
"""
SPANS = {"xǁCǁm__mutmut_orig": [2, 5], "xǁCǁm__mutmut_1": [6, 9], "xǁCǁm__mutmut_2": [10, 13]}
CHANGE = Change("runtime.a.C.m", "if a > 1:", "if a >= 1:")


def mutant(verdict: Verdict = Verdict.KILLED, number: int = 1, change: Change | None = None) -> Mutant:
    """Return a mutant of module `runtime.a`."""
    return Mutant(f"runtime.a.xǁCǁm__mutmut_{number}", "runtime.a", verdict, change)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Write the files that mutmut leaves after a run in which the first mutant survived, and return their folder."""
    folder = tmp_path / MUTANTS / "runtime"
    folder.mkdir(parents=True)
    (folder / "a.py").write_text(MUTATED)
    (folder / "a.py.spans").write_text(json.dumps({"spans": SPANS}))
    codes = {"runtime.a.xǁCǁm__mutmut_1": 0, "runtime.a.xǁCǁm__mutmut_2": 1}
    (folder / "a.py.meta").write_text(json.dumps({"exit_code_by_key": codes}))
    return tmp_path


def test_a_survivor_is_identified_by_its_change(run: Path) -> None:
    # GIVEN a run
    # WHEN its results are read
    survivor, killed = read_results(run)
    # THEN the survivor is identified by its change, not by its line
    assert survivor == mutant(Verdict.SURVIVED, 1, CHANGE)
    assert killed == mutant(Verdict.KILLED, 2)


def test_functions_that_run_only_at_import_are_left_out(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a run with mutants of one function, which is in the list of functions that run only at import
    monkeypatch.setattr(results, "IMPORT_ONLY", {CHANGE.function})
    # WHEN the run's results are read
    # THEN they have no mutant of this function
    assert read_results(run) == []
    # AND every function of the real list exists
    assert [name for name in sorted(IMPORT_ONLY) if not callable(pkgutil.resolve_name(name))] == []


def test_the_next_run_tries_survivors_again(run: Path) -> None:
    # GIVEN a run with a survivor
    # WHEN the next run is prepared
    forget_unkilled(run)
    # THEN the survivor has no verdict, and the other mutant keeps its verdict
    assert [one.verdict for one in read_results(run)] == [Verdict.UNCLEAR, Verdict.KILLED]


def test_a_mutants_name_is_converted_to_the_functions_name_in_the_source() -> None:
    # GIVEN mutmut's names for a mutant of a function and for a mutant of a method
    # WHEN the names are converted
    # THEN the results are the names in the source
    assert function_of("runtime.logic.a.x_do_it__mutmut_12") == "runtime.logic.a.do_it"
    assert function_of("runtime.logic.a.xǁClassǁ_private__mutmut_1") == "runtime.logic.a.Class._private"


@pytest.mark.parametrize(
    ("exit_code", "verdict"),
    [
        (1, "killed"),
        (3, "killed"),
        (0, "survived"),
        (33, "survived"),
        (-24, "timeout"),
        (36, "timeout"),
        (None, "unclear"),
    ],
)
def test_an_exit_code_is_converted_to_a_verdict(exit_code: int | None, verdict: str) -> None:
    # GIVEN an exit code that mutmut recorded
    # WHEN it is converted to a verdict
    # THEN a failed test kills the mutant, and a timeout has a separate verdict
    assert Verdict.of(exit_code) == verdict


@pytest.mark.parametrize(
    ("verdict", "of", "listed", "problems"),
    [
        pytest.param(Verdict.SURVIVED, 20, True, [], id="all but the listed mutant are noticed"),
        # A busy machine can cause a timeout. So a listed mutant that timed out does not count as noticed, and its entry
        # is not stale.
        pytest.param(Verdict.TIMEOUT, 20, True, [], id="listed, and its tests took too long"),
        pytest.param(Verdict.SURVIVED, 40, False, [entry(CHANGE)], id="a survivor that is not listed"),
        pytest.param(
            Verdict.SURVIVED,
            10,
            True,
            ["90.0 % of the mutants were noticed; at least 95 % must be."],
            id="too few noticed",
        ),
        pytest.param(Verdict.UNCLEAR, 2, False, [""], id="one mutant was not run"),
    ],
)
def test_a_run_is_judged_by_its_unnoticed_mutants(verdict: Verdict, of: int, listed: bool, problems: list[str]) -> None:
    # GIVEN mutants, of which one was not killed
    report = Report(
        [mutant(verdict, 1, CHANGE), *(mutant(number=n) for n in range(2, of + 1))], {CHANGE: "why"} if listed else {}
    )
    # WHEN the run is judged
    found = report.problems(complete=True)
    # THEN
    assert len(found) == len(problems)
    assert all(text in problem for text, problem in zip(problems, found, strict=True))
    # AND a mutant that was not run is no problem in a partial run, and a listed mutant lowers the percentage
    assert verdict is not Verdict.UNCLEAR or report.problems(complete=False) == []
    assert of != 20 or report.table()[-1] == "| runtime.a | 20 | 19 | 0 | 1 | 0 | 0 | 95.0 |"


def test_the_entry_of_a_killed_mutant_is_stale() -> None:
    # GIVEN a listed mutant
    # WHEN the list is compared with a run that killed the mutant, and with a run that did not test it
    # THEN the entry is stale after the first run, but not after the second
    assert stale({CHANGE: "why"}, [mutant()]) == [CHANGE]
    assert stale({CHANGE: "why"}, [mutant(Verdict.UNCLEAR)]) == []


@pytest.mark.parametrize("after", ["it's", "a\nb", "'''", "'", "a \"b\" \\ '''c'"])
def test_an_entry_can_be_read_again(after: str, tmp_path: Path) -> None:
    # GIVEN a change with difficult text
    change = Change("runtime.a.f", "x = 1", after)
    # WHEN its entry is written, with a reason
    file = tmp_path / "list.toml"
    file.write_text(entry(change).replace('why = ""', 'why = "the result is the same"'))
    # THEN the same change and reason are read
    assert read_listed(file) == {change: "the result is the same"}


def test_an_entry_without_a_reason_is_refused(tmp_path: Path) -> None:
    # GIVEN an entry as a run prints it, without a reason
    file = tmp_path / "list.toml"
    file.write_text(entry(CHANGE))
    # WHEN the list is read
    # THEN an error requests the reason
    with pytest.raises(ValueError, match="needs `why`"):
        read_listed(file)


def test_the_list_can_be_read() -> None:
    # GIVEN the list of the project
    # WHEN it is read
    # THEN every entry has a reason and belongs to runtime/
    assert all(change.function.startswith("runtime.") for change in read_listed())


def test_tests_are_sorted_by_noticed_mutants_and_then_by_speed_of_their_file() -> None:
    # GIVEN tests of a slow file and of a fast file. Some tests noticed mutants of one function. One test noticed only
    # mutants of other functions in the same module
    names = ["slow::a", "slow::b", "fast::a", "fast::b", "slow::c", "slow::d"]
    items: Any = [SimpleNamespace(nodeid=name, path=Path(name.split("::")[0])) for name in names]
    costs = {"slow::a": 0.0, "slow::b": 9.0, "fast::a": 1.0, "fast::b": 1.0}
    # WHEN they are sorted
    ordered = sorted_tests(items, Counter({"slow::d": 1, "slow::c": 2}), Counter({"fast::b": 5, "slow::d": 7}), costs)
    # THEN tests that noticed mutants of the function come first, then tests that noticed mutants of its module. The
    # rest are sorted by file, and the file with the least time per test comes first
    assert [item.nodeid for item in ordered] == ["slow::c", "slow::d", "fast::b", "fast::a", "slow::a", "slow::b"]


def test_deselected_tests_exist() -> None:
    # GIVEN the tests that a run leaves out by name
    selection = settings(ROOT)["pytest_add_cli_args_test_selection"]
    deselected = [each.removeprefix("--deselect=").split("::") for each in selection if "::" in each]
    # WHEN / THEN each is defined in the file that is given with it
    assert deselected
    assert [test for file, test in deselected if f"def {test}(" not in (ROOT / file).read_text()] == []


@pytest.mark.long
def test_the_copy_has_everything_that_its_tests_import(tmp_path: Path) -> None:
    # GIVEN the copy of the tree that mutmut mutates
    copy_fresh(ROOT, tmp_path / "copy")
    given = settings(ROOT)
    # WHEN pytest, in this copy, collects the tests of a mutation run
    options = [*given["pytest_add_cli_args"], *given["pytest_add_cli_args_test_selection"]]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *options]
    ran = subprocess.run(command, cwd=tmp_path / "copy", capture_output=True, text=True, timeout=300, check=False)
    # THEN pytest finds every test without an import error
    assert ran.returncode == 0, ran.stdout[-2_000:] + ran.stderr[-2_000:]
