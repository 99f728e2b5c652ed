"""Mutants of the code outside `runtime/`. Each is an edit that replaces one span of one file."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from lab.mutation.results import Change


@dataclass(frozen=True, slots=True)
class Edit:
    """One mistake: the bytes of `path` from `start` to `end` become `text`.

    Attributes:
        place: The classes and functions that contain the mistake. In a YAML document: the keys that lead to the
            mistake. For a mistake that `examples.toml` lists: its name there.
        pattern: The kind of mistake.
        occurrence: 1 for the first mistake of this pattern at this place, 2 for the second, and so on.
    """

    path: str
    place: str
    pattern: str
    occurrence: int
    start: int
    end: int
    text: str

    @property
    def name(self) -> str:
        """Return a name that stays the same when other places in the file change."""
        return f"{self.path}:{self.place}:{self.pattern}#{self.occurrence}"

    def applied(self, source: bytes) -> bytes:
        """Return the file with the mistake."""
        return source[: self.start] + self.text.encode() + source[self.end :]

    def change(self, source: bytes) -> Change:
        """Return the mistake as the lines that it removes and adds."""
        before, after = (each.decode().splitlines() for each in (source, self.applied(source)))
        lines = list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]
        removed, added = ("\n".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")
        return Change(f"{self.path}:{self.place}", removed, added)


def read_examples(entries: list[Mapping[str, str]], sources: Mapping[str, str]) -> list[Edit]:
    """Return the mistakes that `examples.toml` lists. Each replaces the text `before` in `file` by `after`.

    Raises:
        ValueError: the file does not contain `before` exactly once.
    """
    edits = []
    for entry in entries:
        source, before = sources[entry["file"]], entry["before"]
        if source.count(before) != 1:
            raise ValueError(
                f"{entry['name']}: {entry['file']} contains this text {source.count(before)} times, "
                f"but must contain it once: {before}"
            )
        start = len(source[: source.index(before)].encode())
        end = start + len(before.encode())
        edits.append(Edit(entry["file"], entry["name"], "example", 1, start, end, entry["after"]))
    return edits
