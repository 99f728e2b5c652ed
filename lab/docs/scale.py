"""The table of docs/scale.md: quotas and options that a rate of orders needs, and what it costs, by the model."""

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
from ops.preflight.ground import configured
from ops.target import Choice
from pipeline.config import StackConfig

PATH: Final = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
BEGIN: Final = "<!-- by the model, written here by python -m lab.docs.scale -->"
RATES: Final = (10, 1_000, 10_000)
BUSY: Final = 0.7
"""Of the workers' time, so that a burst finds some of them free."""
_HOUR: Final = 3_600
_SETTLE_SECONDS: Final = 0.003
"""Processor time of one order in the worker, as docs/performance.md measures it."""
_MB_OF_PROCESSOR: Final = 1_769
"""Memory with which a function has one whole processor, says Lambda's guide."""
_LATER: Final = "throttled, tried again"
_PER_INSTANCE: Final = 10
"""Requests a second that Lambda's quota allows for each instance in it, however short they are."""


class Limit(NamedTuple):
    """One row.

    Attributes:
        given: The option's default, or AWS's quota.
        per_order: How much of it one order a second needs.
        beyond: What is seen beyond it.
        source: Where AWS states the quota, below https://docs.aws.amazon.com/; empty: an option's default.
    """

    what: str
    given: float
    per_order: float
    beyond: str
    source: str = ""

    @property
    def lasts_for(self) -> float:
        """Orders a second."""
        return self.given / self.per_order


def _default(option: str) -> Any:
    return StackConfig.model_fields[option].default


@cache
def per_worker(**changes: float) -> float:
    """Orders a second of one worker that is never idle: it waits for its calls, or for its share of a processor."""
    settings = Settings.default(worker_max_concurrency=1, **changes)
    waiting = Simulation(settings, down_for(0, 0)).run(arrivals(20_000, 0.5)).per_second
    working: float = _default("worker_memory_mb") / _MB_OF_PROCESSOR / _SETTLE_SECONDS
    return min(waiting, working)


@cache
def of_one_article() -> float:
    """Orders a second that all want one article."""
    return sell(arrivals(1_000, 20)).per_second


def limits() -> list[Limit]:
    """The first to be reached first."""
    workers = 1 / (BUSY * per_worker())
    instances = max(float(SECONDS_OF["create-order"]), 1 / _PER_INSTANCE) + workers
    units = sum(float(FACTS[name]["of_orders_table"]) for name in ("create-order", "process-order"))
    dynamodb = "amazondynamodb/latest/developerguide"
    rows = (
        ("one article, orders/s", of_one_article(), 1, "orders wait", ""),
        ("`throttle_rate`, requests/s", _default("throttle_rate"), 1, "429; at most 10,000", ""),
        ("`worker_max_concurrency`", _default("worker_max_concurrency"), workers, "orders wait; at most 1,000", ""),
        ("HTTP APIs, requests/s", 10_000, 1, "429", "apigateway/latest/developerguide/limits.html"),
        (
            "Lambda, instances",
            1_000,
            instances,
            "503; receives without an attempt",
            "lambda/latest/dg/scaling-behavior.html",
        ),
        ("new orders table, write units/s", 4_000, units, _LATER, f"{dynamodb}/warm-throughput-scenarios.html"),
        ("any table, write units/s", 40_000, units, _LATER, f"{dynamodb}/on-demand-capacity-mode-max-throughput.html"),
        ("SNS in eu-west-1, publishes/s", 9_000, 1, _LATER, "general/latest/gr/sns.html"),
    )
    return sorted(starmap(Limit, rows), key=lambda each: each.lasts_for)


def table() -> str:
    """Each limit, and what the rates need of it: in bold what is more than there is."""
    head = ("limit", "there is", "lasts for orders/s", *(f"{rate:,}/s" for rate in RATES), "beyond it")
    rows = [(*_cells(each), each.beyond) for each in limits()]
    for what, value in _BESIDES.items():
        rows.append((what, "", "", *(value(rate) for rate in RATES), ""))
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


def _cells(limit: Limit) -> Iterator[str]:
    name = f"[{limit.what}](https://docs.aws.amazon.com/{limit.source})" if limit.source else limit.what
    yield from (name, f"{limit.given:,.0f}", f"{limit.lasts_for:,.0f}")
    for rate in RATES:
        need = f"{math.ceil(rate * limit.per_order):,}"
        yield f"**{need}**" if rate > limit.lasts_for else need


@cache
def _bill(rate: int) -> list[Item]:
    """A month of prod at this rate: each order alone in its batch at the lowest, ten in one above."""
    load = Load(rate * _HOUR * HOURS, per_batch=1 if rate == RATES[0] else 10)
    return bill(configured(Choice(stack="prod"), {})[1], load)


def _usd(rate: int) -> str:
    return f"{sum((each.idle + each.used for each in _bill(rate)), Decimal()):,.0f}"


def _logs(rate: int) -> str:
    (gigabytes,) = (each.used / usd("log ingestion") for each in _bill(rate) if each.what == "logs taken in")
    return f"{gigabytes * 24 / HOURS:,.1f} GB"


_BESIDES: Final[dict[str, Callable[[int], str]]] = {
    "USD a month": _usd,
    "logs a day": _logs,
    "an outage until 120,000 messages are in flight": lambda rate: f"{120_000 / rate:,.0f} s",
    "callers at least, with `strict_ordering`": lambda rate: f"{math.ceil(rate / per_worker(batch_threads=1)):,}",
}


def text() -> str:
    """The page with its table as the model has it."""
    return page.between(PATH.read_text(encoding="utf-8"), BEGIN, table())


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or compare it."""
    return page.run("python -m lab.docs.scale", {PATH: text}, arguments)


if __name__ == "__main__":
    sys.exit(main())
