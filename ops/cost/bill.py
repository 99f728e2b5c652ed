"""Cost of one month of a stack, item by item.

A load is spread evenly over the month. By default, each order has its own invocation of the worker. With `tracing`,
each function's first invocation in each second and 5 % of its other invocations are traced. In bursts, the same
load costs less: the worker gets several orders in one batch and, with `tracing`, fewer invocations are traced.
"""

import json
from collections.abc import Callable, Iterator, Mapping
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

FACTS: Final[Mapping[str, Mapping[str, Any]]] = json.loads(
    Path(__file__).with_name("facts.json").read_text("utf-8"), parse_float=Decimal
)
"""What each function uses (such as write units and log bytes) for one order or look-up, and what the
worker uses for a batch of ten orders; see lab/benchmarks/usage.py."""
MILLION: Final = 1_000_000
HOURS: Final = 730
"""Hours in a month."""
_SECONDS: Final = HOURS * 3_600
_GB: Final = 2**30

# Estimate: the seconds that AWS bills for an invocation with 1 GB.
SECONDS_OF: Final = {
    "create-order": Decimal("0.05"),
    "process-order": Decimal("0.05"),
    "get-order": Decimal("0.02"),
    # Ten orders in one batch take about 0.11 of the time of ten orders one after the other (docs/performance.md).
    "ten orders": Decimal("0.06"),
}
_PLATFORM_BYTES: Final = 330
"""Estimate: bytes of Lambda's own log lines about an invocation (START, END, REPORT)."""
_ACCESS_BYTES: Final = 330
"""Estimate: bytes of a line of the access log."""
_COMPRESSED: Final = Decimal("0.15")
"""Estimate: stored bytes per byte logged."""
# Lambda's event source mapping polls a quiet queue with five pollers, each of which waits for up to 20 seconds.
_EMPTY_RECEIVES: Final = 5 * _SECONDS // 20
CAPACITY_USED: Final = Decimal("0.7")
"""Usual target utilisation of auto scaling for provisioned capacity."""
_KEY_REUSE_SECONDS: Final = 300
"""Time for which DynamoDB and SQS reuse a data key."""


class Load(NamedTuple):
    """A month's traffic.

    Attributes:
        orders: Number of accepted orders.
        further_lines: Number of lines of all orders, without the first line of each order.
        lookups: Number of look-ups.
        per_batch: Number of orders in each batch of the worker.
    """

    orders: int = 0
    further_lines: int = 0
    lookups: int = 0
    per_batch: int = 1

    @property
    def runs(self) -> dict[str, Decimal]:
        """Invocations by function."""
        orders = Decimal(self.orders)
        return {"create-order": orders, "process-order": orders / self.per_batch, "get-order": Decimal(self.lookups)}

    def total(self, fact: Callable[[str], Any]) -> Decimal:
        """Return the sum of `fact(name)` over all invocations of the functions.

        The worker's facts are known for a batch of one order and for a batch of ten orders. In any batch, each order
        after the first adds the same amount: a ninth of the difference between these two.
        """
        used = {name: Decimal(fact(name)) for name in self.runs}
        more = (Decimal(fact("ten orders")) - used["process-order"]) / 9
        used["process-order"] += more * (self.per_batch - 1)
        return sum((runs * used[name] for name, runs in self.runs.items()), Decimal())

    def counted(self, fact: str) -> Decimal:
        """Add up one number of `FACTS`, such as `write_units`, over the whole load.

        The sum includes the orders' further lines.
        """
        return self.total(lambda name: FACTS[name][fact]) + self.further_lines * Decimal(FACTS["line"][fact])


class Item(NamedTuple):
    """One line of the bill.

    Attributes:
        option: The option that adds or changes the item; empty if no option does.
        idle: USD per month without traffic.
        used: Additional USD for the load.
        estimated: Whether a part of the item is an estimate.
    """

    service: str
    what: str
    option: str = ""
    idle: Decimal = Decimal()
    used: Decimal = Decimal()
    estimated: bool = False


def bill(config: StackConfig, load: Load) -> list[Item]:
    """Return all items of the bill."""
    return [*_calls(config, load), *_observing(config, load), *_alarms(config), *_extras(config, load)]


