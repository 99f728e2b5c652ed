"""The survivors that change no behaviour, each with the reason: `equivalent.toml`."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from lab.mutation.results import Change, Mutant, Verdict

FILE = Path(__file__).with_name("equivalent.toml")
MAY_BE_LISTED = frozenset({Verdict.SURVIVED, Verdict.TIMEOUT})
"""Of a listed mutant no test fails. That they took too long says something of the machine only."""


def read_listed(file: Path = FILE) -> dict[Change, str]:
    """The reasons by change.

    Raises:
        ValueError: an entry has no reason, or stands there twice.
    """
    listed: dict[Change, str] = {}
    for entry in tomllib.loads(file.read_text()).get("mutant", []):
        change = Change(entry["function"], entry["before"], entry["after"])
        why = str(entry.get("why", "")).strip()
        if not why:
            raise ValueError(f"{file.name}: the mutant of {change.function} `{change.after}` needs `why`: say it.")
        if change in listed:
            raise ValueError(f"{file.name}: the mutant of {change.function} `{change.after}` is listed twice.")
        listed[change] = why
    return listed


def stale(listed: dict[Change, str], mutants: Sequence[Mutant]) -> list[Change]:
    """Return what is listed though a test failed for it, or there is no such mutant; in modules that were run to the
    end.
    """
    unclear = {mutant.module for mutant in mutants if mutant.verdict is Verdict.UNCLEAR}
    unnoticed = {mutant.change for mutant in mutants if mutant.verdict in MAY_BE_LISTED}
    return [
        change
        for change in listed
        if change not in unnoticed and not any(change.function.startswith(module + ".") for module in unclear)
    ]


def entry(change: Change) -> str:
    """An entry for `equivalent.toml` that only lacks its reason."""
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
