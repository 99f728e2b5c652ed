"""docs/incidents.md: what pages, what `ops status` says and which commands end it (`python -m lab.docs.incidents`)."""

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

For whoever wants to know what would page: incidents in a shop with 60 orders an hour, played (`{COMMAND}`) in
simulated time on the real handlers, alarms and commands. The minutes are those to an alarm's first notice, without
CloudWatch's own delay. `ops status` is asked at the first page, or at the incident's end. Lost and doubled orders are
counted by the invariants G1 and G2 and `ops audit`.

"""
_COLUMNS = (
    "incident",
    "pages",
    "other alarms",
    "`ops status` says",
    "typed when the cause was put right",
    "lost",
    "doubled",
)


def text() -> str:
    """The page.

    Raises:
        AssertionError: a command failed, or something is left that should not be.
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
        "<br>".join(_commands(played.commands)) or "nothing",
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
    """Write the page, or check it."""
    return run(COMMAND, {_PAGE: text}, arguments)


if __name__ == "__main__":
    sys.exit(main())
