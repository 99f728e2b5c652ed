"""``python -m lab.simulation.outage_tables``: prints the tables of docs/simulation.md."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterable

from lab.simulation.outage import Result, Settings, Simulation, arrivals, down_for, group_fails
from lab.simulation.popular import Stock, sell
from lab.simulation.waiting import Message

FAILING_CALL_SECONDS = (0.1, 12.0)
"""Durations of two failing calls: an immediate refusal, and three tries by the SDK that all time out."""
TRANSACTION_SECONDS = (0.012, 0.02, 0.03)
BURST, LONG_BURST = 20, 120
CONCURRENCIES = (2, 5, 20, 50)
RATES, STEADY_SECONDS = (30, 50, 100, 200, 300), 300
FLOOD, FEW = 100_000, 2_000


def main() -> None:
    """Print all tables."""
    argparse.ArgumentParser(
        prog="python -m lab.simulation.outage_tables",
        description="Print the tables of docs/simulation.md: outages, popular SKUs and floods. "
        "The command takes no options.",
    ).parse_args()
    _line("dependency down", "a failing call takes", *_COLUMNS)
    for minutes in (5, 20):
        for seconds in FAILING_CALL_SECONDS:
            outage = minutes * 60, seconds
            simulation = Simulation(Settings.default(), down_for(*outage), together=group_fails(*outage))
            result = simulation.run(arrivals(5, minutes * 60 + 60))
            _row((f"{minutes} min", f"{seconds:g} s"), result)
    _popular()
    _line(
        "flood: 100,000 orders from",
        "fair",
        "quiet callers' orders",
        "quiet: median time",
        "quiet: 99th percentile",
        "quiet: longest time",
        "flood: longest time",
    )
    for callers in (1, 5, 20):
        for fair in (False, True):
            _flood(callers, fair=fair)


def _popular() -> None:
    first = ("arriving orders (one SKU unless stated)", "workers", "a transaction takes")
    _line(*first, *_COLUMNS, "orders/s", "conflicts per order")
    for grouped in (True, False):
        for seconds in TRANSACTION_SECONDS:
            _sku("1000/s", 1000, BURST, Stock(seconds, grouped))
    _sku("1000/s", 1000, LONG_BURST, Stock())
    for concurrency in CONCURRENCIES:
        _sku("1000/s", 1000, BURST, Stock(), Settings.default(worker_max_concurrency=concurrency))
    for rate in RATES:
        _sku(f"{rate}/s", rate, STEADY_SECONDS, Stock())
    without_retries = Settings.default(contention_seconds=0, retry_base_seconds=2, max_receive_count=5)
    name = f"1000/s for {BURST:g} s; retries by SQS only: the first within 2 s, at most 5 receives"
    _stock(name, Stock(grouped=False), arrivals(1000, BURST), without_retries)
    chance = random.Random(1)
    batches = {
        "1000/s for 20 s, ten SKUs, each batch with one order per SKU": range(10 * FEW),
        "1000/s for 20 s, ten SKUs": [chance.randrange(10) for _ in range(10 * FEW)],
    }
    for name, skus in batches.items():
        for grouped in (True, False):
            _stock(name, Stock(grouped=grouped), [Message(n / 1000, f"{sku % 10}") for n, sku in enumerate(skus)])
    for grouped in (True, False):
        _stock(
            "20,000 at once, of a sold out SKU",
            Stock(grouped=grouped, sold_out=True),
            [Message(0) for _ in range(10 * FEW)],
        )


_COLUMNS = ("orders", "dead letters", "most receives", "slowest order took")


def flooded(callers: int, *, fair: bool) -> tuple[list[float], float]:
    """Simulate a flood of 100,000 orders in 20 seconds from this number of callers. Each of ten quiet callers sends
    one order every two seconds, on average.

    Returns how long each order of the quiet callers took, sorted, and how long the flood's slowest order took. Times
    are in seconds.
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


def _sku(name: str, per_second: float, seconds: float, stock: Stock, settings: Settings | None = None) -> None:
    _stock(f"{name} for {seconds:g} s", stock, arrivals(per_second, seconds), settings)


def _stock(name: str, stock: Stock, orders: Iterable[Message], settings: Settings | None = None) -> None:
    settings = settings or Settings.default()
    result = sell(orders, stock, settings)
    first = (name if stock.grouped else f"{name}; one transaction per order", f"{settings.worker_max_concurrency}")
    more = (f"{result.per_second:.0f}", f"{result.conflicts / result.done:.2f}")
    _row((*first, f"{1000 * stock.transaction_seconds:g} ms"), result, *more)


def _row(first: tuple[str, ...], result: Result, *more: str) -> None:
    orders = f"{result.done + result.dead}"
    _line(*first, orders, f"{result.dead}", f"{result.most_receives}", f"{result.oldest_seconds:.0f} s", *more)


def _line(*cells: str) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
