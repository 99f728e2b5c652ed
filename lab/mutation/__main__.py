"""`python -m lab.mutation`: makes small mistakes in a copy of the tree, and runs the tests that must notice them.

`make mutation` builds the environment for this command. With `--part runtime` the mistakes are in `runtime/`, with
`--part around` in other code. Each part takes an hour or more. Exit codes: 0 the run succeeded; 1 the run failed, and
the reasons are below the table or in mutmut's messages (docs/mutation.md).

example:
  make mutation MUTATION_OPTIONS="--part runtime --only 'runtime.logic.processing.*'"
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from lab.mutation import around, tree
from lab.mutation.listed import read_listed
from lab.mutation.report import Report
from lab.mutation.results import forget_unkilled, read_results
from pipeline.help import HelpFormatter

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".build" / "mutation"
_NICENESS = 10


def main() -> int:
    """Run both parts, or one. Return 1 if a part fails."""
    arguments = _arguments()
    parts = {"runtime": _runtime, "around": around.run}
    return max(part(arguments) for name, part in parts.items() if arguments.part in {name, "both"})


def _runtime(arguments: argparse.Namespace) -> int:
    if arguments.again:
        tree.copy_again(ROOT, FOLDER)
        forget_unkilled(FOLDER)
    elif not arguments.report:
        tree.copy_fresh(ROOT, FOLDER)
    if not arguments.report:
        started = time.monotonic()
        _run_mutmut(arguments.only, arguments.children)
        print(f"mutmut took {(time.monotonic() - started) / 60:.0f} min with {arguments.children} mutants at a time.\n")
    report = Report(read_results(FOLDER), read_listed())
    problems = report.problems(complete=not arguments.only)
    print("\n".join([*report.table(), "", *problems]))
    return 1 if problems else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.mutation", description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("--part", choices=("both", "runtime", "around"), default="both", help="default: both")
    only = "run only the matching mutants, e.g. 'runtime.logic.*' or 'ops/redrive.py:*'; give --part too"
    parser.add_argument("--only", nargs="+", default=[], metavar="PATTERN", help=only)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--again", action="store_true", help="run only mutants that are new or not killed yet")
    kind.add_argument("--report", action="store_true", help="only print the table of the last run")
    parser.add_argument(
        "--seed", type=int, default=1, help="seed that selects the mutants of the part 'around' (default: 1)"
    )
    parser.add_argument(
        "--children",
        type=int,
        default=max((os.cpu_count() or 1) // 2, 1),
        help="mutants at a time (default: half the number of processors)",
    )
    return parser.parse_args()


def _run_mutmut(patterns: list[str], children: int) -> None:
    command = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", str(children), *patterns]
    os.nice(_NICENESS)
    ended = subprocess.run(command, cwd=FOLDER, check=False)
    if ended.returncode:
        raise SystemExit(f"mutmut ended with {ended.returncode}; its messages are above.")


if __name__ == "__main__":
    sys.exit(main())
