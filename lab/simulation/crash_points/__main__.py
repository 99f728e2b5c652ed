"""``python -m lab.simulation.crash_points``: prints the outcome of each fault at each crash point."""

from __future__ import annotations

import argparse
import sys

from lab.simulation.crash_points.cases import PATHS, cases
from lab.simulation.crash_points.table import Table
from pipeline.help import HelpFormatter


def main() -> int:
    """Run the cases of the chosen paths. Return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.simulation.crash_points",
        description="Play every crash point with every fault, and print a table of the outcomes.",
        epilog=(
            "Exit codes: 0 if every guarantee held in every case, 1 if a guarantee was violated or no path matches, "
            "2 wrong usage.\n\n"
            "example:\n  python -m lab.simulation.crash_points --path replay"
        ),
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--path", default="", help="only paths (ways through a function) whose name contains this text")
    parser.add_argument("--pairs", action="store_true", help="add cases with a second fault at a later call")
    options = parser.parse_args()
    table = Table(pairs=options.pairs)
    _write(table.head())
    for path in PATHS:
        if options.path in path.name:
            for case in cases(path):
                table.run(case)
            _write(table.rows(path.function, path.name))
    _write(table.sums())
    return 1 if table.violations or not table.count else 0


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
