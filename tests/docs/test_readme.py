"""Tests that README.md matches the code and stays short."""

import re

from local.instance import ROOT

README = ROOT / "README.md"
TEXT = README.read_text()


def test_commands_are_targets_of_make() -> None:
    # GIVEN the make targets that README.md names
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", TEXT, re.MULTILINE))
    targets = set(re.findall(r"^([a-z -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    known = {target for line in targets for target in line.split()}

    # THEN the Makefile has them
    assert named - known == set()


def test_the_readme_is_short() -> None:
    # GIVEN / WHEN / THEN the file is short; further text belongs in docs/
    assert len(TEXT.split()) <= 1500
