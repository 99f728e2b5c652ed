"""What one month of a stack costs, item by item.

Loads are spread evenly over the month: each order is an invocation of its own, and most invocations are traced.
Bursts cost less.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

from components.alarms.model import AlarmTable
from components.edge_rules import MANAGED
from ops.cost.prices import usd
from pipeline.alarms import alarm_table
from pipeline.config import StackConfig
from pipeline.config.alarm_thresholds import changed_thresholds
from pipeline.delivery import rollback_row
from pipeline.functions import API_FUNCTIONS, FUNCTIONS
from pipeline.operations import bus_rules_of, limits_of

FACTS: Final[dict[str, dict[str, Any]]] = json.loads(
    Path(__file__).with_name("facts.json").read_text("utf-8"), parse_float=Decimal
)
"""Counted by `python -m lab.benchmarks.usage`: what each function uses for one order or look-up."""
MILLION: Final = 1_000_000
HOURS: Final = 730
"""A month's."""
_SECONDS: Final = HOURS * 3_600
_GB: Final = 2**30

# Estimated: billed time of an invocation with 1 GB, platform lines (START, END, REPORT) and line of the access log.
_SECONDS_OF: Final = {
    "create-order": Decimal("0.05"),
    "process-order": Decimal("0.05"),
    "get-order": Decimal("0.02"),
}
_PLATFORM_BYTES: Final = 330
_ACCESS_BYTES: Final = 330
# Lambda's event source mapping asks a quiet queue with five pollers, each waiting for up to 20 seconds.
_EMPTY_RECEIVES: Final = 5 * _SECONDS // 20
_KEY_REUSE_SECONDS: Final = 300
"""For so long DynamoDB and SQS keep a data key."""


class Load(NamedTuple):
    """A month's traffic: accepted orders, their lines beyond the first, and look-ups."""

    orders: int = 0
    further_lines: int = 0
    lookups: int = 0

    @property
    def runs(self) -> dict[str, int]:
        """Invocations by function."""
        return {"create-order": self.orders, "process-order": self.orders, "get-order": self.lookups}

    def total(self, fact: str) -> Decimal:
        """That fact over all of it."""
        of_runs = sum(runs * Decimal(FACTS[name][fact]) for name, runs in self.runs.items())
        return of_runs + self.further_lines * Decimal(FACTS["line"][fact])


class Item(NamedTuple):
    """One line of the bill.

    Attributes:
        option: What decides on it; empty: every stack has it.
        idle: USD a month without traffic.
        used: USD on top, with the load.
        estimated: Something in it was not counted.
    """

    service: str
    what: str
    option: str = ""
    idle: Decimal = Decimal()
    used: Decimal = Decimal()
    estimated: bool = False


def bill(config: StackConfig, load: Load) -> list[Item]:
    """All that costs something, of every service."""
    return [*_calls(config, load), *_observing(config, load), *_alarms(config), *_extras(config, load)]


def alarms_of(config: StackConfig) -> AlarmTable:
    """The stack's alarms, as the program makes them."""
    bus = config.events_target == "bus"
    return alarm_table(
        changed_thresholds(config.alarm_thresholds),
        limits_of(config),
        bus_rules_of(config),
        bus_dead_letters=bus and config.encryption == "customer",
        certificate=bool(config.domain_name) and not config.waf,
    )


def _calls(config: StackConfig, load: Load) -> Iterator[Item]:
    requests, invocations = load.orders + load.lookups, sum(load.runs.values())
    yield Item("HTTP API", "requests", used=requests * usd("api request"))
    yield Item("Lambda", "invocations", used=invocations * usd("lambda request"))
    seconds = sum((runs * _SECONDS_OF[name] * _gigabytes(config, name) for name, runs in load.runs.items()), Decimal())
    duration = seconds * usd(config.architecture)
    yield Item("Lambda", "duration", "architecture", used=duration, estimated=True)
    units = load.total("write_units") * usd("write unit") + load.total("read_units") * usd("read unit")
    yield Item("DynamoDB", "write and read units", used=units)
    stored = load.total("stored_bytes") / _GB
    yield Item("DynamoDB", "orders kept a month", used=stored * usd("table storage"))
    if config.point_in_time_recovery:
        kept = stored * usd("point-in-time recovery")
        yield Item("DynamoDB", "the same, restorable", "point_in_time_recovery", used=kept)
    of_queue = usd("sqs fifo request" if config.strict_ordering else "sqs request")
    fifo = "strict_ordering" if config.strict_ordering else ""
    # The mapping receives and deletes each order.
    sent = load.total("sqs_requests") + 2 * load.orders
    yield Item("SQS", "requests; empty receives", fifo, _EMPTY_RECEIVES * of_queue, sent * of_queue, True)
    yield from _events(config, load, fifo)


