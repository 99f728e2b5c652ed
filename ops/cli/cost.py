"""`cost`: shows what a stack costs when idle and per million orders."""

import argparse
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from ops.cli.common import add_command
from ops.cli.screen import Screen
from ops.cli.selection import choice_of
from ops.cost.bill import CAPACITY_USED, MILLION, Load, bill, provisioned
from ops.cost.prices import AS_OF, PRICES, REGION
from ops.errors import ExitCode, RefusedError
from ops.logic.counts import counted
from ops.preflight.stack_facts import configured
from pipeline.config import StackConfig

_NOTES = (
    f"List prices of {REGION} as of {AS_OF}, without free tiers (ops/cost/prices.py).",
    "~ marks estimates, such as the duration of invocations, AWS's own log lines, the",
    "compression of logs, the surcharge of a fair queue. Traffic is assumed to be even.",
    "Not included: failures, taxes, data transfer, alarm notifications, volume discounts for logs.",
)


def register(commands: Any) -> None:
    """Add the command."""
    cost = add_command(
        commands,
        "cost",
        None,
        "compute what a stack costs in a month without orders, and per million orders. The stack's options are "
        "read from Pulumi.STACK.yaml and Pulumi.yaml; AWS and `pulumi` are not called",
        "python -m ops cost --stack prod --orders-per-month 200000",
        "docs/options.md describes each option and its cost.",
    )
    cost.add_argument(
        "--orders-per-month", type=_count, metavar="N", help="also show the cost of a month with N orders"
    )
    cost.add_argument(
        "--orders-per-batch",
        type=_count,
        default=1,
        metavar="N",
        help="orders per invocation of the worker; in a burst, the worker gets up to batch_size (default: %(default)s)",
    )
    cost.set_defaults(before_up=run)


def run(options: argparse.Namespace) -> int:
    """Compute the cost and print it."""
    settings, config = configured(choice_of(options))
    per_batch: int = options.orders_per_batch
    if not 1 <= per_batch <= config.batch_size:
        raise RefusedError(f"given --orders-per-batch {per_batch}; allowed: 1 to {config.batch_size}, the batch_size")
    document = costs_of(config, options.orders_per_month, per_batch)
    out = Screen(stderr=False)
    if options.json:
        numbers = {"stack": settings.stack, "region": REGION, "prices_as_of": AS_OF, **document}
        prices = {name: each._asdict() for name, each in PRICES.items()}
        out.raw(json.dumps({**numbers, "prices": prices}, indent=2, default=float))
        return ExitCode.OK
    show(out, config, options.orders_per_month, per_batch)
    region = settings.config.get("aws:region")
    if region not in {None, REGION}:
        out.print_line(f"This stack is in {region}, whose prices may differ.")
    return ExitCode.OK


def costs_of(config: StackConfig, orders: int | None, per_batch: int = 1) -> dict[str, Any]:
    """Return items and sums in USD.

    `idle` is for a month without orders, `per_million` for a million more orders, and `month` for a
    month with the given number of `orders`.
    """
    load = Load(MILLION, per_batch=per_batch)
    million = bill(config, load)
    months = bill(config, load._replace(orders=orders)) if orders is not None else million
    items: list[dict[str, Any]] = []
    for each, month in zip(million, months, strict=True):
        row = {"service": each.service, "what": each.what, "option": each.option, "estimated": each.estimated}
        usd = {"idle": each.idle, "per_million": each.used}
        items.append(row | usd | ({"month": month.idle + month.used} if orders is not None else {}))
    sums = {key: sum(row[key] for row in items) for key in ("idle", "per_million", "month") if key in items[0]}
    further = {
        "per_million_further_lines": _used(config, load._replace(further_lines=MILLION)) - _used(config, load),
        "per_million_lookups": _used(config, load._replace(lookups=MILLION)) - _used(config, load),
        "per_million_provisioned_units": provisioned(load),
    }
    return {"orders_per_month": orders, "orders_per_batch": per_batch, "items": items, "total": sums, **further}


def _used(config: StackConfig, load: Load) -> Decimal:
    return sum((each.used for each in bill(config, load)), Decimal())


def show(out: Screen, config: StackConfig, orders: int | None, per_batch: int = 1) -> None:
    """Print the table and its notes."""
    found = costs_of(config, orders, per_batch)
    numbers = {"idle": "idle", "per_million": "million"} | ({"month": f"{orders:,}"} if orders is not None else {})
    columns = ("service", "what", "option", *numbers.values())
    rows = [_cells(row, numbers, "~" if row["estimated"] else " ") for row in found["items"]]
    total = {"service": "together", "what": "", "option": "", **found["total"]}
    out.rows(columns, [*rows, _cells(total, numbers, " ")], whole=set(numbers.values()))
    out.print_line(
        "In USD: an idle month, and a million more orders with one article each, "
        f"{counted(per_batch, 'order')} per batch."
    )
    if orders is not None:
        out.print_line(f"Last column: a whole month with {orders:,} orders.")
    out.print_line(
        "The table includes the first article of each order. A million further articles cost "
        f"{found['per_million_further_lines']:.2f}; a million look-ups cost {found['per_million_lookups']:.2f}."
    )
    out.print_line(
        f"No option turns on provisioned capacity of DynamoDB. If orders used {CAPACITY_USED:.0%} of "
        f"this capacity, it would cost {found['per_million_provisioned_units']:.2f} for a million orders."
    )
    for note in _NOTES:
        out.print_line(note)


def _cells(row: dict[str, Any], numbers: dict[str, str], mark: str) -> Sequence[str]:
    values = [f"{row[key]:>7.2f}{mark}" if row[key] else f"{'-':>7}" for key in numbers]
    return (row["service"], row["what"], row["option"], *values)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise argparse.ArgumentTypeError(f"given {text!r}; allowed: a whole number from 0")
    return int(text)
