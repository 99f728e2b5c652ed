"""Reads mutmut's results from the files it leaves: one `.meta` and one `.spans` beside each mutated source."""

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
"""pytest's "all passed" and "no tests", and mutmut's "no tests"."""
_TIMEOUT = frozenset({36, 24, -24, 152, 255})


class Verdict(StrEnum):
    """Verdict on a mutant."""

    KILLED = "killed"
    TIMEOUT = "timeout"
    """The tests did not end: noticed as well, unless it is listed, as a busy machine is slow enough for that."""
    SURVIVED = "survived"
    UNCLEAR = "unclear"
    """Not run, or broken off; nothing is known."""

    @classmethod
    def of(cls, exit_code: int | None) -> Self:
        """Return what mutmut's exit code for a mutant means."""
        if exit_code in _KILLED:
            return cls("killed")
        if exit_code in _SURVIVED:
            return cls("survived")
        return cls("timeout" if exit_code in _TIMEOUT else "unclear")


@dataclass(frozen=True, slots=True)
class Change:
    """Identity of a mutant by its text: line numbers and counters move with every edit, this does not.

    Attributes:
        function: `runtime.logic.backoff.retry_delay`, or with the class before the method's name.
        before: The lines that it replaces, without indentation.
        after: What it replaces them with.
    """

    function: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mutant and its end. `change` is read for those only that no test has failed for."""

    name: str
    module: str
    verdict: Verdict
    change: Change | None = None


def read_results(folder: Path) -> list[Mutant]:
    """The mutants in the copy of the tree at `folder`, by module and name."""
    found: list[Mutant] = []
    for meta in sorted((folder / MUTANTS).rglob("*.py.meta")):
        source = meta.with_suffix("")
        exit_codes: dict[str, int | None] = json.loads(meta.read_text())["exit_code_by_key"]
        found += [_mutant(name, source, Verdict.of(exit_code)) for name, exit_code in exit_codes.items()]
    return found


def forget_unnoticed(folder: Path) -> None:
    """Let the next run try every mutant again that was not killed."""
    for meta in (folder / MUTANTS).rglob("*.py.meta"):
        content: dict[str, Any] = json.loads(meta.read_text())
        codes = content["exit_code_by_key"]
        content["exit_code_by_key"] = {name: code if code in _KILLED else None for name, code in codes.items()}
        meta.write_text(json.dumps(content))


def function_of(name: str) -> str:
    """`a.b.xǁCǁm__mutmut_1` and `a.b.x_f__mutmut_1` as `a.b.C.m` and `a.b.f`."""
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
    """The lines of a generated function but for the one that names it."""
    spans: dict[str, tuple[int, int]] = json.loads(source.with_name(source.name + ".spans").read_text())["spans"]
    start, end = spans[function]
    text = "\n".join(source.read_text().splitlines()[start - 1 : end])
    return text.replace(function, "_").splitlines()
