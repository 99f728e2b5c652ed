"""Logger and metrics: one of each per process, configured by the `POWERTOOLS_*` environment.

Logs carry ids, never personal data or payloads. In threads use `logger.thread_safe_append_keys`, because `append_keys`
would put one order's id on another order's lines. `metrics` is not thread-safe: add metrics only in the main thread.
"""

import json
import os
from typing import Any, Final

from aws_lambda_powertools import Logger, Metrics

_REDUNDANT_FIELDS: Final = ("location", "function_name", "function_memory_size", "function_arn")
"""Fields that repeat the line's message, the name of its log group or stream, or the function's configuration."""


def _line(log: dict[str, Any]) -> str:
    """Write one log line as JSON, without fields that cost money and add nothing."""
    omitted = list(_REDUNDANT_FIELDS)
    if not log.get("cold_start"):
        omitted.append("cold_start")
    if "Sampled=1" not in os.environ.get("_X_AMZN_TRACE_ID", ""):
        # X-Ray keeps no trace of a request that is not sampled.
        omitted.append("xray_trace_id")
    kept = {key: value for key, value in log.items() if key not in omitted}
    return json.dumps(kept, default=str, separators=(",", ":"), ensure_ascii=False)


logger: Final = Logger(utc=True, json_serializer=_line)
metrics: Final = Metrics()
