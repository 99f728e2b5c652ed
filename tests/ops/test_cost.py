"""`ops cost` compared with bills that are calculated by hand, from prices and counts in this file.

Only the sizes of log lines come from the measured usage, `FACTS`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal

import pytest

from lab.benchmarks import usage
from lab.recording.recording import record_config
from ops.cli.main import main
from ops.cost.bill import FACTS, MILLION, Load, alarms_of, bill
from ops.errors import ExitCode
from ops.preflight.stack_facts import configured
from ops.target import Choice
from pipeline.config import StackConfig, parse_config
from pipeline.functions import API_FUNCTIONS, FUNCTIONS

# A single number is USD per million orders with one line each; only POLLING is USD per month. A pair is USD per month,
# and USD per million orders.
HTTP = 1.00
LAMBDA = 2 * 0.20 + 2 * 50_000 * 0.0000133334  # twice 50 ms at 1 GB
UNITS = 9 * 0.625 + 1 * 0.125
STORED = 324e6 / 2**30 * 0.25
RESTORABLE = 324e6 / 2**30 * 0.20
REQUESTS = 3 * (0.40 + 0.10)  # send, receive, delete; 0.10 is added for a message group
POLLING = 657_000 * 0.40 / 1e6  # five pollers, every 20 s
TRACES = 2 * 5.00  # Lambda traces the first call of each second: with 0.4 orders a second, that is every call
METRICS = 3 * 0.30
EDGE = {"WAF": (5 + 4 * 1.00, 0.60), "CloudFront": (0, 1.00)}


def lines(function: str, debug: float) -> float:
    of_level = {name: float(size) for name, size in FACTS[function]["log_bytes"].items()}
    # 330 bytes: the lines that Lambda itself writes about an invocation.
    return 330 + of_level["DEBUG"] * debug + of_level["INFO"] * (1 - debug)


def kept(written: float, days: int) -> float:
    """Return the price of a million orders' log lines, with `written` bytes for each order.

    All bytes are ingested. Compressed to 15 %, they are stored for `days`.
    """
    return written * 1e6 / 2**30 * (0.50 + 0.15 * 0.03 * days * 24 / 730)


def logs(debug: float, days: int) -> float:
    """Return the price of a million orders' logs and access logs. `debug` is the share of invocations at DEBUG."""
    return kept(330 + lines("create-order", debug) + lines("process-order", debug), days)


DEFAULT = {
    "HTTP API": (0, HTTP),
    "Lambda": (0, LAMBDA),
    "DynamoDB": (0, UNITS + STORED + RESTORABLE),
    "SQS": (POLLING, REQUESTS),
    "SNS": (0, 0.50),
    "CloudWatch": (3 + 62 * 0.10 + 6 * 0.50, METRICS + logs(0, 30)),
}
DEV = DEFAULT | {"DynamoDB": (0, UNITS + STORED), "CloudWatch": (3, METRICS + logs(0.10, 7))}
PROD = DEFAULT | {
    "CloudWatch": (3 + 62 * 0.10 + 6 * 0.50 + (4 + 2 * len(API_FUNCTIONS)) * 0.10, METRICS + logs(0.01, 90)),
    "Cognito": (6, 730 * 0.00225),
}
BUS = {name: both for name, both in DEFAULT.items() if name != "SNS"} | {
    "EventBridge": (0, 1.00),
    # The three alarms of the topic and their composite do not exist. The dead-letter queue of the bus has one alarm of
    # two metrics.
    "CloudWatch": (3 + 61 * 0.10 + 5 * 0.50, DEFAULT["CloudWatch"][1]),
    # Seven users of the key: four tables, the orders queue's sender and receiver, and the bus. Each gets a data key
    # every five minutes.
    "KMS": (1, 7 * 8_760 * 3.00 / 1e6),
}
DOMAIN = (
    DEFAULT
    | EDGE
    | {
        "Route 53": (0.50, 0),
        "SNS": (0, 0.50 + 20.00 + 0.60),
        # With a domain there is one more alarm, on the certificate.
        "CloudWatch": (DEFAULT["CloudWatch"][0] + 0.10, DEFAULT["CloudWatch"][1]),
    }
)
PROD_IN_BATCHES_OF_TEN = PROD | {
    # For ten orders the worker has one invocation of 60 ms, instead of ten invocations of 50 ms each. There is also
    # only one receive and one delete.
    "Lambda": (0, 1.1 * 0.20 + (50_000 + 6_000) * 0.0000133334),
    "SQS": (POLLING, 1.2 * (0.40 + 0.10)),
    "CloudWatch": (
        PROD["CloudWatch"][0],
        METRICS + kept(330 + lines("create-order", 0.01) + lines("ten orders", 0.01) / 10, 90),
    ),
}
ORDERED = DEFAULT | {
    "SQS": (657_000 * 0.50 / 1e6, 3 * 0.50),
    "SNS": (0, 0.30),
    "X-Ray": (0, TRACES),
    "Lambda": (len(API_FUNCTIONS) * 2 * 0.5 * 2_628_000 * 0.0000033334, 2 * 0.20 + 50_000 * (0.5 + 1) * 0.0000133334),
}
OPTIONS: dict[str, dict[str, str]] = {
    "bus": {"events_target": "bus", "encryption": "customer"},
    "domain": {
        "waf": "true",
        "origin_secret": "0123456789abcdef0123456789abcdef",
        "domain_name": "orders.example.com",
        "domain_zone_id": "Z0123456789ABCDEFGHIJ",
        "subscriptions": json.dumps(
            [
                "{name: mail, protocol: email, endpoint: orders@example.com}",
                "{name: web, protocol: https, endpoint: 'https://orders.example.com/events'}",
            ]
        ),
    },
    "ordered": {
        "strict_ordering": "true",
        "batch_size": "1",
        "api_warm_start": "provisioned",
        "api_provisioned_concurrency": "2",
        "api_memory_mb": "512",
        "tracing": "true",
    },
}


