"""Selects mutants of the code outside `runtime/`, and the tests that must notice each mutant (docs/mutation.md)."""

import ast
import fnmatch
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import Final

import yaml

from lab.mutation.edits import Edit, read_examples
from lab.mutation.patterns import python_edits
from lab.mutation.yaml_patterns import yaml_edits

EXAMPLES: Final = Path(__file__).with_name("examples.toml")
_INFRA: Final = ("tests/infra/*", "tests/policy/*", "tests/cloudwatch/*", "tests/docs/*")
_MACHINE: Final = ("tests/machine/test_aws_settings.py", "tests/machine/test_proxies.py")
_TEMPLATE: Final = ("tests/docs/test_bootstrap*", "tests/docs/test_deploy_role.py", "tests/docs/test_reach.py")
DRIFT: Final = (
    "tests/docs/test_defaults.py",
    "tests/docs/test_events_page.py",
    "tests/docs/test_generated_pages.py",
    "tests/docs/test_guarantees_page.py",
    "tests/docs/test_observability_docs.py",
    "tests/docs/test_options_page.py",
    "tests/docs/test_pages.py",
    "tests/docs/test_readme.py",
    "tests/ops/test_permissions_of_commands.py",
)
"""Tests that compare a page with the code. They fail for intended changes too. So mutation runs leave them out, except
`RECORDED`."""
RECORDED: Final = "tests/docs/test_generated_pages.py::test_a_generated_page_is_up_to_date[lab.docs.option_effects]"
"""The test of the page that shows reviewers the effects of every option. It runs only for mutants that survive all
other tests."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Files that are mutated together, and their tests.

    Attributes:
        files: Patterns of paths. A file belongs to the first folder with a pattern that matches it.
        tests: Patterns of the paths of its test files.
        count: Number of its mutants, without the examples.
        least: Percentage of its mutants that the tests must notice.
        alone: Whether its tests are independent of each other. If so, single tests are chosen, otherwise whole
            test files.
    """

    files: tuple[str, ...]
    tests: tuple[str, ...]
    count: int
    least: int = 95
    alone: bool = False

    def concerns(self, test: str) -> bool:
        """Return whether the folder's tests include this test file or this test."""
        return any(fnmatch.fnmatch(test.partition("::")[0], each) for each in self.tests)


FOLDERS: Final = {
    "alarms": Folder(("pipeline/alarms/*.py", "components/alarms/*.py"), _INFRA, 50),
    "components": Folder(("components/*.py",), _INFRA, 75),
    "pipeline": Folder(("pipeline/**/*.py",), (*_INFRA, "tests/lab/test_help.py"), 75),
    "ops": Folder(("ops/**/*.py",), ("tests/ops/*", *_MACHINE), 95, alone=True),
    "policy": Folder(("policy/**/*.py",), ("tests/policy/*",), 50),
    "template": Folder(("bootstrap/template.yaml",), _TEMPLATE, 45, 90),
    "workflows": Folder(
        (".github/workflows/*.yml",), ("tests/docs/test_workflow*", "tests/docs/test_bootstrap_values.py"), 45, 90
    ),
}


@dataclass(frozen=True, slots=True)
class Tree:
    """A source tree, with the files and mutants of its folders."""

    root: Path

    def files(self) -> dict[str, list[str]]:
        """Return the paths of each folder's files."""
        taken: set[str] = set()
        found = {}
        for name, folder in FOLDERS.items():
            paths = sorted({str(path.relative_to(self.root)) for each in folder.files for path in self.root.glob(each)})
            found[name] = [path for path in paths if path not in taken]
            taken.update(paths)
        return found

    def mutants(self, seed: int) -> dict[Edit, str]:
        """Return all examples and `Folder.count` mutants of each folder, each with its folder's name.

        The selection takes one mutant of each pattern in turn, so that rare patterns are selected too.
        """
        files = self.files()
        folder_of = {path: name for name, paths in files.items() for path in paths}
        sources = {path: (self.root / path).read_text() for path in folder_of}
        examples = read_examples(tomllib.loads(EXAMPLES.read_text())["example"], sources)
        chosen = {each: folder_of[each.path] for each in examples}
        for name, paths in files.items():
            by_pattern: dict[str, list[Edit]] = defaultdict(list)
            for path in paths:
                for edit in edits(path, sources[path]):
                    by_pattern[edit.pattern].append(edit)
            picks = _in_turn(by_pattern, str(seed))
            readable = (edit for edit in picks if _can_be_read(edit, sources[edit.path].encode()))
            for edit, _ in zip(readable, range(FOLDERS[name].count), strict=False):
                chosen[edit] = name
        return chosen


def edits(path: str, source: str) -> list[Edit]:
    """Return all edits that the patterns can make in a file."""
    return python_edits(path, source) if path.endswith(".py") else yaml_edits(path, source)


def _in_turn(by_pattern: Mapping[str, list[Edit]], seed: str) -> Iterator[Edit]:
    """Yield one edit of each pattern in turn. The edits of a pattern are sorted by a hash of their names.

    Because of the hash, a change to the code hardly changes which edits are selected elsewhere.
    """

    def hashed(edit: Edit) -> bytes:
        return sha256(f"{seed} {edit.name}".encode()).digest()

    waiting = [iter(sorted(by_pattern[pattern], key=hashed)) for pattern in sorted(by_pattern)]
    for several in zip_longest(*waiting):
        yield from (each for each in several if each)


def _can_be_read(edit: Edit, source: bytes) -> bool:
    mutated = edit.applied(source).decode()
    try:
        if edit.path.endswith(".py"):
            ast.parse(mutated)
        else:
            yaml.compose(mutated, Loader=yaml.SafeLoader)
    except (SyntaxError, yaml.YAMLError):
        return False
    return True


def lines_of(edit: Edit, source: bytes) -> range | None:
    """Return the lines in the body of the innermost function around an edit.

    Return None for an edit outside of functions or in YAML.
    """
    if not edit.path.endswith(".py"):
        return None
    line = source[: edit.start].count(b"\n") + 1
    bodies = [
        range(node.body[0].lineno, (node.end_lineno or 0) + 1)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    ]
    around = [body for body in bodies if line in body]
    return min(around, key=len) if around else None


def concerned(edit: Edit, folder: str, source: bytes, covered: Mapping[str, Mapping[str, Sequence[int]]]) -> list[str]:
    """Return the folder's tests, or test files, that run the function in which the edit is made.

    For an edit outside of functions, return the tests that import its file. If the file is not Python, or no test
    runs the code, return all of the folder's tests.
    `covered` has a mapping for each test, or test file: from a source file's path to the lines that the test runs.
    """
    tests = [each for each in covered if FOLDERS[folder].concerns(each)]
    if not edit.path.endswith(".py"):
        return tests
    body = lines_of(edit, source)
    running = [each for each in tests if any(body is None or line in body for line in covered[each].get(edit.path, ()))]
    return running or tests
