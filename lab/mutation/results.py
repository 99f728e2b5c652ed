"""Reads mutmut's results from its files: a `.meta` and a `.spans` beside each mutated source file."""

import difflib
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from lab.mutation.tree import MUTANTS

_METHOD_SEPARATOR = "ǁ"
_KILLED = frozenset({1, 3})
_SURVIVED = frozenset({0, 5, 33})
"""Exit codes of pytest: 0 (all tests passed) and 5 (it collected no tests). Exit code of mutmut: 33
(no test calls the mutated function)."""
_TIMEOUT = frozenset({36, 24, -24, 152, 255})

IMPORT_ONLY = frozenset(
    {
        "runtime.handlers.finish_init",
        "runtime.http.validation._descriptions",
        "runtime.http.validation._models",
        "runtime.models.fields.printable",
    }
)
"""Functions that run only while modules are imported. mutmut activates a mutant after the imports, so no test can
notice a mutant of these functions. The results leave such mutants out."""


class Verdict(StrEnum):
    """Verdict on a mutant."""

    KILLED = "killed"
    TIMEOUT = "timeout"
    """The tests did not end, so the mutant counts as noticed. But `listed.py` accepts an entry for such a mutant,
    because a slow machine can also cause this verdict."""
    SURVIVED = "survived"
    UNCLEAR = "unclear"
    """The tests did not run, were interrupted, or had an outcome that proves nothing about the mutant."""

    @classmethod
    def of(cls, exit_code: int | None) -> Self:
        """Return the verdict on a mutant for which mutmut recorded this exit code."""
        if exit_code in _KILLED:
            return cls("killed")
        if exit_code in _SURVIVED:
            return cls("survived")
        return cls("timeout" if exit_code in _TIMEOUT else "unclear")


@dataclass(frozen=True, slots=True)
class Change:
    """Identifies a mutant by its function and the lines that it changes, not by line numbers or mutmut's counters.

    Attributes:
        function: In `runtime/`, the function's dotted name, such as `runtime.logic.backoff.retry_delay` or
            `module.Class.method`. In other folders, the file and the place in it, such as `ops/target.py:Target`.
        before: The lines that the mutant replaces, without indentation.
        after: The new lines, without indentation.
    """

    function: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mutant and the verdict on it. A killed mutant has no `change`."""

    name: str
    module: str
    verdict: Verdict
    change: Change | None = None


def read_results(folder: Path) -> list[Mutant]:
    """Return the mutants in the copy of the tree at `folder`, without those of `IMPORT_ONLY`."""
    found: list[Mutant] = []
    for meta in sorted((folder / MUTANTS).rglob("*.py.meta")):
        source = meta.with_suffix("")
        exit_codes: dict[str, int | None] = json.loads(meta.read_text())["exit_code_by_key"]
        found += [
            _mutant(name, source, Verdict.of(exit_code))
            for name, exit_code in exit_codes.items()
            if function_of(name) not in IMPORT_ONLY
        ]
    return found


def forget_unkilled(folder: Path) -> None:
    """Delete the results of all mutants that were not killed, so that the next run tries them again."""
    for meta in (folder / MUTANTS).rglob("*.py.meta"):
        content: dict[str, Any] = json.loads(meta.read_text())
        codes = content["exit_code_by_key"]
        content["exit_code_by_key"] = {name: code if code in _KILLED else None for name, code in codes.items()}
        meta.write_text(json.dumps(content))


def function_of(name: str) -> str:
    """Return `a.b.C.m` for `a.b.xǁCǁm__mutmut_1`, and `a.b.f` for `a.b.x_f__mutmut_1`."""
    module, _, mangled = name.rpartition("__mutmut_")[0].rpartition(".")
    if _METHOD_SEPARATOR in mangled:
        return f"{module}.{mangled.removeprefix('x' + _METHOD_SEPARATOR).replace(_METHOD_SEPARATOR, '.')}"
    return f"{module}.{mangled.removeprefix('x_')}"


def _mutant(name: str, source: Path, verdict: Verdict) -> Mutant:
    module = name.rpartition(".")[0]
    if verdict is Verdict.KILLED:
        return Mutant(name, module, verdict)
    return Mutant(name, module, verdict, _change(name, source))


def _change(name: str, source: Path) -> Change:
    mangled = name.rpartition(".")[2]
    original = mangled.rpartition("__mutmut_")[0] + "__mutmut_orig"
    before, after = (_lines(source, one) for one in (original, mangled))
    changed = [line for line in difflib.ndiff(before, after) if line[:2] in {"- ", "+ "}]
    removed, added = ("\n".join(line[2:].strip() for line in changed if line.startswith(sign)) for sign in ("- ", "+ "))
    return Change(function_of(name), removed, added)


def _lines(source: Path, function: str) -> list[str]:
    """Return the lines of a generated function, with its name replaced by `_`."""
    spans: dict[str, tuple[int, int]] = json.loads(source.with_name(source.name + ".spans").read_text())["spans"]
    start, end = spans[function]
    text = "\n".join(source.read_text().splitlines()[start - 1 : end])
    return text.replace(function, "_").splitlines()
