"""``python -m lab.simulation.outage_tables``: prints the tables of docs/simulation.md."""

from __future__ import annotations

import argparse
import sys

from lab.simulation.outage import Result, Settings, Simulation, arrivals, down_for, one_sku
from lab.simulation.waiting import Message

FAILING_CALL_SECONDS = (0.1, 12.0)
"""Refused at once; and three attempts of the SDK that each time out."""
BURSTS, BURST = (5, 20, 60, 120), 20
CONCURRENCIES = (2, 5, 10, 20, 50)
RATES, STEADY_SECONDS = (30, 40, 50, 60, 70), 600
FLOOD = 100_000


def main() -> None:
    """Print everything."""
    argparse.ArgumentParser(
        prog="python -m lab.simulation.outage_tables",
        description="Print the tables of docs/simulation.md: outages, popular SKUs and floods. It takes no options.",
    ).parse_args()
    _line("dependency down", "a failing call takes", *_COLUMNS)
    for minutes in (5, 20):
        for seconds in FAILING_CALL_SECONDS:
            work = down_for(minutes * 60, seconds)
            result = Simulation(Settings.default(), work).run(arrivals(5, minutes * 60 + 60))
            _row(f"{minutes} min", f"{seconds:g} s", result)
    _line("one SKU", "workers", *_COLUMNS, "orders/s", "cancelled transactions")
    for burst in BURSTS:
        _sku("1000/s", 1000, burst, Settings.default())
    for concurrency in CONCURRENCIES:
        _sku("1000/s", 1000, BURST, Settings.default(worker_max_concurrency=concurrency))
    for rate in RATES:
        _sku(f"{rate}/s", rate, STEADY_SECONDS, Settings.default())
    _sku("no retries in process", 1000, BURST, Settings.default(contention_seconds=0))
    _sku("base 2 s, 5 receives", 1000, BURST, Settings.default(retry_base_seconds=2, max_receive_count=5))
    both = Settings.default(contention_seconds=0, retry_base_seconds=2, max_receive_count=5)
    _sku("both", 1000, BURST, both)
    _line("flood of 100,000 orders by", "fair", "quiet orders", "median", "99 %", "slowest", "the flood took")
    for callers in (1, 5, 20):
        for fair in (False, True):
            _flood(callers, fair=fair)


_COLUMNS = ("orders", "dead letters", "most receives", "the slowest order took")


def flooded(callers: int, *, fair: bool) -> tuple[list[float], float]:
    """Many orders in 20 seconds from some callers, beside ten callers that send one in two seconds each.

    Returns the seconds that each order of those ten took, sorted, and those of the flood's slowest.
    """
    flood = [f"flood {number}" for number in range(callers)]
    quiet = [f"quiet {number}" for number in range(10)]
    simulation = Simulation(Settings.default(), down_for(0, 0), fair=fair)
    sent = [Message(20 * number / FLOOD, flood[number % callers]) for number in range(FLOOD)]
    result = simulation.run([*sent, *(order for group in quiet for order in arrivals(0.5, 120, group))])
    seconds = sorted(second for group in quiet for second in result.seconds[group])
    return seconds, max(max(result.seconds[group]) for group in flood)


def _flood(callers: int, *, fair: bool) -> None:
    seconds, longest = flooded(callers, fair=fair)
    median, most = seconds[len(seconds) // 2], seconds[len(seconds) * 99 // 100]
    name = "1 caller" if callers == 1 else f"{callers} callers"
    times = (f"{median:.2f} s", f"{most:.2f} s", f"{seconds[-1]:.2f} s", f"{longest:.0f} s")
    _line(name, "yes" if fair else "no", f"{len(seconds)}", *times)


def _sku(name: str, per_second: float, seconds: float, settings: Settings) -> None:
    result = Simulation(settings, one_sku()).run(arrivals(per_second, seconds))
    more = (f"{result.per_second:.0f}", f"{result.conflicts}")
    _row(f"{name} for {seconds:g} s", f"{settings.worker_max_concurrency}", result, *more)


def _row(first: str, second: str, result: Result, *more: str) -> None:
    orders = f"{result.done + result.dead}"
    _line(first, second, orders, f"{result.dead}", f"{result.most_receives}", f"{result.oldest_seconds:.0f} s", *more)


def _line(*cells: str) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
