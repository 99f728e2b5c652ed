"""Tests the mutation of code outside `runtime/`: which mutants are made, which of them are chosen,
and which tests judge them."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from lab.mutation import forks
from lab.mutation.around import is_current
from lab.mutation.edits import Edit, read_examples
from lab.mutation.folders import DRIFT, FOLDERS, RECORDED, Tree, concerned, edits

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = """\
jobs:
  one:
    permissions: { contents: read, id-token: write }
    steps:
      - run: make setup
      - if: always()
        run: |
          pulumi up --stack "$STACK" --yes
          echo done
"""


@pytest.mark.parametrize(
    ("pattern", "before", "after"),
    [
        ("drop-argument", "f(1, a=2, b=3)", ["f(1, b=3)", "f(1, a=2,)"]),
        ("swap-settings", "f(rate=c.rate, burst=c.burst)", ["f(rate=c.burst, burst=c.rate)"]),
        ("swap-arguments", "f(one, two, 3)", ["f(two, one, 3)"]),
        ("other-value", "x = c.api + c.worker", ["x = c.worker + c.worker", "x = c.api + c.api"]),
        ("change-number", "x = 5", ["x = 6"]),
        ("change-text", "x = 'one', 'a sentence', f'{one}-two'", ["x = 'oneX', 'a sentence', f'{one}-two'"]),
        ("invert-flag", "x = True", ["x = False"]),
        ("force-condition", "x = 1 if a else 2", ["x = 1 if True else 2", "x = 1 if False else 2"]),
        ("drop-condition", "x = [y for y in z if y]", ["x = [y for y in z if True]"]),
        ("drop-condition", "x = a and b", ["x = (b)", "x = (a)"]),
        ("invert-condition", "x = not a", ["x = bool(a)"]),
        ("compare-otherwise", "x = a < b", ["x = (a <= b)"]),
        ("compute-otherwise", "x = a - b", ["x = (a + b)"]),
        ("leave-out-item", "x = (a, b)", ["x = (b,)", "x = (a,)"]),
        ("leave-out-item", "x = [a, *b,]", ["x = [*b,]", "x = [a,]"]),
        ("leave-out-item", "x = {'a': 1, 'b': 2}", ["x = {'b': 2}", "x = {'a': 1,}"]),
        ("leave-out-step", "f()\n'a text'", ["pass\n'a text'"]),
        ("first-only", "x = [y for y in z]", ["x = [y for y in list(z)[:1]]"]),
        ("widen", "Grant(actions=('sqs:SendMessage',))", ["Grant(actions=(\"*\",))"]),
    ],
)  # fmt: skip
def test_a_mutation_pattern_changes_code_as_listed(pattern: str, before: str, after: list[str]) -> None:
    # GIVEN / WHEN
    found = [each.applied(before.encode()).decode() for each in edits("a.py", before) if each.pattern == pattern]

    # THEN
    assert found == after


def test_a_mutation_makes_an_endless_loop_run_only_once() -> None:
    # GIVEN
    source = "def f():\n    seen = 0\n    while True:\n        seen += 1\n    return seen\n"

    # WHEN
    (once,) = (each for each in edits("a.py", source) if each.pattern == "first-only")
    names: dict[str, int] = {}
    exec(once.applied(source.encode()) + b"result = f()", {}, names)  # noqa: S102 - the mutant of the text above

    # THEN
    assert names["result"] == 1


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("jobs.one.permissions.contents:drop-entry#1", ("{ contents: read, id-token: write }", "{ id-token: write }")),
        ("jobs.one.permissions.id-token:drop-entry#1", ("{ contents: read, id-token: write }", "{ contents: read }")),
        ("jobs.one.permissions.id-token:take-the-other#1", ("id-token: write", "id-token: read")),
        ("jobs.one.steps.1.if:take-the-other#1", ("always()", "success()")),
        ("jobs.one.steps.1.run:drop-flag#2", (" --yes", "")),
        ("jobs.one.steps.1.run:leave-out-step#2", ("          echo done\n", "")),
        ("jobs.one.steps:leave-out-item#1", ("- run: make setup", "")),
    ],
)
def test_a_pattern_makes_this_mistake_in_a_workflow(name: str, after: tuple[str, str]) -> None:
    # GIVEN / WHEN
    (found,) = (each for each in edits("a.yml", WORKFLOW) if each.name == f"a.yml:{name}")

    # THEN
    assert found.applied(WORKFLOW.encode()).decode() == WORKFLOW.replace(*after, 1)


def test_the_same_seed_chooses_the_same_mutants_and_as_many_per_folder_as_configured() -> None:
    # GIVEN / WHEN
    chosen = Tree(ROOT).mutants(1)

    # THEN
    counts = dict.fromkeys(FOLDERS, 0)
    for edit, folder in chosen.items():
        counts[folder] += edit.pattern != "example"
    assert counts == {name: folder.count for name, folder in FOLDERS.items()}
    assert [each.name for each in Tree(ROOT).mutants(1)] == [each.name for each in chosen]
    assert len({each.name for each in chosen}) == len(chosen)


def test_no_test_file_in_the_list_of_left_out_files_is_missing() -> None:
    # GIVEN / WHEN
    gone = [each for each in DRIFT if not (ROOT / each).exists()]

    # THEN
    assert gone == []
    assert RECORDED.partition("::")[0] in DRIFT


def test_a_slow_test_runs_only_if_it_is_selected_by_name() -> None:
    # GIVEN a test file, and the name of a slow test in it
    file = RECORDED.partition("::")[0]
    # WHEN tests are selected by the file, and then by the test's name
    # THEN the slow tests of the file are left out, but the named test is selected
    assert forks.selection([file]) == ["-m", "not e2e and not engine and not long", file]
    assert forks.selection([RECORDED]) == [RECORDED]


def test_the_error_names_an_example_whose_text_is_no_longer_in_the_code() -> None:
    # GIVEN
    entry = {"name": "acts without --yes", "file": "a.py", "before": "if yes:", "after": "if True:"}

    # WHEN / THEN
    message = r"acts without --yes: a\.py contains this text 0 times, but must contain it once: if yes:"
    with pytest.raises(ValueError, match=message):
        read_examples([entry], {"a.py": "if no:"})


def test_a_mistake_is_judged_by_the_tests_that_run_its_function() -> None:
    # GIVEN a test that runs the function, a test that only imports its module, a test of another folder that runs the
    # function, and a test that does not import the module
    source = b"LIMIT = 1\n\n\ndef f():\n    return LIMIT - 1\n"
    covered = {
        "tests/policy/test_a.py": {"policy/a.py": [1, 4, 5]},
        "tests/policy/test_b.py": {"policy/a.py": [1, 4]},
        "tests/ops/test_a.py": {"policy/a.py": [1, 4, 5]},
        "tests/policy/test_c.py": {"policy/b.py": [1]},
    }

    # WHEN
    constant, within = (each for each in edits("policy/a.py", source.decode()) if each.pattern == "change-number")

    # THEN a mistake in the function is judged by the tests that run the function. A mistake outside of functions is
    # judged by the tests that import the module. Tests of another folder judge neither mistake
    assert concerned(within, "policy", source, covered) == ["tests/policy/test_a.py"]
    assert concerned(constant, "policy", source, covered) == ["tests/policy/test_a.py", "tests/policy/test_b.py"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_concerns_is_true_for_every_test_file_of_a_folder_and_every_test_in_the_file(folder: str) -> None:
    # GIVEN the test files of a folder
    files = [str(path.relative_to(ROOT)) for each in FOLDERS[folder].tests for path in ROOT.glob(each)]
    # WHEN `concerns` gets the name of each file, and of one test in each file
    missing = [name for file in files for name in (file, f"{file}::test_it[a/b]") if not FOLDERS[folder].concerns(name)]
    # THEN it is true for all of them
    assert files
    assert missing == []


@pytest.mark.parametrize(
    ("changed", "current"), [("another.py", True), ("test_a.py", False), ("a.py", False), ("gone", False), (None, True)]
)
def test_a_measurement_is_current_until_its_test_file_or_the_tested_code_changes(
    tmp_path: Path, changed: str | None, current: bool
) -> None:
    # GIVEN a measurement of a test file that runs one file of code
    files = {"test_a.py": b"test", "a.py": b"code"}
    result = tmp_path / "measured.json"
    result.write_text(json.dumps({"of": {name: sha256(text).hexdigest() for name, text in files.items()}, "tests": {}}))
    for name, text in files.items():
        (tmp_path / name).write_bytes(text)

    # WHEN a file changes, the code is deleted, or nothing happens
    if changed == "gone":
        (tmp_path / "a.py").unlink()
    elif changed:
        (tmp_path / changed).write_bytes(b"changed")

    # THEN a new measurement is needed only if one of the two files was changed or deleted
    assert is_current(result, tmp_path) is current
    assert not is_current(tmp_path / "not measured", tmp_path)


def test_a_file_is_changed_only_while_its_mutant_is_judged(tmp_path: Path) -> None:
    # GIVEN
    file = tmp_path / "a.py"
    file.write_text("one")
    before = file.stat().st_mtime_ns

    # WHEN
    with forks.mutated(file, b"two"):
        within = file.read_text(), file.stat().st_mtime_ns

    # THEN the modification times differ, so Python does not run byte code of the other version
    assert within[0] == "two"
    assert within[1] != before
    assert (file.read_text(), file.stat().st_mtime_ns) == ("one", before)


def test_a_forked_process_imports_modules_from_the_copied_tree_and_has_a_time_limit(tmp_path: Path) -> None:
    # GIVEN a copy with its own version of a module that this process has imported
    copy, log, seen = tmp_path / "copy", tmp_path / "log", tmp_path / "seen"
    (copy / "ops").mkdir(parents=True)
    (copy / "ops" / "__init__.py").write_text("WHERE = 'the copy'")

    def look() -> int:
        import ops

        seen.write_text(json.dumps([ops.WHERE, str(Path.cwd())]))  # type: ignore[attr-defined]
        return 3

    def wait() -> int:
        import time

        time.sleep(60)
        return 0

    # WHEN
    ended, late = forks.forked(copy, look, log, 30), forks.forked(copy, wait, log, 0.1)

    # THEN
    assert json.loads(seen.read_text()) == ["the copy", str(copy)]
    assert (ended, late) == (3, forks.TIMEOUT)


def test_an_edit_is_named_by_its_place_and_shows_its_lines() -> None:
    # GIVEN
    edit = Edit("a.py", "f", "change-number", 2, 4, 5, "2")

    # WHEN
    change = edit.change(b"x = 1\ny = 1\n")

    # THEN
    assert edit.name == "a.py:f:change-number#2"
    assert (change.function, change.before, change.after) == ("a.py:f", "x = 1", "x = 2")
