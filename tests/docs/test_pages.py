"""Tests that the links between pages work, and that the list of decisions is complete."""

import re
from pathlib import Path

import pytest

from local.instance import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", re.sub(r"\]\(.*?\)", "", each).lower()).replace(" ", "-") for each in headings}


LINK = re.compile(r"\]\(([^)#:\s]*)(?:#([^)]*))?\)")
"""A link to a file of this repository or to a heading. Group 1 is the file; it is empty if the heading is on the same
page. Group 2 is the anchor."""


def test_the_pages_have_links() -> None:
    # GIVEN / WHEN / THEN `LINK` finds many links. If it found none, the next test would pass
    # without a check
    assert len([link for page in PAGES for link in LINK.findall(page.read_text())]) > 200


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_work(page: Path) -> None:
    # GIVEN the links of a page that lead to files of this repository or to headings
    links = LINK.findall(page.read_text())
    # WHEN each is followed
    broken = [
        f"{file}#{anchor}"
        for file, anchor in links
        if not (target := page.parent / file if file else page).exists()
        or (anchor and target.suffix == ".md" and anchor not in anchors(target))
    ]
    # THEN the file and the heading exist
    assert broken == []


def test_the_list_of_decisions_has_every_record_with_its_title() -> None:
    # GIVEN the records and the list
    records = sorted((ROOT / "docs" / "adr").glob("0*.md"))
    listed = (ROOT / "docs" / "adr" / "README.md").read_text()
    # WHEN a row is made from each record's title
    rows = [f"| [{path.name[:4]}]({path.name}) | {path.read_text().splitlines()[0][9:]} |" for path in records]
    # THEN the list has exactly these rows
    assert [line for line in listed.splitlines() if line.startswith("| [")] == rows
