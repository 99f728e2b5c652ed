"""Shows the costs of the repository's stacks: the table in docs/options.md, and docs/cost.svg."""

import math
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Final, NamedTuple

from lab.docs import svg
from ops.cost.bill import CAPACITY_USED, MILLION, Load, bill, provisioned
from ops.preflight.stack_facts import configured
from ops.target import Choice
from pipeline.config import StackConfig

SIZE: Final = (760, 420)
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 590, 48, 372
_ORDERS: Final = (10**3, 10**8)
_USD: Final = (1, 10**4)
_POINTS: Final = 40
_BATCH: Final = 10


class Example(NamedTuple):
    """A configuration and its load: one column of the table and one line of the chart."""

    name: str
    config: StackConfig
    load: Load

    def month(self, orders: int) -> Decimal:
        """Return the cost of a month with this many orders, in USD."""
        return sum((each.idle + each.used for each in bill(self.config, self.load._replace(orders=orders))), Decimal())


@cache
def examples() -> tuple[Example, ...]:
    """Return dev, and three variants of prod: as it is, with tracing, and with ten orders in a batch."""
    dev, prod = (configured(Choice(stack=name), {})[1] for name in ("dev", "prod"))
    one, ten = Load(MILLION), Load(MILLION, per_batch=_BATCH)
    traced = prod.model_copy(update={"tracing": True})
    return (
        Example("prod, traced", traced, one),
        Example("prod", prod, one),
        Example("prod, ten in a batch", prod, ten),
        Example("dev", dev, one),
    )


def table() -> str:
    """Return the table, in USD: first the costs of a million orders by service, then of a month without traffic."""
    services = dict.fromkeys(item.service for each in examples() for item in bill(each.config, each.load))
    sums = {name: [_used(each, name) for each in examples()] for name in services}
    sums["**together**"] = [sum(column, Decimal()) for column in zip(*sums.values(), strict=True)]
    units = [provisioned(each.load) - _used(each, "DynamoDB", "write and read units") for each in examples()]
    sums[f"together, with provisioned DynamoDB capacity ({CAPACITY_USED:.0%} used)"] = [
        Decimal(total) + saved for total, saved in zip(sums["**together**"], units, strict=True)
    ]
    sums["**a month without traffic**"] = [
        sum((item.idle for item in bill(each.config, Load())), Decimal()) for each in examples()
    ]
    head = ("USD for a million orders", *(each.name for each in examples()))
    rows = [(name, *(f"{value:.2f}" if value else "—" for value in values)) for name, values in sums.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


def _used(example: Example, service: str, what: str = "") -> Decimal:
    items = (each for each in bill(example.config, example.load) if each.service == service)
    return sum((each.used for each in items if not what or each.what == what), Decimal())


def chart() -> str:
    """Return the chart: a month's cost (vertical) by its number of orders (horizontal).

    Both axes are logarithmic.
    """
    return svg.page(*SIZE, _parts())


def _parts() -> Iterator[str]:
    yield svg.text(_LEFT - 46, 26, "Cost of a month in USD, by its number of orders", "h")
    for usd in _powers(_USD):
        yield svg.line(_LEFT, _RIGHT, _y(usd)) + svg.text(_LEFT - 8, _y(usd) + 4, f"{usd:,}", "s e")
    for orders in _powers(_ORDERS):
        yield svg.text(_x(orders), _BOTTOM + 18, f"{orders:,}", "s m")
    yield svg.text((_LEFT + _RIGHT) / 2, _BOTTOM + 38, "orders a month", "s m")
    low, high = _ORDERS
    steps = [round(low * (high / low) ** (step / _POINTS)) for step in range(_POINTS + 1)]
    for number, (each, colour) in enumerate(zip(examples(), svg.COLOURS, strict=True)):
        points = "L".join(f"{_x(orders):g},{_y(float(each.month(orders))):g}" for orders in steps)
        yield f'<path stroke="{colour}" d="M{points}"/>'
        y = _TOP + 14 + 22 * number
        yield svg.rect(_RIGHT + 16, y - 9, 10, 10, colour, colour) + svg.text(_RIGHT + 32, y, each.name, "s")


def _powers(of: tuple[int, int]) -> Iterator[int]:
    value = of[0]
    while value <= of[1]:
        yield value
        value *= 10


def _x(orders: float) -> float:
    return _place(orders, _ORDERS, _LEFT, _RIGHT)


def _y(usd: float) -> float:
    return _place(usd, _USD, _BOTTOM, _TOP)


def _place(value: float, of: tuple[int, int], begin: int, end: int) -> float:
    return round(begin + (end - begin) * math.log(value / of[0], of[1] / of[0]), 1)
