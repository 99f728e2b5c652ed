"""The incident that `make incident` plays."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from local.client import LocalStack
from local.demo.teller import Teller
from local.incident import commands_of, play


def test_the_commands_are_the_runbooks_own() -> None:
    # GIVEN the runbook that the page links
    # WHEN its commands are read
    commands = commands_of("dead-letters.md", "dead-letters")
    # THEN they end with the redrive
    assert commands[0] == "python -m ops dlq list"
    assert commands[-1] == 'python -m ops dlq redrive --by "$NAME" --reason "$REASON" --yes'


@pytest.mark.e2e
@pytest.mark.long
def test_an_incident_is_settled_by_its_page_and_runbook(tmp_path: Path) -> None:
    # GIVEN a stack of its own
    told = io.StringIO()
    teller = Teller(Console(file=told))
    with LocalStack.started(tmp_path, warm_workers=1) as stack:
        # WHEN the incident is played
        play(stack, teller)
    # THEN everything that the story says is so, and every guarantee holds
    assert teller.ok, told.getvalue()
