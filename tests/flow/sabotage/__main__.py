"""``python -m tests.flow.sabotage``: makes each deliberate mistake, and runs the test that must notice it. Prints the
test's failure message, or ``NOT NOTICED`` if the test passes."""

from __future__ import annotations

import argparse
import sys

from tests.flow.sabotage.rewrite import rewritten
from tests.flow.sabotage.sabotages import SABOTAGES


def main() -> int:
    """Make every mistake and run its test; returns the exit status."""
    argparse.ArgumentParser(
        prog="python -m tests.flow.sabotage",
        description="Make each deliberate mistake, and print whether its test notices it. There are no options.",
        epilog="Exit code: 0 if every mistake was noticed, else 1.",
    ).parse_args()
    survived = 0
    for sabotage in SABOTAGES:
        with rewritten(sabotage.changes):
            found = sabotage.caught_by.run()
        survived += found is None
        sys.stdout.write(f"{sabotage.name}\n  {sabotage.caught_by.node}\n  {found or 'NOT NOTICED'}\n")
    sys.stdout.write(f"{len(SABOTAGES)} sabotages, {survived} not noticed\n")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
