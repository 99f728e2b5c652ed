"""Tests that many instances can start from one snapshot.

The init of the API's functions uses no randomness, no clock and no connection. At its first invocation each instance
seeds its random numbers. If a sampling rate is set, it also decides again whether to log at DEBUG.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator

import pytest

from runtime import resumed
from runtime.observability import logger

# Runs a handler's init as Lambda does, and prints our lines of code that use randomness or time, and every connection.
PROBE = """
import datetime, json, os, random, socket, time, traceback, uuid
import runtime

own, seen = runtime.__path__[0], []

def spied(what, original):
    def spy(*args, **kwargs):
        caller = traceback.extract_stack()[-2]
        if what == "connect" or caller.filename.startswith(own):
            seen.append(f"{what} by {caller.filename}:{caller.lineno}")
        return original(*args, **kwargs)
    return spy

class Now(datetime.datetime):
    now = spied("now", datetime.datetime.now)

datetime.datetime = Now
for owner, names in ((uuid, ("uuid1", "uuid4")), (random, ("random", "uniform", "randint", "seed")),
                     (time, ("time", "monotonic", "time_ns")), (os, ("urandom",))):
    for name in names:
        setattr(owner, name, spied(name, getattr(owner, name)))
socket.socket.connect = spied("connect", socket.socket.connect)
import runtime.handlers.MODULE
print(json.dumps(seen))
"""
ENVIRONMENT = {
    "AWS_LAMBDA_FUNCTION_NAME": "f",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "given-by-lambda",
    "AWS_SECRET_ACCESS_KEY": "given-by-lambda",
    "IDEMPOTENCY_TABLE": "remembered",
    "ORDERS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders",
    "ORDERS_TABLE": "orders",
}


def init(module: str, before: str = "") -> list[str]:
    """Import `module`, and return what the probe finds: uses of randomness and time, and connections."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.replace("import runtime.handlers.MODULE", f"{before}\nimport {module}")],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("name", ["create_order", "get_order"])
def test_init_uses_no_randomness_no_clock_and_no_connection(name: str) -> None:
    # GIVEN / WHEN
    found = init(f"runtime.handlers.{name}")

    # THEN
    assert found == []


def test_a_connection_during_init_would_be_found() -> None:
    # GIVEN an init with a connection in it
    connecting = "try: socket.create_connection(('127.0.0.1', 1), 1)\nexcept OSError: pass"

    # WHEN
    found = init("runtime.handlers.get_order", before=connecting)

    # THEN
    assert found
    assert found[0].startswith("connect by")


@pytest.fixture
def _first_invocation() -> Iterator[None]:
    resumed.reseed.cache_clear()
    yield
    resumed.reseed.cache_clear()


@pytest.mark.usefixtures("_first_invocation")
def test_instances_of_one_snapshot_have_different_random_numbers() -> None:
    # GIVEN the random state in a snapshot
    snapshot = random.getstate()
    drawn = []

    # WHEN two instances are resumed from it
    for _ in range(2):
        random.setstate(snapshot)
        resumed.reseed.cache_clear()
        resumed.reseed()
        drawn.append(random.getstate())

    # THEN
    assert drawn[0] != drawn[1]


@pytest.mark.usefixtures("_first_invocation")
def test_random_numbers_are_seeded_once_per_instance() -> None:
    # GIVEN
    resumed.reseed()
    state = random.getstate()

    # WHEN
    resumed.reseed()

    # THEN
    assert random.getstate() == state


@pytest.mark.usefixtures("_first_invocation")
@pytest.mark.parametrize(("rate", "times"), [(0.01, 1), (0.0, 0)])
def test_each_instance_samples_debug_logs_again_if_a_sampling_rate_is_set(
    monkeypatch: pytest.MonkeyPatch, rate: float, times: int
) -> None:
    # GIVEN
    decisions: list[None] = []
    monkeypatch.setattr(logger, "sampling_rate", rate)
    monkeypatch.setattr(logger, "refresh_sample_rate_calculation", lambda: decisions.append(None))

    # WHEN
    resumed.reseed()

    # THEN
    assert len(decisions) == times
