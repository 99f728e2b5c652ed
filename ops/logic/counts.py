"""Counts for people: `1 order`, `2 orders`."""

import re


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 order`, `2 orders`, `2 copies`. The plural must end in `s` or `ies`."""
    return f"{number} {noun if number == 1 else re.sub('(?<![aeiou])y$', 'ie', noun) + 's'}"