def of_file(stack: str) -> StackConfig:
    return configured(Choice(stack=stack), {})[1]


def of_options(name: str) -> StackConfig:
    return parse_config({"allow_anonymous": "true", **OPTIONS[name]}, project="orders", stack="test")


@pytest.mark.parametrize(
    ("config", "per_batch", "by_hand"),
    [
        (lambda: of_file("dev"), 1, DEV),
        (lambda: of_file("prod"), 1, PROD),
        (lambda: of_file("prod"), 10, PROD_IN_BATCHES_OF_TEN),
        (lambda: of_options("bus"), 1, BUS),
        (lambda: of_options("domain"), 1, DOMAIN),
        (lambda: of_options("ordered"), 1, ORDERED),
    ],
    ids=["dev", "prod", "prod in batches of ten", *OPTIONS],
)
def test_a_bill_equals_a_calculation_by_hand(
    config: Callable[[], StackConfig], per_batch: int, by_hand: dict[str, tuple[float, float]]
) -> None:
    # GIVEN a configuration
    # WHEN the bill of a million orders is calculated
    found: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(), Decimal()])
    for item in bill(config(), Load(MILLION, per_batch=per_batch)):
        found[item.service][0] += item.idle
        found[item.service][1] += item.used
    # THEN each service costs as much as in the calculation by hand
    assert {name: tuple(map(float, both)) for name, both in found.items()} == {
        name: pytest.approx(both, abs=0.005) for name, both in by_hand.items()
    }


@pytest.mark.parametrize(
    "options",
    [
        *OPTIONS.values(),
        {"events_target": "bus"},
        {"domain_name": "orders.example.com", "domain_zone_id": "Z0123456789ABCDEFGHIJ"},
    ],
    ids=[*OPTIONS, "bus with AWS's keys", "domain without edge"],
)
def test_the_bill_counts_the_alarms_that_the_program_makes(options: dict[str, str]) -> None:
    # GIVEN the resources that the program registers
    options = {"allow_anonymous": "true", "gradual_deploy": "Canary10Percent5Minutes", **options}
    made = record_config(options)
    # WHEN the alarms are counted from the configuration
    table = alarms_of(parse_config(options, project="orders", stack="test"))
    # THEN the program makes the counted alarms, and one rollback alarm for each function
    rollbacks = len(FUNCTIONS)
    assert len(made.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")) == len(table.alarms) + rollbacks
    assert len(made.of_type("aws:cloudwatch/compositeAlarm:CompositeAlarm")) == len(table.composites)


def test_one_call_a_second_and_five_percent_of_the_other_calls_are_traced() -> None:
    # GIVEN a month with ten orders a second
    load = Load(26_280_000)
    # WHEN
    (traces,) = (item.used for item in bill(of_options("ordered"), load) if item.service == "X-Ray")
    # THEN for each of two functions, one call a second is traced, and 5 % of the other calls
    assert float(traces) == pytest.approx(2 * (2.628 + 0.05 * 23.652) * 5.00)


def test_the_bill_of_a_month_is_shown_as_text_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN
    command = ["cost", "--stack", "prod", "--orders-per-month", "100", "--orders-per-batch", "10"]
    # WHEN
    codes = main(command), main([*command, "--json"])
    shown, _, document = capsys.readouterr().out.partition("{")
    # THEN the functions' own metrics are billed only for the hours with data, and the output names the Region
    found = json.loads("{" + document)
    assert codes == (0, 0)
    month = {each["what"]: each["month"] for each in found["items"]}
    assert month["own metrics"] == pytest.approx(3 * 0.30 * 100 / 730)
    assert found["total"]["month"] == pytest.approx(sum(month.values()))
    (sums,) = (line.split()[1:] for line in shown.splitlines() if line.startswith("together"))
    assert sums == [f"{found['total'][key]:.2f}" for key in ("idle", "per_million", "month")]
    assert "eu-west-1, whose prices may differ" in shown
    # AND provisioned units are billed by the hour, at a utilization of 70 %
    units = (9 * 0.00065 + 0.00013) * 1e6 / 3600 / 0.7
    assert found["per_million_provisioned_units"] == pytest.approx(units)
    assert f"If orders used 70% of this capacity, it would cost {units:.2f} for a million orders." in shown


@pytest.mark.parametrize("orders", ["0", "11"])
def test_orders_per_batch_must_be_from_1_to_the_batch_size(orders: str, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN / WHEN
    code = main(["cost", "--stack", "prod", "--orders-per-batch", orders])
    # THEN
    assert code == ExitCode.REFUSED
    assert f"given --orders-per-batch {orders}; allowed: 1 to 10, the batch_size" in capsys.readouterr().err


def test_the_committed_usage_of_an_order_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN
    # WHEN
    code = usage.main(["--check"])
    # THEN
    assert code == 0, capsys.readouterr().err
    # AND a changed count is reported, but not a difference of a few bytes
    assert usage.differences({"bytes": 100, "units": 9}, {"bytes": 104, "units": 10}) == [
        "/units: committed 9, counted 10"
    ]
