"""Tests the metrics and the statistic that the embedded AWS adds to MiniStack."""

from __future__ import annotations

import asyncio
import json
import time
from types import ModuleType
from typing import Any

import pytest

from local.metrics import Datum, count, embedded

LINE = json.dumps(
    {
        "_aws": {
            "Timestamp": 1,
            "CloudWatchMetrics": [
                {
                    "Namespace": "orders-local",
                    "Dimensions": [["service"]],
                    "Metrics": [{"Name": "OrderConfirmed", "Unit": "Count"}, {"Name": "Latency"}],
                }
            ],
        },
        "service": "worker",
        "OrderConfirmed": [1.0, 2.0],
        "Latency": 29,
    }
)


def modules() -> tuple[ModuleType, ModuleType, ModuleType, ModuleType, list[tuple[Any, ...]]]:
    """Call `count` with stand-ins for four modules of MiniStack. Return the stand-ins and the metrics they record."""
    functions, gateway, cloudwatch, queues = (ModuleType(name) for name in ("functions", "gateway", "metrics", "sqs"))
    recorded: list[tuple[Any, ...]] = []

    def of_invocation(function: str, duration_ms: float, error: bool, throttle: bool) -> None:
        recorded.append((function, duration_ms, error, throttle))

    async def execute(api_id: str, stage: str, status: int) -> tuple[int, dict[str, str], bytes]:
        return status, {}, b""

    vars(functions).update(_emit_lambda_logs=lambda *_, **__: None, _emit_lambda_metrics=of_invocation)
    vars(gateway).update(handle_execute=execute)
    vars(cloudwatch).update(
        record_metric=lambda *values: recorded.append(values),
        _store_datum=lambda *values: recorded.append(values),
        _get_metric_data=lambda: "answer",
        _stat_value=lambda _, name, points=None: f"{name} of {len(points)}",
        _percentile_samples=lambda points: [(point, 2) for point in points],
    )
    vars(queues).update(_queues={})
    count(functions, gateway, cloudwatch, queues)
    return functions, gateway, cloudwatch, queues, recorded


def test_a_trimmed_count_leaves_out_samples_above_its_bound() -> None:
    # GIVEN points that each contain two samples
    _, _, cloudwatch, _, _ = modules()
    # WHEN / THEN
    assert cloudwatch._stat_value({}, "TC(:600)", [1, 600, 601]) == 4
    assert cloudwatch._stat_value({}, "p95", [1, 600]) == "p95 of 2"


def test_metrics_in_a_log_are_found_and_other_lines_ignored() -> None:
    # GIVEN a log with one line in the embedded metric format, and lines that look similar
    log = "\n".join(["START", '{"CloudWatchMetrics": 1}', "CloudWatchMetrics", LINE, "END"])
    # WHEN it is read
    found = list(embedded(log))
    # THEN each value is found with its dimensions
    service = {"service": "worker"}
    assert found == [
        Datum("orders-local", "OrderConfirmed", 1.0, "Count", service),
        Datum("orders-local", "OrderConfirmed", 2.0, "Count", service),
        Datum("orders-local", "Latency", 29.0, "None", service),
    ]


def test_every_invocation_is_counted_once() -> None:
    # GIVEN an emulator with the added metrics
    functions, _, _, _, recorded = modules()
    # WHEN a function runs, and MiniStack itself reports the same run and a throttle
    functions._emit_lambda_logs({"FunctionName": "worker"}, "r-1", LINE, True, 12, log_source=None)
    functions._emit_lambda_metrics("worker", duration_ms=12.0, error=True, throttle=False)
    functions._emit_lambda_metrics("worker", duration_ms=0.0, error=False, throttle=True)
    # THEN the run and the throttle are counted once each. The metrics in the function's log are
    # recorded too
    assert recorded[-2:] == [("worker", 12, True, False), ("worker", 0.0, False, True)]
    assert len(recorded) == 5


@pytest.mark.parametrize(("status", "counts"), [(202, (0, 0)), (404, (1, 0)), (503, (0, 1))])
def test_every_request_is_counted_by_the_class_of_its_status(status: int, counts: tuple[int, int]) -> None:
    # GIVEN an emulator with the added metrics
    _, gateway, _, _, recorded = modules()
    # WHEN a request is answered
    asyncio.run(gateway.handle_execute("api", "$default", status))
    # THEN the request is counted once, and also as 4xx or 5xx if its status is an error
    values = {name: value for _, name, value, _, _ in recorded}
    assert (values["Count"], values["4xx"], values["5xx"]) == (1, *counts)
    assert {dimensions["Stage"] for *_, dimensions in recorded} == {"$default"}


def test_the_age_of_the_oldest_message_is_measured_when_metrics_are_read() -> None:
    # GIVEN a queue with a new message, an older one, and one that was received three times; and an empty queue
    _, _, cloudwatch, queues, recorded = modules()
    sent = [(10, 0), (100, 2), (1000, 3)]
    messages = [{"sent_at": time.time() - ago, "receive_count": receives} for ago, receives in sent]
    queues._queues.update({"http://aws/1/orders": {"messages": messages}, "http://aws/1/dead": {"messages": []}})
    # WHEN metrics are read
    assert cloudwatch._get_metric_data() == "answer"
    # THEN the age is that of the oldest message with fewer than three receives, and 0 for the empty queue
    ages = {dimensions["QueueName"]: age for _, _, dimensions, _, _, age, *_ in recorded}
    assert ages == {"orders": pytest.approx(100, abs=5), "dead": 0}


def test_another_version_of_the_emulator_is_refused() -> None:
    # GIVEN modules without the needed functions
    empty = ModuleType("empty")
    # WHEN `count` is called with them
    # THEN the error names the missing functions
    with pytest.raises(LookupError, match="_emit_lambda_logs"):
        count(empty, empty, empty, empty)
