"""Generates docs/incidents.md: alarms, `ops status` and commands in each incident (`python -m lab.docs.incidents`)."""

import sys
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from lab.docs.page import run
from lab.incidents.cases import INCIDENTS
from lab.incidents.play import Played, play

COMMAND = "python -m lab.docs.incidents"
_PAGE = Path(__file__).resolve().parents[2] / "docs" / "incidents.md"
_HEAD = f"""# Incidents

For readers who ask which alarms fire in an incident. `{COMMAND}` simulates a shop (60 orders an
hour by default) with the real handlers, alarms and commands.

- **pages, other alarms**: alarms that page, and alarms that do not. In brackets: the minutes from the fault to the
  first notification, without CloudWatch's delay. Some alarms wait two minutes before they notify, because another
  alarm may suppress them.
- **`ops status`** runs when the first alarm pages. First it prints `Problem:` and the most urgent finding.
- **commands**: the last one is repeated if more dead letters arrive. After all commands, `ops audit` finds no
  violation.
- **lost, doubled**: violations of [G1 and G2](guarantees.md).

"""
_COLUMNS = (
    "incident",
    "pages",
    "other alarms",
    "first line of `ops status`",
    "commands (without `--by` and `--reason`)",
    "lost",
    "doubled",
)


def text() -> str:
    """Return the page.

    Raises:
        AssertionError: a command failed, a message was left in a queue, or `ops audit` found a violation.
    """
    played = [play(incident) for incident in INCIDENTS]
    assert not (odd := {one.incident.name: one.odd for one in played if one.odd}), odd
    rows = [_COLUMNS, ("---",) * len(_COLUMNS), *map(_cells, played)]
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(played: Played) -> tuple[str, ...]:
    return (
        played.incident.name,
        _alarms(played.pages),
        _alarms(played.others),
        played.status,
        "<br>".join(_commands(played.commands)) or "none",
        str(len(played.lost)),
        str(len(played.doubled)),
    )


def _alarms(found: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name} ({minutes} min)" for name, minutes in found) or "none"


def _commands(typed: Sequence[str]) -> list[str]:
    counted = ((command, len(list(same))) for command, same in groupby(typed))
    shown = {"{order}": '"$ORDER_ID"', "{expect}": '"$SHOWN"', "--by Ada --reason incident ": ""}
    return [f"`{_replaced(command, shown)}`" + (f", {times} times" if times > 1 else "") for command, times in counted]


def _replaced(text: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(name, value)
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the page. Return 1 if a check finds a difference."""
    return run(COMMAND, {_PAGE: text}, arguments)


if __name__ == "__main__":
    sys.exit(main())
