"""The page on performance is what the benchmarks print; they run. No figure is judged here: machines differ."""

import re

import pytest

from lab.benchmarks.__main__ import BEGIN, END, PAGE, figures, table

pytestmark = pytest.mark.long


def rows(text: str) -> list[tuple[str, ...]]:
    """What was measured, beside what, and the goal, without the figures."""
    cells = [line.strip("| ").split(" | ") for line in text.strip().splitlines() if line.startswith("|")]
    return [(each[0], re.sub(r"[\d.,]+ \S+ \(", "(", each[2]), each[4]) for each in cells[2:]]


def test_every_figure_of_the_page_can_be_measured_again() -> None:
    # GIVEN the page
    page = PAGE.read_text(encoding="utf-8")
    written = page.partition(BEGIN)[2].partition(END)[0]

    # WHEN all is measured, once
    found = list(figures(rounds=1))

    # THEN it has the same rows
    assert rows(written) == rows(table(found))
    # AND each took something
    assert all(each.ours > 0 and each.floor_value > 0 for each in found)
