"""``python -m lab.benchmarks.cold_start``: init of each function in fresh processes, with byte code and without.

The package is built for the interpreter at hand, and each process sees nothing else.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from lab.benchmarks.measure import compare
from pipeline.functions import FUNCTIONS
from pipeline.package import LocalTarget, PackageSpec, build_package

ROOT = Path(__file__).resolve().parents[2]
HANDLERS = tuple(each.key for each in FUNCTIONS)
ROUNDS = 11
_INIT = """
import sys, time
started = time.perf_counter()
sys.path.insert(0, sys.argv[1])
__import__(sys.argv[2])
print(time.perf_counter() - started)
"""
ENVIRONMENT = {
    "AWS_LAMBDA_FUNCTION_NAME": "function",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "POWERTOOLS_SERVICE_NAME": "benchmark",
    "POWERTOOLS_METRICS_NAMESPACE": "benchmark",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "ORDERS_TABLE": "orders",
    "STOCK_TABLE": "stock",
    "IDEMPOTENCY_TABLE": "records",
    "IDEMPOTENCY_TTL_SECONDS": "86400",
    "ORDERS_QUEUE_URL": "https://queue",
    "DEAD_LETTER_QUEUE_URL": "https://dead",
    "NOTIFICATIONS_TOPIC_ARN": "arn:aws:sns:eu-west-1:000000000000:topic",
    "EVENT_SOURCE": "/orders",
    "MAX_RECEIVE_COUNT": "8",
    "RETRY_BASE_SECONDS": "30",
    "RETRY_CAP_SECONDS": "900",
    "BATCH_THREADS": "5",
    "ITEM_BUDGET_SECONDS": "20",
    "TIME_MARGIN_SECONDS": "5",
}


def unpacked(where: Path, *, bytecode: bool) -> Path:
    """The package in a folder of its own."""
    package = build_package(PackageSpec(root=ROOT, target=LocalTarget(), bytecode=bytecode))
    folder = where / ("with" if bytecode else "without")
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(folder)
    return folder


def init_seconds(folder: Path, handler: str) -> float:
    """Seconds that a fresh process takes to import a handler and make its clients.

    Raises:
        subprocess.CalledProcessError: it does not import.
    """
    # -I: nothing but the package; -B: Lambda's folder cannot be written to, so nothing is kept for the next process.
    command = [sys.executable, "-I", "-B", "-c", _INIT, str(folder), f"runtime.handlers.{handler}"]
    done = subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    """Measure all functions."""
    with tempfile.TemporaryDirectory() as scratch:
        without, with_bytecode = (unpacked(Path(scratch), bytecode=one) for one in (False, True))
        for handler in HANDLERS:
            alternatives: dict[str, Callable[[], float]] = {
                "with byte code": partial(init_seconds, with_bytecode, handler),
                "without": partial(init_seconds, without, handler),
            }
            compare(f"init of {handler}", alternatives, ROUNDS)


if __name__ == "__main__":
    main()
