"""``python -m lab.simulation.histories``: plays random histories, and shrinks the first that violates a guarantee."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from lab.simulation.histories.counts import HistoryCounts
from lab.simulation.histories.generate import history
from lab.simulation.histories.run import play_in_chunks
from lab.simulation.histories.shrink import play, shrink
from lab.simulation.histories.steps import History
from pipeline.help import HelpFormatter

_PROGRESS_SECONDS = 5


def main() -> int:
    """Play, replay or print histories; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.simulation.histories",
        description="Play random histories, and shrink the first that violates a guarantee.",
        epilog=(
            "Exit codes: 0 if every guarantee held, 1 if one was violated, 2 wrong usage.\n\n"
            "example:\n  python -m lab.simulation.histories --histories 5000 --seed 42"
        ),
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--histories", type=int, default=1000, help="number of histories (default: %(default)s)")
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="seed of the first history; each further history adds 1 (default: %(default)s)",
    )
    parser.add_argument("--workers", type=int, default=1, help="number of processes (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the counts to this file, repeatedly during the run")
    parser.add_argument("--show", action="store_true", help="print the history of --seed and play nothing")
    parser.add_argument("--replay", type=Path, help="play the history in this file; --show prints the format")
    parser.add_argument("--keep-going", action="store_true", help="play all histories, even after a violation")
    options = parser.parse_args()
    if options.histories < 1 or options.workers < 1:
        parser.error("--histories and --workers must be at least 1.")
    if options.show:
        sys.stdout.write(history(options.seed).text())
        return 0
    if options.replay:
        return _replay(options.replay)
    return _play_many(options)


def _replay(file: Path) -> int:
    try:
        read = History.read(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, KeyError) as error:
        sys.stderr.write(f"Cannot read {file} as a history in the format that --show prints: {error!r}\n")
        return 2
    violations = play(read)
    sys.stdout.write("".join(f"{text}\n" for text in violations) or "Every guarantee held.\n")
    return 1 if violations else 0


def _play_many(options: argparse.Namespace) -> int:
    tally, started, shown = HistoryCounts(), time.monotonic(), 0.0
    for part in play_in_chunks(options.seed, options.histories, options.workers):
        tally.merge(part)
        elapsed = time.monotonic() - started
        if elapsed - shown > _PROGRESS_SECONDS:
            shown = elapsed
            _progress(tally, options.histories, tally.histories / elapsed)
            _write(tally, options, elapsed)
        if tally.failures and not options.keep_going:
            break
    elapsed = time.monotonic() - started
    _write(tally, options, elapsed)
    sys.stdout.write(f"{tally.text()}\n  {elapsed:.0f} s, {tally.histories / elapsed:.1f} histories/s\n")
    if not tally.failures:
        return 0
    _explain(*min(tally.failures))
    return 1


def _progress(tally: HistoryCounts, wanted: int, rate: float) -> None:
    sys.stderr.write(
        f"{tally.histories}/{wanted} histories, {len(tally.failures)} with violations, {rate:.1f}/s, "
        f"{(wanted - tally.histories) / rate / 60:.0f} min left\n"
    )
    sys.stderr.flush()


def _write(tally: HistoryCounts, options: argparse.Namespace, seconds: float) -> None:
    """Write the counts so far. If this run is stopped, a new run can continue at the next seed."""
    if options.json is not None:
        run = {"first_seed": options.seed, "wanted": options.histories, "workers": options.workers}
        document = {**run, "seconds": round(seconds, 1), **tally.document()}
        options.json.write_text(json.dumps(document, indent=1), encoding="utf-8")


def _explain(seed: int, violations: list[str]) -> None:
    failed = history(seed)
    sys.stdout.write(
        f"\nSeed {seed} ({failed.length} steps) violates:\n" + "".join(f"  {text}\n" for text in violations)
    )
    small = shrink(failed)
    sys.stdout.write(f"The history shrinks to {small.length} steps:\n\n{small.text()}\nIt violates:\n")
    sys.stdout.write("".join(f"  {text}\n" for text in play(small)))
    sys.stdout.write("Save the JSON to a file and play it again with --replay FILE.\n")


if __name__ == "__main__":
    sys.exit(main())
