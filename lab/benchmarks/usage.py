"""Counts the AWS requests, units and bytes that orders and look-ups use, on the in-memory AWS.

There are counts for an order with one line, for a further line, for ten orders in one batch, and
for a look-up. Writes ops/cost/facts.json, from which `python -m ops cost` computes costs.

example:
  python -m lab.benchmarks.usage --check
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from lab.simulation.fakes import Process
from lab.simulation.fakes.dynamodb.values import item_bytes
from lab.simulation.observed import ObservedWorld, observed
from lab.simulation.requests import order_body
from lab.simulation.world import ORDERS
from pipeline.help import HelpFormatter

FACTS: Final = Path(__file__).resolve().parents[2] / "ops" / "cost" / "facts.json"
BATCH: Final = 10
TOLERANCE: Final = 0.05
"""Share by which byte counts may differ between two runs. They depend on how many digits the logged
numbers have, and on what the process did before."""
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
_UUID: Final = "52fdfc07-2182-154f-163f-5f0f9a621d72"
_WRITES: Final = {"PutItem", "UpdateItem"}
_LINES: Final = tuple((f"SKU-{number}", 1) for number in range(2))


def facts() -> dict[str, Any]:
    """Return what each function uses for one order, what ten orders in a batch use, and what a second line adds."""
    _used(_LINES, "ERROR")  # The first invocation of a process is not counted, because its log lines differ.
    of_level = {level: _counted(level) for level in LEVELS}
    found, two = of_level["INFO"], _used(_LINES, "INFO")
    line = {key: sum(used[key] - found[name][key] for name, used in two.items()) for key in two["process-order"]}
    for name, used in found.items():
        used["log_bytes"] = {level: counted[name]["log_bytes"] for level, counted in of_level.items()}
    return {**found, "line": line}


def _counted(level: str) -> dict[str, dict[str, Any]]:
    return {**_used(_LINES[:1], level), "ten orders": _used(_LINES[:1], level, BATCH)["process-order"]}


def _used(lines: Sequence[tuple[str, int]], level: str, orders: int = 1) -> dict[str, dict[str, Any]]:
    # By default a request's trace is not sampled: `Sampled=0`.
    trace = {"_X_AMZN_TRACE_ID": f"Root=1-5759e988-bd862e3fe1be46a994272793;Parent={_UUID[:16]};Sampled=0"}
    with patch.dict(os.environ, trace), observed(level) as (world, output):
        for sku, _ in lines:
            world.stock_up(sku, 100)
        for number in range(1, orders):
            # Each order has a different article, because orders for the same article sometimes cost less.
            world.stock_up(f"OTHER-{number}", 100)
            world.post(str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))), order_body((f"OTHER-{number}", 1)))

        def used(run: Callable[[Process], object]) -> dict[str, Any]:
            before, process = len(output.text), Process()
            metrics = len(output.metrics)
            world.cloud.wire.run(process, lambda: run(process))
            text = re.sub(r"invocation-\d+", _UUID, output.text[before:])
            names = {key for each in output.metrics[metrics:] for key in each if key not in {"_aws", "service"}}
            return {**_calls(world, process), "log_bytes": len(text), "metrics": len(names), "stored_bytes": 0}

        found = {"create-order": used(lambda process: world.post(_UUID, order_body(*lines), process=process))}
        found["process-order"] = used(world.deliver)
        order_id = next(reversed(world.orders))
        found["get-order"] = used(lambda _: world.get(order_id))
        if [each["status"] for each in world.orders.values()] != [{"S": "CONFIRMED"}] * orders:
            raise AssertionError(f"not all orders are confirmed, so the counts are wrong: {world.orders}")
        found["create-order"]["stored_bytes"] = item_bytes(world.orders[order_id])
        return found


def _calls(world: ObservedWorld, process: Process) -> dict[str, float]:
    writes, reads = Counter[str](), 0.0
    for call in process.calls:
        if call.operation == "TransactWriteItems":
            # A transaction takes twice the units, because it prepares and commits each item.
            for (item,) in map(dict.values, call.params["TransactItems"]):
                writes[item["TableName"]] += 2 * _kilobytes(world, item)
        elif call.operation in _WRITES:
            writes[call.params["TableName"]] += _kilobytes(world, call.params)
        elif call.operation == "GetItem":
            reads += 1 if call.params.get("ConsistentRead") else 0.5
    of = [call.service for call in process.calls]
    unknown = {call.operation for call in process.calls if call.service == "dynamodb"} - _WRITES
    if unknown := unknown - {"TransactWriteItems", "GetItem"}:
        raise LookupError(f"unknown operations {sorted(unknown)}; add their units to lab/benchmarks/usage.py")
    published = of.count("sns") + of.count("events")
    units = {"write_units": float(writes.total()), "of_orders_table": writes[ORDERS], "read_units": reads}
    return {**units, "sqs_requests": of.count("sqs"), "published": published}


def _kilobytes(world: ObservedWorld, params: Mapping[str, Any]) -> int:
    """Return the write units of the written item, by its final size."""
    table = world.cloud.dynamodb.tables[params["TableName"]]
    key = params.get("Key") or {"id": params["Item"]["id"]}
    (value,) = (next(iter(each.values())) for each in key.values())
    return math.ceil(item_bytes(table.items[(value,)]) / 1024)


def differences(wanted: Any, found: Any, at: str = "") -> list[str]:
    """Return the differences between two sets of facts.

    Only byte counts may differ: by the share `TOLERANCE` or by 5 bytes, whichever is more.
    """
    if isinstance(wanted, dict) and isinstance(found, dict) and wanted.keys() == found.keys():
        return [text for key in wanted for text in differences(wanted[key], found[key], f"{at}/{key}")]
    near = "bytes" in at and math.isclose(wanted, found, rel_tol=TOLERANCE, abs_tol=5)
    return [] if near or wanted == found else [f"{at}: committed {wanted}, counted {found}"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the facts. Return 1 if a check finds a difference."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.benchmarks.usage", description=__doc__, formatter_class=HelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if the committed facts differ from the counts"
    )
    counted = facts()
    if not parser.parse_args(arguments).check:
        FACTS.write_text(json.dumps(counted, indent=2) + "\n", encoding="utf-8")
        return 0
    found = differences(json.loads(FACTS.read_text(encoding="utf-8")), counted)
    sys.stderr.write("".join(f"{each}. Run: python -m lab.benchmarks.usage\n" for each in found))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
