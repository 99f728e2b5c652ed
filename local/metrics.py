"""Adds the metrics that AWS's services record but MiniStack's services do not:

- the embedded metrics in the functions' logs (CloudWatch's embedded metric format)
- Lambda's own metrics, for every invocation by any caller
- API Gateway's metrics, for every request to an HTTP API
- the age of each queue's oldest message, recorded at each query for metrics

MiniStack does not evaluate its alarms when these metrics are recorded. The module also adds the
statistic `TC(:N)`: how many samples have a value of N or less.
"""

import json
import re
import time
from collections.abc import Iterator
from functools import wraps
from types import ModuleType
from typing import Any, NamedTuple

_LOGS, _COUNTS = "_emit_lambda_logs", "_emit_lambda_metrics"
_EXECUTE = "handle_execute"
_RECORD, _STORE, _QUERY = "record_metric", "_store_datum", "_get_metric_data"
_VALUE, _SAMPLES = "_stat_value", "_percentile_samples"
_TRIMMED_COUNT = re.compile(r"TC\(:(\d+)\)")
_QUEUES = "_queues"
_POISON_RECEIVES = 3
"""After this number of receives, a message no longer counts for the age of the oldest message. SQS does the same."""
_LATE_SECONDS = 60
"""Each query first records the current age of the oldest message, with a time this many seconds in
the past. The current time would be after the end of the queried time span. SQS's own metrics have a delay, too."""


class Datum(NamedTuple):
    """One value of one metric."""

    namespace: str
    name: str
    value: float
    unit: str
    dimensions: dict[str, str]


def embedded(log: str) -> Iterator[Datum]:
    """Yield the metrics in a function's log."""
    for line in log.splitlines():
        if "CloudWatchMetrics" not in line:
            continue
        try:
            document = json.loads(line)
            directives = document["_aws"]["CloudWatchMetrics"]
        except (ValueError, KeyError, TypeError):
            continue
        for directive in directives:
            yield from _data(document, directive)


def _data(document: dict[str, Any], directive: dict[str, Any]) -> Iterator[Datum]:
    for names in directive["Dimensions"]:
        dimensions = {name: str(document[name]) for name in names}
        for metric in directive["Metrics"]:
            values = document[metric["Name"]]
            for value in values if isinstance(values, list) else [values]:
                unit = metric.get("Unit", "None")
                yield Datum(directive["Namespace"], metric["Name"], float(value), unit, dimensions)


def count(functions: ModuleType, gateway: ModuleType, cloudwatch: ModuleType, queues: ModuleType) -> None:
    """Make MiniStack record the added metrics. Raises `LookupError` if MiniStack lacks a needed name."""
    needed = (
        *((functions, name) for name in (_LOGS, _COUNTS)),
        (gateway, _EXECUTE),
        *((cloudwatch, name) for name in (_RECORD, _STORE, _QUERY, _VALUE, _SAMPLES)),
        (queues, _QUEUES),
    )
    if missing := [name for module, name in needed if not hasattr(module, name)]:
        raise LookupError(f"this MiniStack has no {', '.join(missing)}; local/metrics.py is for another version")
    _count_invocations(functions, getattr(cloudwatch, _RECORD))
    _count_requests(gateway, getattr(cloudwatch, _RECORD))
    _measure_ages(cloudwatch, queues)
    _add_trimmed_counts(cloudwatch)


def _count_invocations(functions: ModuleType, record: Any) -> None:
    log, counted = getattr(functions, _LOGS), getattr(functions, _COUNTS)

    @wraps(log)
    def logged(func: Any, request_id: str, text: str, error: bool, milliseconds: int, **options: Any) -> None:
        log(func, request_id, text, error, milliseconds, **options)
        for datum in embedded(text or ""):
            record(*datum)
        name = (func.get("config") or func).get("FunctionName", "unknown")
        counted(name, duration_ms=milliseconds, error=error, throttle=False)

    @wraps(counted)
    def throttles_only(function: str, *, throttle: bool, **values: Any) -> None:
        # `logged` counts every invocation. MiniStack itself counts direct invocations and throttles. Only its count of
        # throttles is kept, because otherwise direct invocations would count twice.
        if throttle:
            counted(function, throttle=throttle, **values)

    setattr(functions, _LOGS, logged)
    setattr(functions, _COUNTS, throttles_only)


def _count_requests(gateway: ModuleType, record: Any) -> None:
    execute = getattr(gateway, _EXECUTE)

    @wraps(execute)
    async def counted(api_id: str, stage: str, *request: Any, **options: Any) -> Any:
        began = time.monotonic()
        answer = await execute(api_id, stage, *request, **options)
        dimensions = {"ApiId": api_id, "Stage": stage}
        hundreds = int(answer[0]) // 100
        for name, value in (("Count", 1), ("4xx", hundreds == 4), ("5xx", hundreds == 5)):
            record("AWS/ApiGateway", name, value, "Count", dimensions)
        record("AWS/ApiGateway", "Latency", (time.monotonic() - began) * 1000, "Milliseconds", dimensions)
        return answer

    setattr(gateway, _EXECUTE, counted)


def _measure_ages(cloudwatch: ModuleType, queues: ModuleType) -> None:
    query, store = getattr(cloudwatch, _QUERY), getattr(cloudwatch, _STORE)

    @wraps(query)
    def measured(*arguments: Any, **options: Any) -> Any:
        now = time.time()
        for url, queue in list(getattr(queues, _QUEUES).items()):
            sent = [each["sent_at"] for each in queue["messages"] if each["receive_count"] < _POISON_RECEIVES]
            age = now - min(sent, default=now)
            dimensions = {"QueueName": url.rpartition("/")[2]}
            name = "ApproximateAgeOfOldestMessage"
            store("AWS/SQS", name, dimensions, now - _LATE_SECONDS, "Seconds", age, None, None, None)
        return query(*arguments, **options)

    setattr(cloudwatch, _QUERY, measured)


def _add_trimmed_counts(cloudwatch: ModuleType) -> None:
    """Add `TC(:N)`: how many samples have a value of N or less.

    For an unknown statistic, MiniStack returns the average.
    """
    known, samples = getattr(cloudwatch, _VALUE), getattr(cloudwatch, _SAMPLES)

    @wraps(known)
    def value(stats: Any, name: str, points: Any = None) -> Any:
        if trimmed := _TRIMMED_COUNT.fullmatch(name or ""):
            return float(sum(weight for sample, weight in samples(points or []) or () if sample <= float(trimmed[1])))
        return known(stats, name, points)

    setattr(cloudwatch, _VALUE, value)
