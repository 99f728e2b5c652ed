"""``python -m lab.fuzz``: sends hostile requests and messages to the functions, and judges the outcomes."""

from __future__ import annotations

import argparse
import sys
import time

from lab.fuzz.run import BATCH, EVENTS, KINDS, FuzzCounts, play
from pipeline.help import HelpFormatter

_PROGRESS_SECONDS = 5
_SHOWN = 10


def main(arguments: list[str] | None = None) -> int:
    """Play the rounds. Returns 0 if no round had a violation, else 1. Exits with 2 if the command is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.fuzz",
        description="Send hostile events to the API's functions and hostile batches to the worker, on the in-memory "
        "AWS. Some calls to AWS fail. Report exceptions, lost records, 5xx answers although no call failed, and "
        "answers or logs that repeat input.",
        epilog="Exit codes: 0 without violations, 1 with violations, 2 wrong usage.\n\n"
        "example:\n  python -m lab.fuzz --events 100000 --batches 50000 --seed 7",
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--events", type=int, default=100_000, help="number of requests (default: %(default)s)")
    parser.add_argument(
        "--batches", type=int, default=50_000, help="number of invocations of the worker (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the first round; each further round adds 1 (default: %(default)s)"
    )
    parser.add_argument("--workers", type=int, default=2, help="number of processes (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.events < 0 or options.batches < 0 or options.workers < 1:
        parser.error("--events and --batches must not be negative, --workers must be at least 1.")
    tally = FuzzCounts(options.seed)
    _play(tally, options)
    sys.stdout.write(tally.text())
    for kind, seed, found in tally.violations[:_SHOWN]:
        size = KINDS[kind][1]
        others = " ".join(f"--{name} 0" for name in KINDS if name != kind)
        sys.stdout.write(f"\nViolations in python -m lab.fuzz --{kind} {size} {others} --seed {seed}:\n")
        sys.stdout.write("".join(f"  {text}\n" for text in found[:_SHOWN]))
    return 1 if tally.violations else 0


def _play(tally: FuzzCounts, options: argparse.Namespace) -> None:
    wanted = {EVENTS: options.events, BATCH: options.batches}
    started, shown = time.monotonic(), 0.0
    for _ in play(tally, wanted, options.workers):
        elapsed = time.monotonic() - started
        tally.seconds = elapsed
        if elapsed - shown > _PROGRESS_SECONDS:
            shown = elapsed
            played = ", ".join(f"{tally.played(kind)}/{number} {kind}" for kind, number in wanted.items())
            sys.stderr.write(f"{played}, {len(tally.violations)} rounds with violations, {tally.seconds:.0f} s\n")


if __name__ == "__main__":
    sys.exit(main())
