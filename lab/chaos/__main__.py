"""``python -m lab.chaos``: starts a local stack, sends orders, causes faults and kills workers.

Exit codes: 0 all guarantees held and all planned disturbances happened, 1 failed, 2 wrong usage.

example:
  python -m lab.chaos --orders 1000 --clients 200 --json
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from lab.chaos.scenario import Plan, chaos_stack, run
from local.errors import LocalError
from local.supervisor import interrupt_on_signals
from ops.errors import OpsError
from pipeline.help import HelpFormatter


def main() -> int:
    """Run the scenario and print its numbers. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab.chaos", description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("--orders", type=_at_least(50), default=1000, help="total number of orders (default: 1000)")
    parser.add_argument("--clients", type=_at_least(1), default=50, help="concurrent clients (default: 50)")
    parser.add_argument(
        "--callers",
        type=_at_least(2),
        default=4,
        help="number of callers; all use the same keys and bodies (default: 4)",
    )
    parser.add_argument(
        "--kills", type=_at_least(1), default=10, help="number of times to kill all workers (default: 10)"
    )
    parser.add_argument(
        "--outage", type=_at_least(1), default=8, help="seconds in which all transactions are throttled (default: 8)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON to standard output")
    options = parser.parse_args()
    plan = Plan(options.orders, options.clients, options.kills, options.outage, options.callers)
    interrupt_on_signals()  # so that the stack is removed on a signal too
    try:
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder, chaos_stack(Path(folder) / "state", plan) as stack:
            verdict = run(stack, plan)
    except (LocalError, OpsError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(verdict.document(), indent=2) + "\n" if options.json else verdict.text())
    return 0 if verdict.ok else 1


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of {least} or more")
        return int(text)

    return number


if __name__ == "__main__":
    sys.exit(main())
