"""Measures our functions and the code to compare them with, and prints the table of docs/performance.md.

A run takes some minutes. The machine should do little else meanwhile.

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
from lab.docs import page
from lab.docs.costs import examples
from lab.recording.stacks import environment_of
from lab.simulation.outage import arrivals
from lab.simulation.outage_tables import flooded
from lab.simulation.popular import sell
from ops.cost.bill import bill
from pipeline.functions import FUNCTIONS
from pipeline.help import HelpFormatter

PAGE: Final = cold_start.ROOT / "docs" / "performance.md"
BEGIN: Final = "<!-- measured by python -m lab.benchmarks --write -->"


class Figure(NamedTuple):
    """One row: the measure, its unit, our figure, the figures to compare it with, and the goal.

    Attributes:
        floor: The figure if lab/benchmarks/hand_signed.py makes our function's calls to AWS. In rows
            about init: the figure for creating one client of hand_signed.py.
        bare: The figure if botocore's clients make these calls. In rows about init: the figure for
            creating one botocore client. In some rows `bare` is something else: the field `what`
            describes it after the word "bare:".
        peer: The figure of a function with the same task, written as in public templates.
        goal: A number without a unit is the highest allowed value of `ours / bare`. A number with a unit is the
            highest allowed value of `ours`; for orders/s it is the lowest.
    """

    what: str
    unit: str
    ours: float
    floor: float | None = None
    bare: float | None = None
    peer: float | None = None
    goal: str = "—"


def figures(rounds: int) -> Iterator[Figure]:
    """Yield all figures in the order of the page."""
    with tempfile.TemporaryDirectory() as scratch:
        package, folder = cold_start.unpacked(Path(scratch), bytecode=True)
        sources, without = cold_start.unpacked(Path(scratch), bytecode=False)
        found = medians(cold_start.alternatives(folder, without), rounds)
        init = {name: seconds * 1e3 for name, seconds in found.items()}
        floor, bare = init.pop(cold_start.FLOOR), init.pop(cold_start.BARE)
        peers = {key: init.pop(f"peer {key}") for key in cold_start.PEERS}
        goals = {each.key: "1.7" if each.service == "api" else "2.0" for each in FUNCTIONS}
        for name, ours in init.items():
            yield Figure(f"init, {name}", "ms", ours, floor, bare, peers.get(name), goals.get(name, "—"))
        for what, measure in (("accept", warm.accept), ("settle", warm.settle)):
            *seconds, calls = measure(folder, rounds)
            floor, bare, peer, ours = (each * 1e6 for each in seconds)
            yield Figure(f"warm, {what} one order, {len(calls)} calls", "µs", ours, floor, bare, peer, "1.5")
    yield from _batches(rounds)
    yield Figure(
        "package, as uploaded; bare: sources only", "MB", package.size / 1e6, bare=sources.size / 1e6, goal="14 MB"
    )
    yield from _computed()


def _batches(rounds: int) -> Iterator[Figure]:
    threads = int(environment_of("prod", "process-order")["BATCH_THREADS"])
    found = medians({str(each): partial(batch.seconds_for, each) for each in (1, threads)}, rounds)
    what = f"a batch of {batch.ORDERS} on {threads} threads; bare: on one thread"
    yield Figure(what, "ms", found[str(threads)] * 1e3, bare=found["1"] * 1e3)
    found = medians({who: partial(batch.tls_seconds, create) for who, create in batch.TLS_CONTEXTS.items()}, rounds)
    what = f"loading certificate authorities for {2 * batch.ORDERS} connections; bare: as botocore loads them"
    yield Figure(what, "ms", found["ours"] * 1e3, bare=found["bare"] * 1e3)


def _computed() -> Iterator[Figure]:
    """Yield the computed figures: money by `ops cost`, and results of the queue model."""
    (ten,) = (each for each in examples() if each.load.per_batch > 1)
    used = float(sum(item.used for item in bill(ten.config, ten.load)))
    name = (
        f"cost of a million orders (`ops cost`), {ten.name} ([why it exceeds the goal](options.md#what-a-stack-costs))"
    )
    yield Figure(name, "USD", used, goal="8.50 USD")
    popular = sell(arrivals(1000, 20))
    yield Figure("orders of one popular article (simulated)", "orders/s", popular.per_second, goal="200 orders/s")
    (fair, _), (unfair, _) = (flooded(1, fair=each) for each in (True, False))
    what = "a quiet caller's slowest order while another caller sends a flood (simulated); bare: without fair queues"
    yield Figure(what, "s", fair[-1], bare=unfair[-1])


def table(found: Sequence[Figure]) -> str:
    """Return the figures as the page's table."""
    rows = [
        f"| {each.what} | {' | '.join(_value(value, each) for value in (each.floor, each.bare, each.peer, each.ours))} "
        f"| {f'{each.ours / each.bare:.2f}' if each.bare else '—'} | {each.goal} |"
        for each in found
    ]
    return "\n".join(
        ["| what | floor | bare | peer | ours | ours / bare | goal |", "|---|---|---|---|---|---|---|", *rows]
    )


def _value(value: float | None, figure: Figure) -> str:
    places = {"MB": 1, "USD": 2, "s": 2}.get(figure.unit, 0)
    return "—" if value is None else f"{value:,.{places}f} {figure.unit}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the figures; with `--write` also write them into the page."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.benchmarks", description=__doc__, formatter_class=HelpFormatter
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=11,
        help="number of rounds (default: 11); warm calls get five times as many; each measured time is a median",
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    options = parser.parse_args(arguments)
    found = list(figures(options.rounds))
    text = json.dumps([each._asdict() for each in found], indent=2) if options.json else table(found)
    sys.stdout.write(f"{text}\n")
    if options.write:
        PAGE.write_text(page.between(PAGE.read_text(encoding="utf-8"), BEGIN, table(found)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
