"""Writes generated pages, or checks whether they are up to date."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Final

END: Final = "<!-- end -->"


def run(command: str, pages: Mapping[Path, Callable[[], str]], arguments: Sequence[str] | None = None) -> int:
    """Write each page. With `--check`, only compare the pages, and return 1 if one differs. Messages show `command`."""
    parser = argparse.ArgumentParser(
        prog=command, description=f"Generate {' and '.join(path.name for path in pages)} in docs/ from the code."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page is out of date")
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
            sys.stderr.write(f"{path.name} is out of date. Run: {command}\n")
            sys.stderr.write("\n".join(lines) + "\n")
            different = 1
    return different


def between(current: str, mark: str, content: str) -> str:
    """Return the text of the page, `current`, with `content` between `mark` and `END`.

    Raises:
        ValueError: the page lacks one of the two marks.
    """
    before, begin, rest = current.partition(mark)
    _, end, after = rest.partition(END)
    if not (begin and end):
        message = f"the page lacks {mark}, or {END} after it"
        raise ValueError(message)
    return f"{before}{mark}\n\n{content}\n\n{END}{after}"
