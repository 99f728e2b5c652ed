"""Logger and metrics: one of each per process, configured by the `POWERTOOLS_*` environment.

Logs carry ids, never personal data or payloads. In threads use `logger.thread_safe_append_keys`: `append_keys` would
put one order's id on another's lines. `metrics` is not thread-safe: add metrics from the main thread only.
"""

from typing import Final

from aws_lambda_powertools import Logger, Metrics

logger: Final = Logger(utc=True)
metrics: Final = Metrics()
