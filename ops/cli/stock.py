"""`stock`: shows and changes the available units of an article."""

import argparse
import re
import shlex
from typing import Any

from ops.cli.common import add_command, add_group, dry_run
from ops.cli.context import Context
from ops.errors import ExitCode, RefusedError
from ops.gateway.stock import Count
from ops.logic.durations import WrongValueError


def register(commands: Any) -> None:
    """Add the commands."""
    actions = add_group(
        commands,
        "stock",
        "show or change the available units of an article; orders may take units meanwhile",
        "python -m ops stock get SKU-1",
        "when goods arrive: stock add. When a count is wrong: stock set SKU COUNT --expect OLD.",
    )
    get = add_command(
        actions,
        "get",
        run_get,
        "show the available units of an article",
        "python -m ops stock get SKU-1",
        "to add units: stock add SKU N.",
    )
    get.add_argument("sku", help="the article")
    add = add_command(
        actions,
        "add",
        run_add,
        "add units to an article",
        "python -m ops stock add SKU-1 10 --yes",
        "`stock get SKU` shows the result. Rejected orders stay rejected; customers have to order again.",
        changes=True,
    )
    add.add_argument("sku", help="the article")
    add.add_argument("count", type=int, help="how many units arrived, 1 or more")
    add.add_argument("--new", action="store_true", help="add an article that is not in the table yet")
    replace = add_command(
        actions,
        "set",
        run_set,
        "correct a count; refused if the count has changed since you saw it, for example because an order took units",
        "python -m ops stock set SKU-1 7 --expect 9 --yes",
        "if it is refused: `stock get SKU`, check the count, and repeat with the new number.",
        changes=True,
    )
    replace.add_argument("sku", help="the article")
    replace.add_argument("count", type=int, help="the right count, 0 or more")
    replace.add_argument(
        "--expect",
        required=True,
        metavar="N",
        help="the present count, exactly as `stock get` shows it, even if this count is not a number",
    )


def run_get(options: argparse.Namespace, context: Context) -> int:
    """Show the count of an article."""
    count = _current(options, context)
    if context.as_json:
        context.print_json({"sku": options.sku, **_view(count)})
    else:
        context.out.print_line(f"{options.sku}: {_shown(count)}")
    if count is None:
        context.next(f"python -m ops stock add {options.sku} N --new")
    elif count.available is None:
        context.say(
            "The stored count is not a whole number, so orders of the article fail. "
            "Count the units, and correct the stored count."
        )
        context.next(f"python -m ops stock set {options.sku} N --expect {shlex.quote(str(count))}")
    return ExitCode.OK


def run_add(options: argparse.Namespace, context: Context) -> int:
    """Add to a count; without `--yes`, show the result only."""
    if options.count < 1:
        raise WrongValueError(f"stock add {options.count}: give 1 or more. To lower a count: stock set --expect.")
    before = _current(options, context)
    if before is None and not options.new:
        raise RefusedError(f"{options.sku} is not in the table. Nothing was changed. --new adds a new article.")
    if before is not None and options.new:
        raise RefusedError(
            f"{options.sku} is in the table already (count: {before}). Nothing was changed. "
            "--new is for articles that are not in the table yet."
        )
    if before is not None and before.available is None:
        raise RefusedError(
            f"{options.sku}: the count is not a whole number (stored: {before}). Nothing was changed. "
            f"Correct it first: python -m ops stock set {options.sku} N --expect {shlex.quote(str(before))}"
        )
    if options.yes:
        context.stock.add(options.sku, options.count, before)
    return _report(options, context, before, ((before and before.available) or 0) + options.count)


def run_set(options: argparse.Namespace, context: Context) -> int:
    """Set a count; without `--yes`, show the result only."""
    if options.count < 0:
        raise WrongValueError(f"stock set {options.count}: give 0 or more.")
    before = _current(options, context)
    if before is None or str(before) != options.expect:
        state = "the article is not in the table" if before is None else f"the count is {before}, not {options.expect}"
        raise RefusedError(f"{options.sku}: {state}. Nothing was changed. Check the count, then try again.")
    if options.yes:
        context.stock.replace(options.sku, options.count, before)
    return _report(options, context, before, options.count)


def _current(options: argparse.Namespace, context: Context) -> Count | None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", options.sku):
        raise WrongValueError(
            f"{options.sku!r} is not a SKU such as SKU-1. A SKU has 1-64 letters, digits, '.', '_' or '-', "
            "and begins with a letter or digit."
        )
    return context.stock.get(options.sku)


def _shown(count: Count | None) -> str:
    return "not in the table" if count is None else str(count)


def _view(count: Count | None) -> dict[str, Any]:
    if count is None or count.available is not None:
        return {"available": None if count is None else count.available}
    return {"available": None, "stored": count.stored}


def _report(options: argparse.Namespace, context: Context, before: Count | None, planned: int) -> int:
    after = context.stock.get(options.sku) if options.yes else Count(planned, None)
    if context.as_json:
        numbers = {"before": before and before.available, "after": after and after.available}
        context.print_json({"dry_run": not options.yes, "sku": options.sku, **numbers})
    else:
        word = "is now" if options.yes else "would be"
        context.out.print_line(f"{options.sku}: was {_shown(before)}, {word} {_shown(after)}")
    if not options.yes:
        dry_run(context)
    return ExitCode.OK
