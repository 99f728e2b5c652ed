"""Measures a warm `POST /orders` and the settling of one order, with prod's settings.

Each is compared with a short version of the function (`peer`, in `lab.benchmarks.peers`), and with only the function's
calls to AWS, made by plain botocore clients (`bare`) or by `hand_signed.Client` (`floor`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

from lab.benchmarks.cold_start import environment
from lab.simulation.requests import api_event, order_body

PROBE: Final = Path(__file__).with_name("warm_probe.py")
_TIME: Final = "2026-01-01T00:00:00.000Z"
_ORDER_ID: Final = "1bfa2889-307d-56d4-8339-4dc839c7313d"
_ORDER: Final = {
    **json.loads(order_body()),
    "order_id": _ORDER_ID,
    "caller": "0" * 64,
    "accepted_at": _TIME,
    "correlation_id": "request",
    "schema_version": 1,
    "total": "39.80",
}
_RECORD: Final = {
    "messageId": "2e1424d4-f796-459a-8184-9c92662be6da",
    "receiptHandle": "receipt",
    "body": json.dumps(_ORDER),
    "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1767225600000"},
    "messageAttributes": {},
    "eventSource": "aws:sqs",
}


class Warm(NamedTuple):
    """Each alternative's processor time for one invocation, in seconds, and the invocation's calls to AWS."""

    floor: float
    bare: float
    peer: float
    ours: float
    calls: list[str]


def accept(folder: Path, rounds: int) -> Warm:
    """Measure one request that creates an order."""
    event = api_event("ann", method="POST", headers={"idempotency-key": "key"}, body=order_body())
    answers = {"UpdateItem": {"Attributes": {"accepted_at": {"S": _TIME}}}, "SendMessage": {"MessageId": "1"}}
    return _run(folder, "create-order", event, answers, rounds)


def settle(folder: Path, rounds: int) -> Warm:
    """Measure the processing of one message: the worker confirms the order and publishes its event."""
    item = {name: _attribute(value) for name, value in _ORDER.items()}
    item |= {"status": {"S": "CONFIRMED"}, "settled_at": {"S": _TIME}}
    return _run(folder, "process-order", {"Records": [_RECORD]}, {"GetItem": {"Item": item}}, rounds)


def _attribute(value: Any) -> dict[str, Any]:
    match value:
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case list():
            return {"L": [_attribute(each) for each in value]}
        case _:
            return {"M": {name: _attribute(each) for name, each in value.items()}}


def _run(folder: Path, function: str, event: dict[str, Any], answers: dict[str, Any], rounds: int) -> Warm:
    module = f"runtime.handlers.{function.replace('-', '_')}"
    peer = f"peers.{function.replace('-', '_')}"
    work = {"module": module, "peer": peer, "event": event, "answers": answers, "times": 20, "rounds": 5 * rounds}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", PROBE, folder],
        env=environment(function),
        input=json.dumps(work),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{module} did not run:\n{done.stderr}")
    return Warm(**json.loads(done.stderr.splitlines()[-1]))
