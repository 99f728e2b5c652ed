"""`python -m lab.permissions [--check]`: the page of permissions."""

import argparse
import sys

from lab.permissions import page


def main(arguments: list[str] | None = None) -> int:
    """Write or check the page; 1 when a check finds a difference."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.permissions", description="Writes docs/permissions.md from the code."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it is out of date")
    check = parser.parse_args(arguments).check
    wanted = page.text()
    if not check:
        page.PATH.write_text(wanted, encoding="utf-8")
        return 0
    if page.PATH.is_file() and page.PATH.read_text(encoding="utf-8") == wanted:
        return 0
    sys.stderr.write(f"docs/{page.PATH.name} is not what the code says. Run: python -m lab.permissions\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
