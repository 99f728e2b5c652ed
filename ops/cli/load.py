"""`load`: places orders on a deployed stack at a rate, and follows each to its end."""

import argparse
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Final

from ops.audit.judge import Finding, judge
from ops.audit.read import Reader
from ops.cli.common import add_command, dry_run
from ops.cli.context import Context
from ops.cli.cost import costs_of
from ops.cost.bill import MILLION
from ops.cost.prices import usd
from ops.errors import ExitCode, NoStackError, RefusedError
from ops.load.clients import Habits, PlannedOrder, RetryingClients
from ops.load.verdict import Watch, judge_load, reached, spread
from ops.logic.counts import counted
from ops.logic.durations import parse_duration
from ops.preflight.stack_facts import configured
from ops.smoke.token import token_for
from runtime.models.fields import TEST_CURRENCY

_REPEATS_ACCEPTED: Final = 0.05
"""Share of the accepted orders that are sent again, to check that the answer is the same."""
_PROMISE_SECONDS: Final = 600
_AUDIT_UNITS: Final = 3
"""High estimate of the audit's read units per order: for the row, the worker's record and the stored answer."""


@dataclass(frozen=True)
class Plan:
    """Plan of a load.

    Attributes:
        estimated_usd: Estimated cost in USD.
        allowed_usd: Highest allowed cost in USD.
        most_requests: Highest number of requests. Together with the audit, they cost at most `allowed_usd`.
    """

    orders: int
    per_second: float
    clients: int
    skus: Sequence[str]
    estimated_usd: Decimal
    allowed_usd: Decimal
    most_requests: int

    def document(self) -> dict[str, Any]:
        """Return the plan as a JSON object."""
        usd = {"about_usd": float(round(self.estimated_usd, 9)), "spend_at_most_usd": float(self.allowed_usd)}
        return {"orders": self.orders, "per_second": self.per_second, **usd}

    def all_orders(self, run: str) -> list[PlannedOrder]:
        """Return the orders, each for one unit of one article."""
        lines = [{"sku": sku, "quantity": 1, "unit_price": "0.01"} for sku in self.skus or (f"LOAD-{run}",)]
        bodies = [{"currency": TEST_CURRENCY, "lines": [line]} for line in lines]
        return [PlannedOrder("", f"load-{run}-{number}", bodies[number % len(bodies)]) for number in range(self.orders)]


def register(commands: Any) -> None:
    """Add the command."""
    load = add_command(
        commands,
        "load",
        run,
        "place orders at a rate, follow each to its end, and audit the stack",
        "python -m ops load --stack dev --orders 3000 --rate 50 --yes",
        "exit code 1: a check failed, or the rate was not reached.\n"
        "  Before a run that may raise alarms, mute them: `mute on --for 1h`.",
        changes=True,
    )
    load.add_argument("--orders", type=_positive(int), default=100, metavar="N", help="number of orders (default: 100)")
    load.add_argument(
        "--rate", type=_positive(float), default=10.0, metavar="N", help="orders per second (default: 10)"
    )
    load.add_argument(
        "--clients",
        type=_positive(int),
        default=50,
        metavar="N",
        help="at most N connections at the same time (default: 50)",
    )
    load.add_argument(
        "--sku",
        action="append",
        default=[],
        metavar="SKU",
        help="order one unit of this article. If --sku is given several times, the orders take these articles in turn "
        "(default: an article that does not exist)",
    )
    load.add_argument(
        "--spend-at-most",
        type=_positive(Decimal),
        default=Decimal(1),
        metavar="USD",
        help="highest cost (default: 1). A load whose estimate is higher is refused. A run stops when its next request "
        "(such as a retry) could exceed this cost. The estimate: the cost by `ops cost`, plus that of audit reads",
    )
    load.add_argument(
        "--within",
        metavar="TIME",
        help="longest time until an order is settled, such as 90s (default: the stack's settling_promise_seconds)",
    )
    load.add_argument("--in-production", action="store_true", help="needed for a stack whose environment is production")
    load.add_argument("--token", metavar="TOKEN", help="send this bearer token; - reads it from standard input")


def run(options: argparse.Namespace, context: Context) -> int:
    """Place the orders, wait for them and judge the result; or print what would be ordered."""
    if context.target.api_url is None:
        raise NoStackError("These outputs have no api_url. Read them again: pulumi stack output --json.")
    promise = context.target.objectives.promise_seconds if context.target.objectives else _PROMISE_SECONDS
    within = parse_duration(options.within) if options.within else float(promise)
    plan = _plan(options, context)
    taken = f"one unit of {' or '.join(plan.skus)}" if plan.skus else "an article that does not exist"
    context.say(
        f"{counted(plan.orders, 'order')}, each for {taken}, in currency {TEST_CURRENCY}, {plan.per_second:g} per "
        f"second, at {context.target.api_url}."
    )
    context.say(
        f"About {plan.estimated_usd:.4f} USD, more with retries, at list prices of us-east-1; "
        f"allowed: {plan.allowed_usd}."
    )
    document = {"dry_run": not options.yes, "stack": context.target.prefix, **plan.document()}
    if not options.yes:
        if context.as_json:
            context.print_json({**document, "report": None})
        dry_run(context)
        return ExitCode.OK
    findings, report, unread = _run(context, plan, token_for(context.choice, options.token), within)
    if context.as_json:
        context.print_json({**document, "report": {**report, "findings": [each.as_json() for each in findings]}})
    else:
        _show(context, findings, report)
    if not all(each.ok for each in findings):
        return ExitCode.FAILED
    return ExitCode.INCOMPLETE if unread else ExitCode.OK


