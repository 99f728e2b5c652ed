"""Sending a dead letter back, with the command that people on call type."""

import subprocess
import sys

from local.client import LocalStack
from local.errors import LocalError
from local.instance import ROOT

_SECONDS = 120


def redrive_command(order_id: str) -> list[str]:
    """What to type to redrive one order's dead letters on the local stack."""
    decision = ["--by", "demo", "--reason", "dependency repaired", "--yes"]
    return ["python", "-m", "ops", "dlq", "redrive", "--local", "--where", f"order_id={order_id}", *decision]


def redrive(stack: LocalStack, order_id: str) -> None:
    """Send every dead letter of one order back to the orders queue. Raises `LocalError` with what the command said."""
    command = [sys.executable, *redrive_command(order_id)[1:], "--state-dir", str(stack.state.path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        raise LocalError(f"The redrive failed: {done.stderr.strip()}")
