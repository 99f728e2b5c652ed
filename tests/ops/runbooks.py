"""The commands of docs/runbooks, in the order in which somebody on call types them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

RUNBOOKS = Path(__file__).resolve().parents[2] / "docs" / "runbooks"
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
_INLINE = re.compile(r"`(python -m ops [^`]+)`")
SHOWN = {
    "status": ("worker:", "dead letters", "alarms:"),
    "dlq list": ("$ORDER_ID", "causes", "InternalServerError"),
    "dlq show": ("error_type", "InternalServerError", "FAILED", "next: python -m ops dlq redrive"),
    "dlq redrive": ("redriven", "seen"),
    "dlq discard --where": ("$ERROR_TYPE", "discarded", "seen"),
    "dlq history": ("found in a test", "InternalServerError"),
    "dlq discard": ("$ORDER_ID is DISCARDED", "messages deleted"),
    "errors": (" in the logs of the last 1h",),
    "logs": (" in the last 1h",),
    "order trace": ("$ORDER_ID", "accepted, and sent to the queue", "event", "conclusion: "),
    "order replay-events": ("published $ORDER_ID:order.confirmed",),
    "events replay": (", settled from ", "excluded by the subscription's filter"),
    "audit": ("G1 nothing lost", "G6 isolation", "Cut-off: ", "not known: "),
    "mute on": ("This endpoint does not support mute rules",),
    "orders open": ("open for 15m or longer: ",),
    "stock get": ("$SKU: ",),
    "stock add": ("$SKU: was ", "is now"),
    "worker pause": ("worker: ", "Disabled", "next: python -m ops worker resume"),
    "deploy rollback": ("error:", "gradual_deploy"),
    "deploy shift": ("This stack does not shift traffic",),
    "worker resume": ("worker: ", "Enabled"),
    "smoke": ("REJECTED", "published"),
}
"""For each command: texts that its output contains. They are the same for every runbook."""


def sections() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each runbook section with its commands in the order of the text. Commands in sentences are included.

    A section is `file#heading`, and the text before a file's first heading is `file`.
    """
    for path in sorted(RUNBOOKS.glob("*.md")):
        parts = _HEADING.split(path.read_text())
        yield path.name, _commands(parts[0])
        for heading, text in zip(parts[1::2], parts[2::2], strict=True):
            yield f"{path.name}#{heading}", _commands(text)


def _commands(text: str) -> tuple[str, ...]:
    found = [(match.start(), match[1].strip().splitlines()) for match in _CONSOLE.finditer(text)]
    found += [(match.start(), [match[1]]) for match in _INLINE.finditer(text)]
    return tuple(line for _, lines in sorted(found) for line in lines if line.strip())


def sequences() -> dict[tuple[str, ...], list[str]]:
    """Return each sequence of commands once, with the runbook sections that contain it."""
    found: dict[tuple[str, ...], list[str]] = {}
    for where, commands in sections():
        if commands:
            found.setdefault(commands, []).append(where)
    return found


def what_it_shows(command: str) -> tuple[str, ...]:
    """Return the texts that a runbook's command must print. Placeholders such as `$ORDER_ID` are not filled in.

    Raises:
        StopIteration: `SHOWN` has no entry for the command.
    """
    words = command.removeprefix("python -m ops ")
    return next(shown for start, shown in SHOWN.items() if words == start or words.startswith(f"{start} "))
