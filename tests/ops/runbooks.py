"""The commands of docs/runbooks, as somebody on call types them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

RUNBOOKS = Path(__file__).resolve().parents[2] / "docs" / "runbooks"
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
_INLINE = re.compile(r"`(python -m ops [^`]+)`")


def sections() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each runbook (`file#heading`) with its commands in reading order, those in running text too."""
    for path in sorted(RUNBOOKS.glob("*.md")):
        parts = _HEADING.split(path.read_text())
        yield path.name, _commands(parts[0])
        for heading, text in zip(parts[1::2], parts[2::2], strict=True):
            yield f"{path.name}#{heading}", _commands(text)


def _commands(text: str) -> tuple[str, ...]:
    found = [(match.start(), match[1].strip().splitlines()) for match in _CONSOLE.finditer(text)]
    found += [(match.start(), [match[1]]) for match in _INLINE.finditer(text)]
    return tuple(line for _, lines in sorted(found) for line in lines if line.strip())


def sequences() -> dict[tuple[str, ...], list[str]]:
    """Sequences of commands, each once, with the runbooks that have it."""
    found: dict[tuple[str, ...], list[str]] = {}
    for where, commands in sections():
        if commands:
            found.setdefault(commands, []).append(where)
    return found