def _events(config: StackConfig, load: Load, fifo: str) -> Iterator[Item]:
    published = load.total("published")
    if config.events_target == "bus":
        yield Item("EventBridge", "events", "events_target", used=published * usd("event"))
        return
    yield Item("SNS", "messages", fifo, used=published * usd("sns fifo publish" if fifo else "sns publish"))
    for each in config.subscriptions:
        if each.protocol != "sqs":
            what = f"deliveries to {each.name}"
            yield Item("SNS", what, "subscriptions", used=published * usd(f"sns {each.protocol}"), estimated=True)


def _observing(config: StackConfig, load: Load) -> Iterator[Item]:
    share = Decimal(config.debug_log_percent) / 100
    written = Decimal((load.orders + load.lookups) * _ACCESS_BYTES)
    for name, runs in load.runs.items():
        of_level = FACTS[name]["log_bytes"]
        lines = of_level["DEBUG"] * share + of_level[config.log_level] * (1 - share)
        written += runs * (lines + _PLATFORM_BYTES)
    option = "log_level"
    yield Item("CloudWatch", "logs taken in", option, used=written / _GB * usd("log ingestion"), estimated=True)
    months = Decimal(config.log_retention_days) * 24 / HOURS
    kept = written / _GB * months * usd("log storage")
    yield Item("CloudWatch", "logs kept", "log_retention_days", used=kept, estimated=True)
    metrics = sum(FACTS[name]["metrics"] for name, runs in load.runs.items() if runs)
    hours = min(load.orders, HOURS)
    yield Item("CloudWatch", "own metrics", used=metrics * hours * usd("custom metric") / HOURS, estimated=True)
    if config.tracing:
        traces = sum(map(_traced, load.runs.values()), Decimal())
        yield Item("X-Ray", "traces", "tracing", used=traces * usd("trace"), estimated=True)


def _traced(invocations: int) -> Decimal:
    """Of a function's: the first in each second, and 5 % of the rest."""
    first = min(invocations, _SECONDS)
    return first + Decimal("0.05") * (invocations - first)


def _alarms(config: StackConfig) -> Iterator[Item]:
    yield Item("CloudWatch", "dashboard", idle=usd("dashboard"))
    if config.alarms:
        table = alarms_of(config)
        metrics, composites = sum(len(row.metrics) for row in table.alarms), len(table.composites)
        yield Item("CloudWatch", f"alarms ({metrics} metrics)", "alarms", metrics * usd("alarm metric"))
        yield Item("CloudWatch", f"composites ({composites})", "alarms", composites * usd("composite alarm"))
    if config.gradual_deploy != "none":
        metrics = sum(len(rollback_row(each).metrics) for each in FUNCTIONS)
        yield Item("CloudWatch", f"alarms ({metrics} metrics)", "gradual_deploy", metrics * usd("alarm metric"))


def _extras(config: StackConfig, load: Load) -> Iterator[Item]:
    if config.authorizer == "cognito":
        clients = len(config.token_clients)
        tokens = min(load.orders + load.lookups, clients * _SECONDS // config.token_validity_seconds)
        clients_usd = clients * usd("cognito client")
        yield Item(
            "Cognito", f"clients ({clients}); tokens", "token_clients", clients_usd, tokens * usd("cognito token"), True
        )
    if config.encryption == "customer":
        # Four tables, and queue and topic or subscriber's queue by who sends and who receives.
        own = sum(each.protocol == "sqs" and not each.endpoint for each in config.subscriptions)
        users = 4 + 2 * (1 + own) + 1
        calls = users * min(load.orders, _SECONDS // _KEY_REUSE_SECONDS)
        yield Item("KMS", "key; calls", "encryption", usd("kms key"), calls * usd("kms call"), True)
    if config.waf:
        requests = load.orders + load.lookups
        rules = 1 + len(MANAGED)
        idle = usd("web acl") + rules * usd("waf rule")
        yield Item("WAF", f"ACL, {rules} rules; requests", "waf", idle, requests * usd("waf request"))
        yield Item("CloudFront", "requests", "waf", used=requests * usd("cloudfront request"))
    if config.domain_zone_id:
        yield Item("Route 53", "the zone that is there", "domain_zone_id", usd("hosted zone"))
    yield from _warm(config)


def _warm(config: StackConfig) -> Iterator[Item]:
    gigabyte_seconds = _SECONDS * sum(_gigabytes(config, each.name) for each in API_FUNCTIONS)
    if config.api_warm_start == "provisioned":
        idle = config.api_provisioned_concurrency * gigabyte_seconds * usd(f"{config.architecture}, provisioned")
        yield Item("Lambda", "instances kept ready", "api_warm_start", idle)
    if config.api_warm_start == "snap_start":
        idle = gigabyte_seconds * usd("snapshot")
        yield Item("Lambda", "snapshots, without resumes", "api_warm_start", idle, estimated=True)


def _gigabytes(config: StackConfig, function: str) -> Decimal:
    api = function in {each.name for each in API_FUNCTIONS}
    return Decimal(config.api_memory_mb if api else config.worker_memory_mb) / 1024
