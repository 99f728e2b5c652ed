"""Tests the output of commands: its width, its encoding, control characters in the data, and a closed pipe."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.cli import dlq_discard, dlq_redrive
from ops.cli.screen import Screen, visible
from ops.discard_many import DiscardCounts
from ops.logic.dead_letter import State
from ops.redrive import RedriveCounts
from tests.ops.factories import ORDER_ID

ROOT = Path(__file__).resolve().parents[2]
TIME = "2026-01-01T00:00:01.500Z"
CONTROLS = "\x1b[31m \x9b2J \u202e \r\n  next: rm -rf / \u2028 \ud800 \x7f"


def screen(width: int) -> tuple[Screen, io.StringIO]:
    """Return a terminal with `width` columns, and the text that it shows."""
    written = io.StringIO()
    made = Screen(stderr=False)
    made.file, made.width = written, width
    return made, written


@given(
    columns=st.integers(1, 5), text=st.text(max_size=80), width=st.sampled_from([60, 80, 240]), number=st.integers(0, 3)
)
def test_ids_and_times_are_complete_at_every_width(columns: int, text: str, width: int, number: int) -> None:
    # GIVEN rows with an id, a time and any texts
    out, written = screen(width)
    names = ["id", "at", *(f"column {index}" for index in range(columns))]
    rows = [(ORDER_ID, TIME, *[text] * columns)] * number
    # WHEN they are shown
    out.rows(names, rows, whole={"id", "at"})
    # THEN every id and time is complete, and no text is cut
    assert written.getvalue().count(ORDER_ID) == written.getvalue().count(TIME) == number
    assert "…" not in written.getvalue().replace(visible(text), "") or "…" in text


@pytest.mark.parametrize("show", [Screen.print_line, lambda out, text: out.rows(("a",), [(text,)]), None])
def test_data_can_neither_control_the_terminal_nor_imitate_output(show: Any) -> None:
    # GIVEN a sender's text with control characters and line breaks
    out, written = screen(200)
    # WHEN it is shown as a line, in a table or as a field
    (show or (lambda out, text: out.fields({"error": text})))(out, CONTROLS)
    # THEN the whole text is on one line, with escapes for its control characters and line breaks
    (line,) = [line for line in written.getvalue().splitlines() if "next" in line]
    assert not [each for each in line if unicodedata.category(each) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert r"\x9b2J \u202e \r\n  next: rm" in line


@pytest.mark.parametrize("text", ["see [/ticket]", "the row [sku] is odd", "a :bug: somewhere"])
def test_text_that_looks_like_markup_is_shown_unchanged(text: str) -> None:
    # GIVEN a text that looks like markup
    out, written = screen(80)
    # WHEN it is shown in a table and in a line
    out.rows(("a",), [(text,)])
    out.print_line(text)
    # THEN it is complete in both
    assert written.getvalue().count(text) == 2


def test_characters_that_the_encoding_lacks_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a terminal with the encoding ASCII (LANG=C)
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    out = Screen(stderr=False)
    # WHEN characters that ASCII does not have are shown
    out.print_line("caller abcd1234…")
    out.rows(("name",), [("Zoë",)])
    # THEN they are shown as escapes
    assert b"abcd1234\\u2026" in written.getvalue()
    assert b"Zo\\xeb" in written.getvalue()


def without_reader(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python with a standard output that nobody reads: the reading end of its pipe is closed."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writer)


@pytest.mark.parametrize(
    "write", ["out.print_line('x' * 100_000)", "out.raw('x' * 100_000)", "out.rows(('a',), [('x',)])", "out.raw('x')"]
)
def test_a_command_whose_output_is_closed_finishes_its_work(write: str) -> None:
    # GIVEN a command whose reader has stopped reading (`… | true`)
    done = without_reader(
        "import sys; from ops.cli.screen import Screen; out = Screen(stderr=False)\n"
        f"{write}; {write}; sys.stderr.write(f'done {{out.is_closed}}')"
    )
    # WHEN it writes
    # THEN it finishes its work, without an error message
    assert (done.returncode, done.stderr) == (0, "done True")


def test_help_succeeds_if_its_output_is_closed() -> None:
    # GIVEN `python -m ops --help | true`
    # WHEN it runs
    done = without_reader("import sys; from ops.cli.main import main; sys.exit(main(['--help']))")
    # THEN it succeeds, without an error message
    assert (done.returncode, done.stderr) == (0, "")


REPORTS = [(dlq_redrive._report, RedriveCounts), (dlq_discard._report, DiscardCounts)]


@pytest.mark.parametrize(("report", "kind"), REPORTS)
@pytest.mark.parametrize("act", [False, True])
def test_a_report_shows_every_count(report: Callable[..., None], kind: Any, act: bool) -> None:
    # GIVEN counts that are all 0 at first, and then all different
    tally = kind()
    assert not any(tally.as_json().values())
    numbers = iter(range(1_011, 1_100))
    for each in fields(kind):
        value = getattr(tally, each.name)
        if isinstance(value, int):
            setattr(tally, each.name, next(numbers))
        elif isinstance(value, Counter):
            value.update({State.UNREADABLE: next(numbers), State.CORRUPT_ORDER: next(numbers)})
    shown, written = screen(80)
    context: Any = SimpleNamespace(as_json=False, out=shown, say=shown.print_line, heading=shown.print_line, clock=time)

    # WHEN they are reported
    report(context, tally, 2_001, act=act)

    # THEN the report shows each count
    counted = {*re.findall(r"\d{4,}", json.dumps(tally.as_json())), "2001"}
    assert {*re.findall(r"\d{4,}", written.getvalue())} >= counted
    assert ("would be" in written.getvalue()) is not act
