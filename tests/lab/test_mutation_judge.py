"""Tests that a failure, a failed import or a timeout counts only if the mutant causes it."""

from pathlib import Path

import pytest

from lab.mutation.judge import Judge
from lab.mutation.results import Verdict

TESTS = """\
import time
import pytest
from pipeline.a import f, CASES

@pytest.mark.parametrize("case", CASES)
def test_f(case):
    assert f() == 1

def test_nothing():
    pass

def test_that_always_fails():
    assert False

def test_on_a_busy_machine():
    f()
    time.sleep(60)
"""
SOUND = "tests/test_f.py::test_f[case]"
FILE = {"tests/test_f.py": TESTS, "pipeline/a.py": "CASES = ['case']\ndef f(): return 1\n"}


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Return a judge of a small source tree."""
    root = tmp_path / "root"
    for name, text in FILE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "pipeline" / "__init__.py").write_text("")
    (root / "tests" / "conftest.py").write_text("import pipeline\n")
    (root / "tests" / "test_unread.py").write_text("import no_such_library\n")
    return Judge(root, tmp_path / "copies" / "1", tmp_path, {})


@pytest.mark.parametrize(
    ("path", "mistake", "test", "verdict", "by"),
    [
        pytest.param("pipeline/a.py", "return 2", SOUND, "killed", SOUND, id="a test fails"),
        pytest.param("pipeline/a.py", "return 1", SOUND, "survived", "", id="no test fails"),
        pytest.param(
            "pipeline/a.py", "return 1\nf(2)", SOUND, "killed", "tests/test_f.py", id="the test file's import fails"
        ),
        pytest.param("pipeline/__init__.py", "return 1\nf(2)", SOUND, "killed", SOUND, id="conftest.py's import fails"),
        pytest.param("pipeline/a.py", "\n  while True: pass", SOUND, "timeout", SOUND, id="the test runs forever"),
        # The process exits with the status of a failed test, but no test has failed.
        pytest.param("pipeline/a.py", "__import__('os')._exit(1)", SOUND, "unclear", "", id="the process ends"),
        pytest.param("pipeline/a.py", "__import__('os').abort()", SOUND, "unclear", "", id="a signal ends the process"),
        pytest.param(
            "pipeline/a.py",
            "return 2",
            "tests/test_unread.py",
            "unclear",
            "",
            id="the test file's import always fails",
        ),
        pytest.param(
            "pipeline/a.py",
            "return 2",
            "tests/test_f.py::test_that_always_fails",
            "unclear",
            "",
            id="the test always fails",
        ),
        pytest.param(
            "pipeline/a.py",
            "return 2",
            "tests/test_f.py::test_on_a_busy_machine",
            "unclear",
            "",
            id="the test is always too slow",
        ),
    ],
)
def test_a_failure_counts_only_if_the_mistake_causes_it(
    judge: Judge, path: str, mistake: str, test: str, verdict: str, by: str
) -> None:
    # GIVEN a mistake, and a test
    text = f"CASES = ['case']\ndef f(): {mistake}\n".encode()

    # WHEN
    found, detail = judge.run_file(path, text, [test], 1 if "busy" in test else 4 if "while" in mistake else 30)

    # THEN the verdict is `unclear` if the process crashes, or if the test also fails without the
    # mistake. The detail of an unclear verdict has the log's path
    assert found == Verdict(verdict)
    assert detail == by or (verdict == "unclear" and test in detail and Path(detail.rpartition(" ")[2]).exists())


def test_if_a_mistake_renames_a_case_all_tests_of_its_file_are_run(judge: Judge) -> None:
    # GIVEN a mistake that renames a case
    (judge.copy / "tests" / "test_f.py").write_text(TESTS.partition("def test_that")[0])
    text = "CASES = ['other']\ndef f(): return {}\n"

    # WHEN the test is run under the case's old name
    right, wrong = (judge.run_file("pipeline/a.py", text.format(each).encode(), [SOUND], 30) for each in (1, 2))

    # THEN the tests with the new names are run
    assert right == (Verdict.SURVIVED, "")
    assert wrong == (Verdict.KILLED, "tests/test_f.py::test_f[other]")


def test_a_test_that_fails_in_every_second_run_gives_an_unclear_verdict(judge: Judge, tmp_path: Path) -> None:
    # GIVEN a mistake, and a test that fails in every second run
    (tmp_path / "flag").touch()
    test = f"""
import pathlib
def test_f():
    flag = pathlib.Path({str(tmp_path / "flag")!r})
    there = flag.exists()
    flag.unlink() if there else flag.touch()
    assert not there
"""
    (judge.copy / "tests" / "test_by_turns.py").write_text(test)

    # WHEN
    found, detail = judge.run_file("pipeline/a.py", b"", ["tests/test_by_turns.py::test_f"], 30)

    # THEN
    assert (found, "a test failed" in detail) == (Verdict.UNCLEAR, True)
