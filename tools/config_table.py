"""Writes the table of configuration keys into README.md, from the fields of `StackConfig`.

    python -m tools.config_table

Renews what stands between the two markers. Exit codes: 0 done, 1 the markers are missing.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from components.config import StackConfig

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN = "<!-- configuration: written by python -m tools.config_table -->"
END = "<!-- end of configuration -->"


def table() -> str:
    """A Markdown row for each key: name, default, what it does."""
    rows = ["| key | default | what it does |", "|---|---|---|"]
    for name, field in StackConfig.model_fields.items():
        rows.append(f"| `{name}` | {_default(field.default)} | {_escaped(field.description)} |")
    return "\n".join(rows)


def renewed(text: str) -> str:
    """`text` with the table as it should be. Raises `ValueError` when a marker is missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        message = f"README.md must have the lines {BEGIN!r} and {END!r}, in this order."
        raise ValueError(message)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _default(value: Any) -> str:
    """As it is written in a stack file; nothing for empty ones."""
    if value in ("", ()) or isinstance(value, SecretStr):
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _escaped(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


if __name__ == "__main__":
    try:
        README.write_text(renewed(README.read_text()))
    except ValueError as error:
        sys.exit(str(error))