def _plan(options: argparse.Namespace, context: Context) -> Plan:
    """Plan the load.

    Raises:
        RefusedError: the load would cost too much, or the stack is in production and `--in-production` is not given.
    """
    settings, config = configured(context.choice)
    if config.environment == "production" and not options.in_production:
        raise RefusedError(
            f"The environment of {settings.stack} is production: its subscribers would get the events of "
            "these orders, and the orders would use the same limits as the customers' orders. "
            "Test another stack, or add --in-production."
        )
    rows = context.clients.dynamodb.describe_table(TableName=context.target.orders_table)["Table"].get("ItemCount", 0)
    of_order = costs_of(config, None)["total"]["per_million"] / MILLION
    of_audit = _AUDIT_UNITS * (rows + options.orders) * usd("read unit")
    about = options.orders * of_order * (1 + Decimal(str(_REPEATS_ACCEPTED))) + of_audit
    if about > options.spend_at_most:
        raise RefusedError(
            f"{counted(options.orders, 'order')} and the audit of {counted(rows, 'stored order')} would cost about "
            f"{about:.2f} USD; allowed: {options.spend_at_most}. "
            f"Order fewer (--orders), or allow more: --spend-at-most {about + 1:.0f}."
        )
    # A repetition costs no more than an order does.
    requests = int((options.spend_at_most - of_audit) / of_order)
    return Plan(options.orders, options.rate, options.clients, options.sku, about, options.spend_at_most, requests)


def _run(context: Context, plan: Plan, token: str | None, within: float) -> tuple[list[Finding], dict[str, Any], bool]:
    began, run, habits = context.clock.time(), secrets.token_hex(4), Habits(repeats_accepted=_REPEATS_ACCEPTED)
    url, patience = str(context.target.api_url), min(within, 300.0)
    clients = RetryingClients(url, {"": token}, plan.clients, habits, patience, plan.most_requests)
    traffic = clients.traffic
    with context.err.status("load") as status:
        of = f"of {plan.orders}"
        clients.send(plan.all_orders(run), plan.per_second, lambda done: status.update(f"finished: {done} {of}"))
        order_ids = {order_id for ids in traffic.order_ids.values() for order_id in ids}
        watch = Watch(context.orders, context.clock, order_ids)
        for settled in watch.until(context.clock.time() + within):
            status.update(f"settled: {settled} {of}")
        reader = Reader(context, watch.last, began, lambda what: status.update(f"audit: {what}"))
        evidence = reader.read()
    audited = (finding.with_texts(context.completed) for finding in judge(evidence))
    findings = [*judge_load(traffic, watch, plan.orders, plan.per_second, within), *audited]
    report = {
        "run": run,
        "reached_per_second": round(reached(traffic, plan.orders, plan.per_second), 1),
        "requests": traffic.requests,
        "unanswered": traffic.unanswered,
        "statuses": dict(traffic.statuses),
        "accept_seconds": spread(traffic.accept_seconds),
        "settle_seconds": spread(watch.seconds.values()),
        "unread": evidence.unread,
    }
    return findings, report, bool(evidence.unread)


def _show(context: Context, findings: Sequence[Finding], report: dict[str, Any]) -> None:
    context.heading(f"load on {context.target.prefix} ({context.target.region}), run {report['run']}")
    rows = [("holds" if one.ok else "BROKEN", f"{one.name} {one.promise}", one.counted) for one in findings]
    context.out.rows(("", "what", "counted"), rows, {"", "what"})
    for one in findings:
        for text in one.violations:
            context.out.print_line(f"!! {one.name}: {text}")
    context.out.fields({name.replace("_", " "): _shown(value) for name, value in report.items() if name != "run"})


def _shown(value: Any) -> Any:
    return ", ".join(f"{name}: {each}" for name, each in value.items()) if isinstance(value, dict) else value


def _positive(kind: Any) -> Any:
    return partial(_read, kind)


def _read(kind: Any, text: str) -> Any:
    try:
        value = kind(text)
        if 0 < value < float("inf"):
            return value
    except (ValueError, ArithmeticError):
        pass
    raise argparse.ArgumentTypeError(f"given {text!r}; allowed: a number above 0")
