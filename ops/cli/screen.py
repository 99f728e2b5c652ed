"""Output of commands.

Tables are adapted to the width of the output, and characters that its encoding lacks are escaped. JSON
for programs is written unchanged.
"""

import io
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import IO, Any, Final

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

_LEAST_WIDTH: Final = 12
"""Least width of a text column. If a column would be narrower, the rows are printed as blocks with one
line for each field, which are easier to read."""
_WIDTH_WITHOUT_TERMINAL: Final = 240
_EMPTY: Final = ("", "-")


def visible(text: str) -> str:
    """Return `text` as one line. Line breaks, control characters and format characters become escapes.

    Senders choose the text of messages and attributes. Such text must not control a terminal or look like our lines.
    """
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


class Screen(Console):
    """Standard output or standard error, or a `file` in its place.

    Texts are shown as they are, never as markup. Characters that the encoding lacks are escaped. If the reader of a
    pipe ends (`… | head`), the output ends, but the command continues.
    """

    def __init__(self, *, stderr: bool, file: IO[str] | None = None) -> None:
        super().__init__(stderr=stderr, file=file, highlight=False, markup=False, emoji=False)
        if not self.is_terminal:
            # This width is enough to print each id on one line.
            self.width = _WIDTH_WITHOUT_TERMINAL
        if isinstance(self.file, io.TextIOWrapper):
            self.file.reconfigure(errors="backslashreplace")

    @property
    def is_closed(self) -> bool:
        """Return whether the reader of the pipe has ended."""
        return self.quiet

    def on_broken_pipe(self) -> None:
        """Discard all further output."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)

    def print_line(self, text: str, style: str | None = None) -> None:
        """Print one line of any length. No line breaks are added, so that people can copy it from a terminal."""
        self.print(visible(text), style=style, soft_wrap=True)

    def raw(self, text: str) -> None:
        """Write text for programs, unchanged."""
        self.finish(f"{text}\n")

    def finish(self, text: str = "") -> None:
        """Write `text`, and flush the output."""
        try:
            self.file.write(text)
            self.file.flush()
        except BrokenPipeError:
            self.on_broken_pipe()

    def fields(self, fields: Mapping[str, Any]) -> None:
        """Print names and values, one pair per line. Skip pairs whose value is empty."""
        shown = {name: str(value) for name, value in fields.items() if value not in (None, [], *_EMPTY)}
        width = max(map(len, shown), default=0)
        for name, value in shown.items():
            self.print_line(f"{name:<{width}}  {value}")

    def rows(self, columns: Sequence[str], rows: Iterable[Sequence[str]], whole: Collection[str] = ()) -> None:
        """Print a table or, if it is too wide, a block of fields for each row. `whole`: columns that never wrap."""
        cells = [[visible(cell) for cell in row] for row in rows]
        kept = [index for index, name in enumerate(columns) if name in whole]
        taken = sum(max(map(cell_len, (columns[index], *(row[index] for row in cells)))) for index in kept)
        if taken + _LEAST_WIDTH * (len(columns) - len(kept)) + len(columns) - 1 > self.width:
            for number, row in enumerate(cells):
                if number:
                    self.print_line("")
                self.fields(dict(zip(columns, row, strict=True)))
            return
        table = Table(box=None, pad_edge=False)
        for name in columns:
            table.add_column(name, overflow="fold", no_wrap=name in whole)
        for row in cells:
            table.add_row(*row)
        self.print(table)
