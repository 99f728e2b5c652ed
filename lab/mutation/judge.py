"""Judges the mutants of the code outside `runtime/`: runs the tests of each mutated function until one fails."""

import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lab.mutation import forks
from lab.mutation.edits import Edit
from lab.mutation.folders import concerned
from lab.mutation.forks import End
from lab.mutation.results import Verdict

LEAST_TIMEOUT_SECONDS: Final = 60
_TIMEOUT_FACTOR: Final = 8
"""The tests of a mutant time out after this multiple of their normal time, plus `LEAST_TIMEOUT_SECONDS`."""
_ATTEMPTS: Final = 2
Measured = dict[str, Any]
"""Measurements of a test or a test file: its `seconds`, and the `lines` that it runs, by path."""


class Judge:
    """Tries mutants, one at a time, in its own copy of the tree.

    Attributes:
        copy: The judge's copy of the tree.
    """

    def __init__(self, root: Path, copy: Path, logs: Path, measured: Mapping[str, Measured]) -> None:
        """Make the copy.

        Args:
            root: The tree.
            copy: The folder for the copy.
            logs: The folder for the output of tests that led to an unclear verdict.
            measured: Measurements of each test, or test file, on unmutated code.
        """
        forks.copy_tree(root, copy)
        self.copy = copy
        self._log = copy.with_suffix(".log")
        self._logs = logs
        self._measured = measured
        self._noticed_by = Counter[tuple[str, str]]()
        self._sound: set[tuple[str, ...]] = set()

    def judge(self, edit: Edit, folder: str) -> tuple[Verdict, str]:
        """Return the verdict on a mutant, and the test that noticed it.

        If the verdict is unclear, return the reason instead of the test.
        """
        source = (self.copy / edit.path).read_bytes()
        chosen = concerned(edit, folder, source, {name: each["lines"] for name, each in self._measured.items()})
        tests: dict[str, list[str]] = defaultdict(list)
        for name in chosen:
            tests[name.partition("::")[0]].append(name)
        seconds: dict[str, float] = {
            file: sum(self._measured[name]["seconds"] for name in names) for file, names in tests.items()
        }
        scopes = edit.path, folder

        def rank(file: str) -> float:
            return (1 + seconds[file]) / (1 + sum(self._noticed_by[each, file] for each in scopes))

        for file in sorted(tests, key=rank):
            timeout = LEAST_TIMEOUT_SECONDS + _TIMEOUT_FACTOR * seconds[file]
            verdict, by = self.run_file(edit.path, edit.applied(source), tests[file], timeout)
            if verdict is not Verdict.SURVIVED:
                self._noticed_by.update((each, file) for each in scopes)
                return verdict, by
        return Verdict.SURVIVED, ""

    def run_file(self, path: str, text: bytes, tests: list[str], timeout: float) -> tuple[Verdict, str]:
        """Run tests of one test file in a separate process, with the mutated `text` of the file `path`.

        The mutant counts as noticed if (1) with the mutant, a test fails twice, an import fails or the tests time
        out, and (2) without the mutant, the same tests pass. If the tests pass with the mutant, it survived. Any other
        result may come from a busy machine, so the tests run once more.
        """
        ended = forks.Ended(End.BROKEN)
        for _ in range(_ATTEMPTS):
            with forks.mutated(self.copy / path, text):
                ended = forks.ended(self.copy, tests, self._log, timeout)
            if ended.end is End.PASSED:
                return Verdict.SURVIVED, ""
            if ended.end is End.GONE and "::" in tests[0]:
                # A test case no longer exists, because the mutant changed its name. So all cases
                # that the file has now are run, as in `make test`.
                return self.run_file(path, text, [tests[0].partition("::")[0]], timeout)
            if ended.end is End.FAILED and not self._fail_again(path, text, tests, timeout):
                continue
            if ended.end in {End.FAILED, End.UNREAD, End.LATE} and self._pass_without(tests, ended, timeout):
                return (Verdict.TIMEOUT if ended.end is End.LATE else Verdict.KILLED), ended.first or tests[0]
        kept = self._logs / f"{time.time_ns()}.log"
        shutil.copy(self._log, kept)
        return Verdict.UNCLEAR, f"{tests[0]}: {ended.end}; see {kept}"

    def _fail_again(self, path: str, text: bytes, tests: list[str], timeout: float) -> bool:
        """Return whether tests fail again. A failure that does not repeat may be caused by a busy machine."""
        with forks.mutated(self.copy / path, text):
            return forks.ended(self.copy, tests, self._log, timeout).end is End.FAILED

    def _pass_without(self, tests: list[str], ended: forks.Ended, timeout: float) -> bool:
        """Return whether tests pass without the mutant.

        If an import failed or the tests timed out with the mutant, this call always runs the tests. The machine may be
        busier than when the tests were measured, so they may fail without the mutant, too.
        If a test failed with the mutant, this call runs only the tests up to that test, and none if they are known to
        pass. A whole file is known to pass, because it passed when it was measured. Single tests are known to pass if
        they passed together in an earlier call.
        """
        if ended.first in tests:
            tests = tests[: tests.index(ended.first) + 1]
        seen = ended.end is End.FAILED and (tuple(tests) in self._sound or "::" not in tests[0])
        if not seen and forks.ended(self.copy, tests, self._log, timeout / 2).end is not End.PASSED:
            return False
        self._sound.add(tuple(tests))
        return True
