"""Tests that every promise of docs/guarantees.md names a test, and that every named test exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "guarantees.md"
DEFINITION = re.compile(r'^\[([a-z0-9-]+)\]: (\S+) "(\w+)"$', re.MULTILINE)
REFERENCE = re.compile(r"\[[^\]]+\]\[([a-z0-9-]+)\]")
GUARANTEES = ("G1", "G2", "G3", "G4", "G5", "G6")
ADR = "(adr/"


class Named(NamedTuple):
    """A test that the page names: its file, as a path relative to the page, and its function."""

    file: str
    function: str


def definitions() -> dict[str, Named]:
    """Return the tests that the page names, by label."""
    return {label: Named(file, function) for label, file, function in DEFINITION.findall(PAGE.read_text())}


def rows(section: str) -> list[str]:
    """Return the rows of a section's tables, without the heads."""
    tables = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)
    return [row for table in tables for row in table.splitlines()[2:]]


def sections() -> dict[str, list[str]]:
    """Return the table rows of every section with promises, by the section's first word."""
    parts = PAGE.read_text().split("\n## ")[1:]
    found = {part.split()[0]: rows(part) for part in parts}
    return {name: found[name] for name in (*GUARANTEES, "Limits")}


def collected(file: Path) -> set[str]:
    """Return the tests in a file of this suite: functions ``test_…``, top-level or of a class ``Test…``."""
    top = ast.parse(file.read_text()).body
    classes = [node for node in top if isinstance(node, ast.ClassDef) and node.name.startswith("Test")]
    return {
        node.name
        for body in (top, *(each.body for each in classes))
        for node in body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def sentences(name: str) -> list[str]:
    """Return the sentences of a section outside its tables."""
    (part,) = [part for part in PAGE.read_text().split("\n## ")[1:] if part.startswith(f"{name} ")]
    body = part.partition("\n")[2]
    prose = " ".join(line for line in body.splitlines() if not line.startswith("|"))
    return [sentence for sentence in re.split(r"\. +(?=[A-Z`\"])", prose.strip()) if sentence]


def test_every_named_test_exists() -> None:
    # GIVEN the tests that the page names
    named = definitions()
    # WHEN each is looked up in its file
    missing = [
        test
        for test in named.values()
        if not Path(test.file).name.startswith("test_")
        or not (PAGE.parent / test.file).is_file()
        or test.function not in collected(PAGE.parent / test.file)
    ]
    # THEN none of them is missing
    assert len(named) > 30
    assert missing == []


def test_every_promise_names_a_test_and_every_limit_names_a_test_or_an_adr() -> None:
    # GIVEN the rows of all tables
    tables = sections()
    # WHEN each row is searched for a test, and a row of a limit also for an ADR
    known = definitions().keys()
    without_test = [
        row
        for name, table in tables.items()
        for row in table
        if not set(REFERENCE.findall(row)) & known and not (name == "Limits" and ADR in row)
    ]
    # THEN every section has rows, every promise names a test, and every limit names a test or an ADR
    assert all(len(table) >= 2 for table in tables.values())
    assert without_test == []


@pytest.mark.parametrize("name", GUARANTEES)
def test_every_sentence_outside_the_tables_names_a_test(name: str) -> None:
    # GIVEN the sentences of a section outside its table
    all_sentences = sentences(name)
    # WHEN the tests in each sentence are counted
    without_test = [
        sentence for sentence in all_sentences if not set(REFERENCE.findall(sentence)) & definitions().keys()
    ]
    # THEN every sentence names a test
    assert all_sentences
    assert without_test == []


def test_labels_are_defined_and_used() -> None:
    # GIVEN the labels that the text uses, and the defined labels
    used, defined = set(REFERENCE.findall(PAGE.read_text())), definitions().keys()
    # WHEN they are compared
    # THEN they are the same
    assert used == defined