def provisioned(load: Load) -> Decimal:
    """Return the cost of the load's reads and writes with provisioned capacity.

    The load uses the share `CAPACITY_USED` of this capacity.
    """
    hours = {kind: load.counted(f"{kind}_units") / 3600 / CAPACITY_USED for kind in ("write", "read")}
    return sum((needed * usd(f"{kind} capacity") for kind, needed in hours.items()), Decimal())


def alarms_of(config: StackConfig) -> AlarmTable:
    """The alarms that the option `alarms` creates for the stack."""
    bus = config.events_target == "bus"
    return alarm_table(
        changed_thresholds(config.alarm_thresholds),
        limits_of(config),
        bus_rules_of(config),
        bus_dead_letters=bus and config.encryption == "customer",
        certificate=bool(config.domain_name),
    )


def _calls(config: StackConfig, load: Load) -> Iterator[Item]:
    requests, invocations = load.orders + load.lookups, sum(load.runs.values())
    yield Item("HTTP API", "requests", used=requests * usd("api request"))
    yield Item("Lambda", "invocations", used=invocations * usd("lambda request"))
    seconds = load.total(lambda name: SECONDS_OF[name] * _gigabytes(config, name))
    duration = seconds * usd(config.architecture)
    yield Item("Lambda", "duration", "architecture", used=duration, estimated=True)
    units = load.counted("write_units") * usd("write unit") + load.counted("read_units") * usd("read unit")
    yield Item("DynamoDB", "write and read units", used=units)
    stored = load.counted("stored_bytes") / _GB
    yield Item("DynamoDB", "orders kept a month", used=stored * usd("table storage"))
    if config.point_in_time_recovery:
        kept = stored * usd("point-in-time recovery")
        yield Item("DynamoDB", "backups of orders", "point_in_time_recovery", used=kept)
    of_queue = usd("sqs fifo request" if config.strict_ordering else "sqs request")
    fifo = "strict_ordering" if config.strict_ordering else ""
    # The mapping receives or deletes up to ten messages with one request.
    sent = load.counted("sqs_requests") + Decimal(2 * load.orders) / min(load.per_batch, 10)
    yield Item("SQS", "requests; empty receives", fifo, _EMPTY_RECEIVES * of_queue, sent * of_queue, True)
    if not config.strict_ordering:
        yield Item("SQS", "surcharge for message groups", used=sent * usd("sqs fair request"), estimated=True)
    yield from _events(config, load, fifo)


def _events(config: StackConfig, load: Load, fifo: str) -> Iterator[Item]:
    published = load.counted("published")
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

    def lines(name: str) -> Decimal:
        of_level: Mapping[str, int] = FACTS[name]["log_bytes"]
        return of_level["DEBUG"] * share + of_level[config.log_level] * (1 - share) + _PLATFORM_BYTES

    written = load.total(lines) + (load.orders + load.lookups) * _ACCESS_BYTES
    option = "log_level"
    yield Item("CloudWatch", "logs ingested", option, used=written / _GB * usd("log ingestion"), estimated=True)
    months = Decimal(config.log_retention_days) * 24 / HOURS
    kept = written / _GB * months * _COMPRESSED * usd("log storage")
    yield Item("CloudWatch", "logs kept", "log_retention_days", used=kept, estimated=True)
    metrics = sum(FACTS[name]["metrics"] for name, runs in load.runs.items() if runs)
    hours = min(load.orders, HOURS)
    yield Item("CloudWatch", "own metrics", used=metrics * hours * usd("custom metric") / HOURS, estimated=True)
    if config.tracing:
        traces = sum(map(_traced, load.runs.values()), Decimal())
        yield Item("X-Ray", "traces", "tracing", used=traces * usd("trace"), estimated=True)


def _traced(invocations: Decimal) -> Decimal:
    """Return how many of a function's invocations are traced: the first in each second, and 5 % of the rest."""
    first = min(invocations, Decimal(_SECONDS))
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
        # Users of the key: four tables, sender and receiver of each queue, and the topic or bus.
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
        yield Item("Route 53", "existing zone", "domain_zone_id", usd("hosted zone"))
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
    # "ten orders" is not a function: it stands for a batch of the worker.
    api = function in {each.name for each in API_FUNCTIONS}
    return Decimal(config.api_memory_mb if api else config.worker_memory_mb) / 1024
