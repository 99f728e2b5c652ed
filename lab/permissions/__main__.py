"""`python -m lab.permissions [--check]`: writes or checks docs/permissions.md and docs/roles.md."""

import sys
from collections.abc import Sequence
from typing import Final

from lab.docs.page import run
from lab.permissions import page, roles_page

PAGES: Final = (page, roles_page)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the pages. Return 1 if a check finds a difference."""
    return run("python -m lab.permissions", {each.PATH: each.text for each in PAGES}, arguments)


if __name__ == "__main__":
    sys.exit(main())
