"""`python -m lab.permissions [--check]`: the pages of permissions and of the roles that deploy."""

import argparse
import sys
from typing import Final

from lab.permissions import page, roles_page

PAGES: Final = (page, roles_page)


def main(arguments: list[str] | None = None) -> int:
    """Write or check the pages; 1 when a check finds a difference."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.permissions", description="Writes docs/permissions.md and docs/roles.md from the code."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if one is out of date")
    check = parser.parse_args(arguments).check
    different = 0
    for each in PAGES:
        wanted = each.text()
        if not check:
            each.PATH.write_text(wanted, encoding="utf-8")
        elif not each.PATH.is_file() or each.PATH.read_text(encoding="utf-8") != wanted:
            sys.stderr.write(f"docs/{each.PATH.name} is not what the code says. Run: python -m lab.permissions\n")
            different = 1
    return different


if __name__ == "__main__":
    sys.exit(main())
