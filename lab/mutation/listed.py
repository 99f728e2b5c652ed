"""Reads the lists of mutants that are allowed to survive. Each entry says why."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from lab.mutation.results import Change, Mutant, Verdict

FILE = Path(__file__).with_name("equivalent.toml")
MAY_BE_LISTED = frozenset({Verdict.SURVIVED, Verdict.TIMEOUT})
"""Verdicts that a listed mutant may have. `TIMEOUT` is one of them, because a slow machine may cause it."""


def read_listed(file: Path = FILE) -> dict[Change, str]:
    """Return the reason of each listed change.

    Raises:
        ValueError: an entry has no reason, or is listed twice.
    """
    listed: dict[Change, str] = {}
    for entry in tomllib.loads(file.read_text()).get("mutant", []):
        change = Change(entry["function"], entry["before"], entry["after"])
        why = str(entry.get("why", "")).strip()
        if not why:
            raise ValueError(f"{file.name}: the mutant of {change.function} `{change.after}` needs `why`.")
        if change in listed:
            raise ValueError(f"{file.name}: the mutant of {change.function} `{change.after}` is listed twice.")
        listed[change] = why
    return listed


def stale(listed: dict[Change, str], mutants: Sequence[Mutant]) -> list[Change]:
    """Return the listed changes that are out of date.

    A change is out of date if a test noticed the mutant, or if the mutant does not exist.
    If one mutant of a module in `runtime/` has the verdict `UNCLEAR`, all listed changes of this module are left out.
    """
    unclear = {mutant.module for mutant in mutants if mutant.verdict is Verdict.UNCLEAR}
    unnoticed = {mutant.change for mutant in mutants if mutant.verdict in MAY_BE_LISTED}
    return [
        change
        for change in listed
        if change not in unnoticed and not any(change.function.startswith(module + ".") for module in unclear)
    ]


def entry(change: Change) -> str:
    """Return an entry for a list of survivors, with an empty reason."""
    return (
        f"[[mutant]]\nfunction = {_quoted(change.function)}\nbefore = {_quoted(change.before)}\n"
        f'after = {_quoted(change.after)}\nwhy = ""\n'
    )


def _quoted(text: str) -> str:
    if "'" not in text and "\n" not in text:
        return f"'{text}'"
    if "'''" not in text and not text.endswith("'"):
        return f"'''\n{text}'''"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
