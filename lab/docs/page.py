"""Writes generated pages, or tells how they differ from what the code says."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Final

END: Final = "<!-- end -->"


def run(command: str, pages: Mapping[Path, Callable[[], str]], arguments: Sequence[str] | None = None) -> int:
    """Write each page's text, or with `--check` only compare; 1 when one differs. `command` is what is typed."""
    parser = argparse.ArgumentParser(
        prog=command, description=f"Writes {' and '.join(path.name for path in pages)} in docs/ from the code."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if one is out of date")
    check = parser.parse_args(arguments).check
    different = 0
    for path, text in pages.items():
        wanted = text()
        if not check:
            path.write_text(wanted, encoding="utf-8")
            continue
        current = path.read_text(encoding="utf-8") if path.is_file() else ""
        if current != wanted:
            lines = unified_diff(current.splitlines(), wanted.splitlines(), "the page", "the code", n=2, lineterm="")
            sys.stderr.write(f"docs/{path.name} is not what the code says. Run: {command}\n")
            sys.stderr.write("\n".join(lines) + "\n")
            different = 1
    return different


def between(current: str, mark: str, content: str) -> str:
    """The page `current` with this between `mark` and `END`.

    Raises:
        ValueError: one of the two is not there.
    """
    before, begin, rest = current.partition(mark)
    _, end, after = rest.partition(END)
    if not (begin and end):
        message = f"given no table; allowed: one between {mark} and {END}"
        raise ValueError(message)
    return f"{before}{mark}\n\n{content}\n\n{END}{after}"
