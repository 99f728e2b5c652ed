"""Generates the table of docs/scale.md: the quotas, options and costs for several rates of orders, from the model."""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import cache
from itertools import starmap
from pathlib import Path
from typing import Any, Final, NamedTuple

from lab.docs import page
from lab.simulation.outage import Settings, Simulation, arrivals, down_for
from lab.simulation.popular import sell
from ops.cost.bill import FACTS, HOURS, SECONDS_OF, Item, Load, bill
from ops.cost.prices import usd
from ops.preflight.stack_facts import configured
from ops.target import Choice
from pipeline.config import StackConfig
from pipeline.config.processing import retry_delays

PATH: Final = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
BEGIN: Final = "<!-- computed by the model, written by python -m lab.docs.scale -->"
RATES: Final = (10, 1_000, 10_000)
BUSY: Final = 0.7
"""Share of the time in which workers are assumed to be busy. The rest is for bursts."""
_HOUR: Final = 3_600
_SETTLE_SECONDS: Final = 0.003
"""Processor time of one order in the worker: 1.5 times the time in docs/performance.md, in case Lambda is slower."""
_MB_OF_PROCESSOR: Final = 1_769
"""Memory with which a function has one whole processor, by Lambda's guide."""
_LATER: Final = "throttled, retried"
_PER_INSTANCE: Final = 10
"""Lambda allows this many requests a second per unit of its concurrency quota, however short they are."""


class Limit(NamedTuple):
    """One row of the table.

    Attributes:
        given: The option's default, AWS's quota, or the model's result.
        per_order: How much of the limit one order per second uses, in the unit of `given`.
        beyond: What happens beyond the limit.
        source: The page below https://docs.aws.amazon.com/ that states AWS's quota; empty for other limits.
    """

    what: str
    given: float
    per_order: float
    beyond: str
    source: str = ""

    @property
    def reached_at(self) -> float:
        """Return the rate, in orders a second, at which the limit is reached."""
        return self.given / self.per_order


def _default(option: str) -> Any:
    return StackConfig.model_fields[option].default


@cache
def per_worker(**changes: float) -> float:
    """Return the orders per second of one worker that is never idle. Its calls or its processor time set the limit."""
    settings = Settings.default(worker_max_concurrency=1, **changes)
    waiting = Simulation(settings, down_for(0, 0)).run(arrivals(20_000, 0.5)).per_second
    working: float = _default("worker_memory_mb") / _MB_OF_PROCESSOR / _SETTLE_SECONDS
    return min(waiting, working)


@cache
def of_one_article() -> float:
    """Return the orders a second when all orders are for the same article."""
    return sell(arrivals(1_000, 20)).per_second


def limits() -> list[Limit]:
    """Return the limits, in the order in which a growing rate reaches them."""
    workers = 1 / (BUSY * per_worker())
    instances = max(float(SECONDS_OF["create-order"]), 1 / _PER_INSTANCE) + workers
    units = sum(float(FACTS[name]["of_orders_table"]) for name in ("create-order", "process-order"))
    dynamodb = "amazondynamodb/latest/developerguide"
    rows = (
        ("one article, orders/s", of_one_article(), 1, "orders wait", ""),
        ("`throttle_rate`, requests/s", _default("throttle_rate"), 1, "429; the option allows at most 10,000", ""),
        (
            "`worker_max_concurrency`",
            _default("worker_max_concurrency"),
            workers,
            "orders wait; the option allows at most 1,000",
            "",
        ),
        ("HTTP APIs, requests/s", 10_000, 1, "429", "apigateway/latest/developerguide/limits.html"),
        (
            "Lambda, instances",
            1_000,
            instances,
            "callers get 503; throttled messages use up a receive, although no worker runs",
            "lambda/latest/dg/scaling-behavior.html",
        ),
        ("orders table (new), write units/s", 4_000, units, _LATER, f"{dynamodb}/warm-throughput-scenarios.html"),
        ("any table, write units/s", 40_000, units, _LATER, f"{dynamodb}/on-demand-capacity-mode-max-throughput.html"),
        ("SNS in eu-west-1, publishes/s", 9_000, 1, _LATER, "general/latest/gr/sns.html"),
    )
    return sorted(starmap(Limit, rows), key=lambda each: each.reached_at)


def table() -> str:
    """Return the table: each limit, and how much of it each rate needs. A need beyond the limit is bold."""
    head = ("limit", "available", "highest rate (orders/s)", *(f"{rate:,}/s" for rate in RATES), "beyond it")
    rows = [(*_cells(each), each.beyond) for each in limits()]
    for what, value in _BESIDES.items():
        rows.append((what, "", "", *(value(rate) for rate in RATES), ""))
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


def _cells(limit: Limit) -> Iterator[str]:
    name = f"[{limit.what}](https://docs.aws.amazon.com/{limit.source})" if limit.source else limit.what
    yield from (name, f"{limit.given:,.0f}", f"{limit.reached_at:,.0f}")
    for rate in RATES:
        need = f"{math.ceil(rate * limit.per_order):,}"
        yield f"**{need}**" if rate > limit.reached_at else need


def _longest_retries() -> int:
    """Return the longest time in seconds from a message's first receive to its last."""
    delays = retry_delays(_default("retry_base_seconds"), _default("retry_cap_seconds"), _default("max_receive_count"))
    return sum(max(delay, _default("queue_visibility_seconds")) for delay in delays)


@cache
def _bill(rate: int) -> list[Item]:
    """Return the bill for a month of prod at this rate: one order per batch at the lowest rate, ten at the others."""
    load = Load(rate * _HOUR * HOURS, per_batch=1 if rate == RATES[0] else 10)
    return bill(configured(Choice(stack="prod"), {})[1], load)


def _usd(rate: int) -> str:
    return f"{sum((each.idle + each.used for each in _bill(rate)), Decimal()):,.0f}"


def _logs(rate: int) -> str:
    (gigabytes,) = (each.used / usd("log ingestion") for each in _bill(rate) if each.what == "logs ingested")
    return f"{gigabytes * 24 / HOURS:,.1f} GB"


_BESIDES: Final[dict[str, Callable[[int], str]]] = {
    "USD a month": _usd,
    "logs a day": _logs,
    "length of an outage after which 120,000 messages are [in flight](#in-an-outage), so that SQS "
    "delivers nothing for a time": lambda rate: (
        f"{120_000 / rate:,.0f} s" if 120_000 / rate < _longest_retries() else "none: orders become dead letters first"
    ),
    "callers needed for this rate, with `strict_ordering` (one order of a caller at a time)": lambda rate: (
        f"{math.ceil(rate / per_worker(batch_threads=1)):,}"
    ),
}


def text() -> str:
    """Return the page with a new table."""
    return page.between(PATH.read_text(encoding="utf-8"), BEGIN, table())


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the page. Return 1 if a check finds a difference."""
    return page.run("python -m lab.docs.scale", {PATH: text}, arguments)


if __name__ == "__main__":
    sys.exit(main())
