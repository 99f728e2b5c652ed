"""README.md keeps up with the code, and stays short enough to be read."""

import re

from local.instance import ROOT

README = ROOT / "README.md"
TEXT = README.read_text()


def test_links_lead_somewhere() -> None:
    # GIVEN the links of README.md and docs/architecture.md that are files
    for page in (README, ROOT / "docs" / "architecture.md"):
        links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())

        # THEN each is there
        assert links
        assert [link for link in links if not (page.parent / link).exists()] == []


def test_commands_are_targets_of_make() -> None:
    # GIVEN the make targets that README.md names
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", TEXT, re.MULTILINE))
    targets = set(re.findall(r"^([a-z -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    known = {target for line in targets for target in line.split()}

    # THEN make knows them
    assert named - known == set()


def test_it_is_read_in_a_few_minutes() -> None:
    # GIVEN / WHEN / THEN what does not fit belongs into docs/
    assert len(TEXT.split()) <= 1500
