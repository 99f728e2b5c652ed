"""Writes the table of configuration keys into README.md, from the fields of `StackConfig`.

    python -m lab.docs.configuration            renew what stands between the two markers
    python -m lab.docs.configuration --check    write nothing; exit 1 if it is out of date

Exit codes: 0 done or current, 1 out of date or the markers are missing.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from pipeline.config import StackConfig

README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN = "<!-- configuration: written by python -m lab.docs.configuration -->"
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


def main(arguments: list[str] | None = None) -> int:
    """Write or check the table; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.docs.configuration",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it is out of date")
    check = parser.parse_args(arguments).check
    current = README.read_text(encoding="utf-8")
    try:
        wanted = renewed(current)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not check:
        README.write_text(wanted, encoding="utf-8")
        return 0
    if current == wanted:
        return 0
    sys.stderr.write("README.md is not what the code says. Run: python -m lab.docs.configuration\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
