"""Measures what is said about speed, each figure beside its floor in the same run; prints docs/performance.md's table.

Takes some minutes, and a machine that does little else.

example:
  python -m lab.benchmarks --rounds 11 --write
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from lab.benchmarks import batch, cold_start, warm
from lab.benchmarks.measure import medians
from lab.recording.stacks import environment_of
from pipeline.functions import FUNCTIONS

PAGE: Final = cold_start.ROOT / "docs" / "performance.md"
BEGIN: Final = "<!-- measured by python -m lab.benchmarks --write -->"
END: Final = "<!-- end -->"


class Figure(NamedTuple):
    """One row: what was measured, in which unit, beside what, and at most how many times as much it shall be."""

    what: str
    unit: str
    floor: str
    floor_value: float
    ours: float
    goal: str


def figures(rounds: int) -> Iterator[Figure]:
    """All that is measured, in the order of the page."""
    with tempfile.TemporaryDirectory() as scratch:
        package, folder = cold_start.unpacked(Path(scratch), bytecode=True)
        sources, without = cold_start.unpacked(Path(scratch), bytecode=False)
        init = medians(cold_start.alternatives(folder, without), rounds)
        floor = init[cold_start.FLOOR] * 1e3
        goals = {each.key: "1.7" if each.service == "api" else "2.0" for each in FUNCTIONS}
        for name, seconds in init.items():
            if name != cold_start.FLOOR:
                yield Figure(f"init, {name}", "ms", cold_start.FLOOR, floor, seconds * 1e3, goals.get(name, "—"))
        for what, measure in (("accept", warm.accept), ("settle", warm.settle)):
            found = measure(folder, rounds)
            calls = f"{len(found.calls)} bare calls"
            yield Figure(f"warm, {what} one order", "µs", calls, found.floor * 1e6, found.ours * 1e6, "1.5")
    yield from _batches(rounds)
    yield Figure("package, as uploaded", "MB", "sources only", sources.size / 1e6, package.size / 1e6, "—")


def _batches(rounds: int) -> Iterator[Figure]:
    threads = int(environment_of("prod", "process-order")["BATCH_THREADS"])
    found = medians({str(each): partial(batch.seconds_for, each) for each in (1, threads)}, rounds)
    one, many = found["1"] * 1e3, found[str(threads)] * 1e3
    yield Figure(f"a batch of {batch.ORDERS} on {threads} threads", "ms", "one after the other", one, many, "—")


def table(found: Sequence[Figure]) -> str:
    """The figures as the page has them."""
    rows = [
        f"| {each.what} | {_value(each.ours, each)} | {_value(each.floor_value, each)} ({each.floor}) "
        f"| {each.ours / each.floor_value:.2f} | {each.goal} |"
        for each in found
    ]
    return "\n".join(["| what | ours | beside | ratio | goal |", "|---|---|---|---|---|", *rows])


def _value(value: float, figure: Figure) -> str:
    return f"{value:,.{1 if figure.unit == 'MB' else 0}f} {figure.unit}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=11, help="each figure is the median of so many (default 11)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    options = parser.parse_args(arguments)
    found = list(figures(options.rounds))
    text = json.dumps([each._asdict() for each in found], indent=2) if options.json else table(found)
    sys.stdout.write(f"{text}\n")
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        _, _, after = rest.partition(END)
        PAGE.write_text(f"{before}{BEGIN}\n{table(found)}\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
