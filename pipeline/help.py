"""The help of command-line tools, for any width of the terminal."""

import argparse
import re
import textwrap
from typing import Final

_PARAGRAPH: Final = re.compile(
    r"""
    ^(\ *) ((?<=\ \ )[\w-]+\ {2,}|) (?!\ |(?:python|make|pulumi)\ )  # a margin and perhaps a term, but no example
    (.+ (?:\n \1 (?!\ |(?<=\ \ )[\w-]+\ {2}|(?:python|make|pulumi)\ ) .+)*)  # lines with this margin
    """,
    re.MULTILINE | re.VERBOSE,
)


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Wraps descriptions and epilogs by paragraph. Examples stay in one line, so that they can be pasted.

    In a list of exit codes or other terms, two spaces follow each term.
    """

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        def wrapped(paragraph: re.Match[str]) -> str:
            margin, code, words = paragraph.groups()
            first = indent + margin + code
            below = " " * len(first)
            return textwrap.fill(
                " ".join(words.split()),
                width,
                initial_indent=first,
                subsequent_indent=below,
                break_on_hyphens=False,
            )

        return _PARAGRAPH.sub(wrapped, text)
