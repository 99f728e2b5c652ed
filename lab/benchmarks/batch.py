"""Measures a batch of ten new orders, on several threads and on one. Also measures loading certificate authorities.

For the batch, the real worker runs on the in-memory AWS. Every call waits for 5 ms, about as long as a call to AWS.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable

from botocore import httpsession

from lab.simulation.fakes import Call
from lab.simulation.requests import order_body
from lab.simulation.world import Deployment, World, simulated
from runtime.store.tls import botocore_context, shared_context

CALL_SECONDS = 0.005
ORDERS = 10


def seconds_for(threads: int) -> float:
    """Return the elapsed seconds of one batch."""
    with simulated(World(deployment=Deployment(batch_threads=threads, batch_size=ORDERS))) as world:
        for number in range(ORDERS):
            world.stock_up(f"SKU-{number}", 10)
            world.post(f"key-{number}", order_body((f"SKU-{number}", 1)), caller="ann")
        world.cloud.wire.before = _wait
        started = time.perf_counter()
        kept = world.deliver()
        taken = time.perf_counter() - started
        if kept:
            raise AssertionError("the run is invalid: the worker did not settle all messages")
        return taken


def tls_seconds(create: Callable[[], ssl.SSLContext]) -> float:
    """Return the processor seconds that a process's first batch needs to load certificate authorities.

    The batch opens ten connections to each of two services. `create` makes the TLS context of a client.
    """
    shared_context.cache_clear()
    started = time.process_time()
    for context in (create(), create()):
        for _ in range(ORDERS):
            context.load_verify_locations(httpsession.get_cert_path(verify=True))
    return time.process_time() - started


TLS_CONTEXTS: dict[str, Callable[[], ssl.SSLContext]] = {"ours": shared_context, "bare": botocore_context}


def _wait(_: Call) -> None:
    time.sleep(CALL_SECONDS)
